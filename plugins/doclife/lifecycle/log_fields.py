"""Puts numbers of plans, rules, documents and jobs into every line that is logged meanwhile.

Airflow writes its logs with structlog, which takes these fields along, also into lines of other
libraries; as JSON each is a key of its own. Only what is listed here can be one: names of rules,
and numbers. Never what a document is called or whose it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars


@contextmanager
def log_fields(
    *,
    plan_id: int | None = None,
    rule: str | None = None,
    action: str | None = None,
    shard: int | None = None,
    document_id: int | None = None,
    document_ids: Sequence[int] | None = None,
    job_ids: Sequence[int] | None = None,
    code: str | None = None,
) -> Iterator[None]:
    """Let every line of this thread or task carry these; inner ones are added to outer ones.

    :param rule: ``name@version``, or the name where no version is meant.
    :param code: why, as plans say it in one word.
    """
    given = {
        "plan_id": plan_id,
        "rule": rule,
        "action": action,
        "shard": shard,
        "document_id": document_id,
        "document_ids": document_ids,
        "job_ids": job_ids,
        "code": code,
    }
    with bound_contextvars(**{name: value for name, value in given.items() if value is not None}):
        yield

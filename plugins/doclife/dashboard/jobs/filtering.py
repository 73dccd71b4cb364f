"""Which jobs a list shows, and a deed to all of them reaches: one filter for pages and API."""

from typing import Annotated, Any

from fastapi import Depends, Form, Query

from doclife.dashboard.paging import Page, read_id, write_cursor
from doclife.dashboard.visit import Visit
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.jobs import LOOKED_AT_MOST, list_jobs
from doclife.lifecycle.queue import KINDS

LISTED_STATES = ("pending", "processing", "failed", "cancelled")
"""Completed jobs are counted, and found by their number."""

Asked = Annotated[str, Query(max_length=500)]
Typed = Annotated[str, Form(max_length=500)]
Filter = dict[str, str]
"""The fields of the search form, trimmed: q, state, kind, endpoint and error."""


def read_filter(*, q: str, state: str, kind: str, endpoint: str, error: str) -> Filter:
    """Return what the fields of the search form ask for.

    :raises ConfigurationError: one of them cannot be searched for.
    """
    query = {"q": q, "state": state, "kind": kind, "endpoint": endpoint, "error": error}
    for text in query.values():
        if (fault := text_fault(text)) is not None:
            raise ConfigurationError(f"nothing can be searched for by a {fault}")
    query = {name: text.strip() for name, text in query.items()}
    if query["state"] and query["state"] not in LISTED_STATES:
        raise ConfigurationError(f"jobs are {', '.join(LISTED_STATES)}, not {state!r}")
    if query["kind"] and query["kind"] not in KINDS:
        raise ConfigurationError(f"{kind!r} is no kind of job; there are {', '.join(KINDS)}")
    return query


def _of_address(
    q: Asked = "", state: Asked = "", kind: Asked = "", endpoint: Asked = "", error: Asked = ""
) -> Filter:
    return read_filter(q=q, state=state, kind=kind, endpoint=endpoint, error=error)


def _of_form(
    q: Typed = "", state: Typed = "", kind: Typed = "", endpoint: Typed = "", error: Typed = ""
) -> Filter:
    return read_filter(q=q, state=state, kind=kind, endpoint=endpoint, error=error)


AskedFilter = Annotated[Filter, Depends(_of_address)]
"""What a page reads from its address."""
TypedFilter = Annotated[Filter, Depends(_of_form)]
"""What a deed reads from the form of such a page."""


def narrowing(query: Filter) -> dict[str, Any]:
    """Return all of the filter but the state, as the queue's functions take it."""
    return {
        "kind": query["kind"] or None,
        "endpoint": query["endpoint"] or None,
        "words": query["q"] or None,
        "error": query["error"] or None,
    }


def find_page(here: Visit, query: Filter, *, cursor: str, limit: int) -> Page[dict[str, Any]]:
    """Return a page of the jobs that the filter lets through, the newest first.

    It may have fewer than ``limit``, even none, and still say where to look further.
    """
    found = list_jobs(
        here.conn,
        now=here.now,
        organization=here.tenant.slug,
        state=query["state"] or None,
        before=read_id(cursor),
        size=limit,
        most=LOOKED_AT_MOST,
        **narrowing(query),
    )
    following = None if found.next_before is None else write_cursor(found.next_before)
    return Page(
        rows=found.jobs,
        next_cursor=following,
        is_first=not cursor,
        is_partial=following is not None and len(found.jobs) < limit,
    )

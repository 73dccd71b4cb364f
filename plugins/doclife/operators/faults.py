"""Tells Airflow which failures a retry can help."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException
from jinja2 import TemplateError

from doclife.errors import ConfigurationError, RefusedError

LASTING = (ConfigurationError, RefusedError, AirflowNotFoundException, TemplateError)
"""What stays as it is until a person does something: wrong settings, a halt, a missing approval,
a Connection that does not exist, an operator's template that cannot be rendered."""

LASTING_STATES = frozenset(
    {
        "28000",  # the user may not connect
        "28P01",  # wrong password
        "3D000",  # no such database
        "3F000",  # no such schema: never migrated
        "42501",  # a grant is missing
        "42703",  # no such column: migrations are missing
        "42883",  # no such function
        "42P01",  # no such table
    }
)
"""SQLSTATEs with the same meaning."""


def is_lasting(error: BaseException) -> bool:
    """Whether a failure stays as it is until a person does something."""
    # By attribute: psycopg is not imported when DAG files are parsed.
    return isinstance(error, LASTING) or getattr(error, "sqlstate", None) in LASTING_STATES


@contextmanager
def lasting_faults_fail_at_once() -> Iterator[None]:
    """Raise AirflowFailException, which is never retried, for what a retry cannot help.

    Everything else is raised as it is and retried: a database that is away, a store that does not
    answer, a shard that another process still works on.
    """
    try:
        yield
    except Exception as error:
        if not is_lasting(error):
            raise
        raise AirflowFailException(str(error)) from error

"""Tells Airflow which failures a retry can help."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from doclife.errors import ConfigurationError, RefusedError

LASTING = (ConfigurationError, RefusedError, AirflowNotFoundException)
"""What stays as it is until a person does something: wrong settings, a halt, a missing approval,
a Connection that does not exist."""


@contextmanager
def lasting_faults_fail_at_once() -> Iterator[None]:
    """Raise AirflowFailException, which is never retried, for what a retry cannot help.

    Everything else is raised as it is and retried: a database that is away, a store that does not
    answer, a shard that another process still works on.
    """
    try:
        yield
    except LASTING as error:
        raise AirflowFailException(str(error)) from error

from __future__ import annotations

from datetime import timedelta

import jinja2
import psycopg
import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from doclife.errors import ConfigurationError, RefusedError, StorageError, TryAgainLater
from doclife.operators.faults import lasting_faults_fail_at_once
from doclife.operators.retrying import FullJitter

LASTING = [
    ConfigurationError("no such store 'archve'"),
    RefusedError("plan 7 waits for approval"),
    AirflowNotFoundException("The conn_id `documents` isn't defined"),
    psycopg.errors.UndefinedTable('relation "organizations" does not exist'),
    psycopg.errors.InvalidSchemaName('schema "doclife" does not exist'),
    psycopg.errors.InsufficientPrivilege("permission denied for table documents"),
    jinja2.UndefinedError("'dict object' has no attribute 'cse'"),
]
PASSING = [
    TryAgainLater("another process works on it"),
    StorageError("the bucket does not answer"),
    psycopg.OperationalError("connection refused"),
    psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
]


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_what_a_retry_cannot_help_fails_at_once_with_the_whole_message(error):
    with pytest.raises(AirflowFailException, match=str(error)), lasting_faults_fail_at_once():
        raise error


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_passes_by_itself_is_left_to_be_retried(error):
    with pytest.raises(type(error)), lasting_faults_fail_at_once():
        raise error


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_the_policy_never_retries_what_a_retry_cannot_help(error):
    assert FullJitter().evaluate(error, 1, 4).action is RetryAction.FAIL


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_the_policy_retries_what_passes_by_itself(error):
    assert FullJitter().evaluate(error, 1, 4).action is RetryAction.RETRY


def test_the_longest_wait_doubles_up_to_its_limit():
    policy = FullJitter(first_seconds=30, most_seconds=100)

    waits = [policy.longest_wait(number).total_seconds() for number in (1, 2, 3, 500)]

    assert waits == [30, 60, 100, 100]


def test_mapped_tasks_that_fail_together_do_not_come_back_together():
    policy = FullJitter()

    waits = {policy.evaluate(PASSING[0], 2, 4).retry_delay for _ in range(100)}

    assert len(waits) > 90
    assert all(timedelta() <= wait <= policy.longest_wait(2) for wait in waits)


def test_the_policy_survives_serialization():
    policy = FullJitter(first_seconds=5, most_seconds=50)

    again = FullJitter.deserialize(policy.serialize())

    assert (again.first_seconds, again.most_seconds) == (5, 50)

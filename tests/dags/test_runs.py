"""The promises of plan, apply and undo, kept by real DAG runs."""

from __future__ import annotations

import pytest

from tests.dags.airflow_runs import Run
from tests.dags.catalogue import (
    DELETE_OLD_TEMP,
    add_documents,
    allow_everything,
    apply_rules,
    plan_states,
    statuses,
)

pytestmark = pytest.mark.usefixtures("documents_connection")


def test_the_nightly_run_deletes_what_is_due_and_nothing_else(dags, conn):
    allow_everything(conn)
    add_documents(conn, "due-1", "due-2")
    add_documents(conn, "kept", tags=())
    apply_rules(conn, DELETE_OLD_TEMP)

    run = Run(dags["execute_automation_rules"]).create()

    assert run.go_on() == "success", run.states()
    assert statuses(conn) == {"due-1": "deleted", "due-2": "deleted", "kept": "active"}
    assert plan_states(conn) == ["applied"]

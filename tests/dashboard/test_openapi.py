"""Requests nobody would think of, made from our own description of the API.

Always the same ones, few of each kind. ``API_EXAMPLES=200`` asks for more, ``API_ROLE=vic`` in the
name of somebody else.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from doclife.dashboard.gate import SAFE_METHODS
from doclife.lifecycle.forecasting import rebuild_dispositions
from tests.dashboard.conftest import People, value
from tests.dashboard.test_api import AGED, DRAFTS, MAIL, add_hook
from tests.dashboard.test_every_route import FOR_READERS
from tests.lifecycle.conftest import World, days_ago

EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
ROLE = os.environ.get("API_ROLE", "olga")
ASKED = [pytest.param(ROLE, mode, EXAMPLES, id=f"{ROLE}-{mode}") for mode in GenerationMode] + [
    pytest.param(role, GenerationMode.POSITIVE, 1, id=role) for role in ("vic", "admin")
]
"""Who asks, with what, and how often for each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
KNOWN = {
    "document_id": 1,
    "plan_id": 1,
    "job_id": 1,
    "report_id": 1,
    "kind": "table",
    "organization": "default",
}
"""What is there, so that more is found than that nothing is there."""
NAMES = {"rules": "drafts", "endpoints": "hook", "schedules": "hello"}
OF_AIRFLOW = ("/runs", "/approve", "/reject")
"""They call Airflow, which is not there: of what is not there only."""


@pytest.fixture
def people_there(world: World, people: People) -> People:
    """Everybody, in a small world in which there is something of everything."""
    world.now = value(world.conn, "SELECT now()")
    world.enforce("drafts", when=DRAFTS, retain=AGED, actions=[{"do": "DELETE"}])
    world.add_document("d-1", document_type="draft", created_on=days_ago(3000))
    world.night()
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    add_hook(world)
    writer = people("olga")
    call = {"endpoint": "hook", "type": "invoice.paid", "data": {}}
    writer.api("POST", "/jobs", json={"kind": "webhook", "payload": call})
    writer.api("POST", "/schedules", json={"name": "hello", "cron": "0 8 * * mon", **MAIL})
    return people


@pytest.mark.parametrize(("role", "mode", "examples"), ASKED)
def test_no_request_is_answered_with_a_fault_or_otherwise_than_described(
    airflow: TestClient, people_there: People, role: str, mode: GenerationMode, examples: int
) -> None:
    person = people_there(role)
    described = person.api("GET", "/openapi.json").json()
    api = schemathesis.openapi.from_dict(described)
    credential = {"Authorization": f"Bearer {person.cookies['_token']}"}
    faults: dict[str, str] = {}

    def ask(case: Any, with_known: bool) -> None:
        if with_known:
            use_known(case)
        request = case.as_transport_kwargs(base_url="http://testserver/doclife")
        request["headers"] = {**request["headers"], **credential}
        request.pop("cookies", None)
        if isinstance(request.get("data"), bytes | str):
            request["content"] = request.pop("data")
        airflow.cookies.clear()
        answer = airflow.request(**request, follow_redirects=False)
        # A line break, or dots that lead elsewhere, do not come to us but to Airflow.
        assume("content-security-policy" in answer.headers)
        if role == "vic" and is_refused_to_readers(case):
            assert answer.status_code == 403, (case.method, case.path, answer.text)
        case.validate_response(answer, checks=CHECKS)

    for found in api.get_all_operations():
        operation = found.ok()
        each = settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )(given(case=operation.as_strategy(generation_mode=mode), with_known=st.booleans())(ask))
        try:
            each()
        except FailureGroup as fault:
            faults[operation.label] = "\n".join(map(str, fault.exceptions))

    assert not faults, "\n\n".join(f"{label}: {fault}" for label, fault in faults.items())


def is_refused_to_readers(case: Any) -> bool:
    """Return whether a request is a write that asks for more than the right to read."""
    return case.method not in SAFE_METHODS and case.path not in FOR_READERS


def use_known(case: Any) -> None:
    """Ask for what is there, where that does not ask Airflow."""
    if case.query and "organization" in case.query:
        case.query["organization"] = KNOWN["organization"]
    if case.path.endswith(OF_AIRFLOW):
        return
    names = NAMES.get(case.path.split("/")[3])
    known = KNOWN if names is None else {**KNOWN, "name": names}
    for name in set(case.path_parameters or ()) & set(known):
        case.path_parameters[name] = known[name]

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

from doclife.lifecycle.forecasting import rebuild_dispositions
from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import People, value
from tests.dashboard.test_api import AGED, DRAFTS, MAIL, add_hook
from tests.lifecycle.conftest import World, days_ago

EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
ROLE = os.environ.get("API_ROLE", "olga")
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
def person(world: World, people: People) -> Browser:
    """Somebody in a small world in which there is something of everything."""
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
    return people(ROLE)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_no_request_is_answered_with_a_fault_or_otherwise_than_described(
    airflow: TestClient, person: Browser, mode: GenerationMode
) -> None:
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
        case.validate_response(answer, checks=CHECKS)

    for found in api.get_all_operations():
        operation = found.ok()
        each = settings(
            max_examples=EXAMPLES,
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

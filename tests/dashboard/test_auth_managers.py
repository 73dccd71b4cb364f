"""Whichever auth manager Airflow has: what it says counts, and names are told from ids."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.api_fastapi import app
from fastapi.testclient import TestClient

from doclife.dashboard.access import Deed, Person, Rights
from doclife.store.connection import Connection
from tests.dashboard.browsers import SAME_ORIGIN, Browser, words
from tests.dashboard.conftest import value
from tests.dashboard.numbered_auth_manager import (
    CONNECTION,
    READING,
    NumberedAuthManager,
    NumberedUser,
    Right,
)

NEEDED: dict[Deed, frozenset[Right]] = {
    Deed.READ: READING,
    Deed.EDIT: frozenset({("PUT", None, "execute_automation_rules")}),
    Deed.RUN: frozenset({("POST", "RUN", "run_rule")}),
    Deed.APPROVE: frozenset({("PUT", "HITL_DETAIL", "review_plan")}),
    Deed.SEND: frozenset({("POST", "RUN", "process_queue")}),
    Deed.CONNECT: frozenset((method, None, CONNECTION) for method in ("POST", "PUT", "DELETE")),
}
"""What docs/dashboard.md says that each deed needs in Airflow."""

LogIn = Callable[[NumberedUser], Browser]


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> NumberedAuthManager:
    """The auth manager of this test's Airflow."""
    monkeypatch.setenv(
        "AIRFLOW__CORE__AUTH_MANAGER", f"{NumberedAuthManager.__module__}.NumberedAuthManager"
    )
    monkeypatch.setattr(app._AuthManagerState, "instance", None)
    made = app.create_auth_manager()
    assert isinstance(made, NumberedAuthManager)
    return made


@pytest.fixture
def log_in(manager: NumberedAuthManager, airflow: TestClient) -> LogIn:
    """Return what gives somebody a browser with a login."""

    def at_browser(user: NumberedUser) -> Browser:
        manager.users[user.number] = user
        return Browser(airflow, user=user)

    return at_browser


@pytest.mark.parametrize("deed", Deed)
def test_each_deed_needs_its_own_rights_in_airflow_and_gives_no_other(
    manager: NumberedAuthManager, deed: Deed
) -> None:
    def may(rights: frozenset[Right]) -> set[Deed]:
        user = NumberedUser(number=7, name="olga", rights=rights)
        asked = Rights(Person(name=user.name, airflow_user=user))
        return {each for each in Deed if asked.allow(each)}

    assert may(NEEDED[deed]) == {deed}
    for right in NEEDED[deed]:
        assert may(NEEDED[deed] - {right}) == set(), right


def test_reading_needs_read_access_to_each_of_our_dags(log_in: LogIn) -> None:
    everything_else = frozenset().union(*NEEDED.values()) - READING
    for number, missing in enumerate(sorted(READING)):
        user = NumberedUser(number=number, name="hal", rights=READING - {missing} | everything_else)
        for path in ("/", "/api/v1/plans"):
            assert log_in(user).get(path).status_code == 403, missing
    assert log_in(NumberedUser(number=99, name="vic")).get("/").status_code == 200


def test_a_right_to_one_dag_shows_the_buttons_of_that_dag_alone(log_in: LogIn) -> None:
    runner = log_in(NumberedUser(number=7, name="rune", rights=READING | NEEDED[Deed.RUN]))
    editor = log_in(NumberedUser(number=8, name="edith", rights=READING | NEEDED[Deed.EDIT]))

    assert "Halt…" in runner.text("/")
    assert "New rule" not in runner.text("/rules")
    assert runner.get("/rules/-/new").status_code == 403
    assert runner.post("/halt", reason="wait").status_code == 303
    assert "Halt…" not in editor.text("/")
    assert "New rule" in editor.text("/rules")
    assert editor.post("/resume").status_code == 403
    assert editor.get("/integrations/slack/connection").status_code == 403


def test_people_are_written_down_by_name_and_told_apart_by_id(
    log_in: LogIn, conn: Connection
) -> None:
    rights = READING | NEEDED[Deed.RUN]
    first = log_in(NumberedUser(number=7, name="olga", rights=rights))
    second = log_in(NumberedUser(number=8, name="olga", rights=rights))

    borrowed = {"form_token": first.form_token, "reason": "x"}
    answer = second.request("POST", "/halt", data=borrowed, headers=SAME_ORIGIN)
    assert answer.status_code == 403
    assert first.post("/halt", reason="wait").status_code == 303
    assert value(conn, "SELECT actor FROM audit_entries ORDER BY id DESC LIMIT 1") == "user:olga"


def test_a_login_that_the_identity_provider_has_ended_is_none(
    log_in: LogIn, manager: NumberedAuthManager
) -> None:
    olga = log_in(NumberedUser(number=7, name="olga"))
    manager.users.clear()

    for path in ("/", "/api/v1/plans"):
        answer = olga.get(path)
        assert answer.status_code == 401
        assert "Log in to Airflow again" in answer.text


def test_an_identity_provider_that_is_away_lets_nobody_do_anything(
    log_in: LogIn, manager: NumberedAuthManager
) -> None:
    olga = log_in(NumberedUser(number=7, name="olga", rights=READING | NEEDED[Deed.RUN]))
    manager.is_away = True

    page = olga.get("/")
    assert page.status_code == 503
    assert "auth manager does not say what you may do" in words(page.text)
    assert olga.post("/halt", reason="x").status_code == 503
    assert olga.api("GET", "/plans").json()["status"] == 503

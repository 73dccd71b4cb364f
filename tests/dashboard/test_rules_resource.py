"""``/api/v1/rules``: what the pages can do, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}
RULE = {"name": "temp", "trigger": {"type": "ON_SCHEDULE"}, **TEMP}


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    world.now = value(world.conn, "SELECT now()")


def test_a_rule_is_created_read_changed_and_deleted(world: World, olga: Browser) -> None:
    made = olga.api("POST", "/rules", json={"rule": RULE})
    assert (made.status_code, made.json()["version"]) == (201, 1)
    shown = olga.api("GET", "/rules/temp").json()
    assert (shown["version"], shown["rule"]["mode"]) == (1, "simulate")

    changed = {"rule": {**RULE, "grace": "1d"}, "based_on": 1}
    assert olga.api("PUT", "/rules/temp", json=changed).json()["version"] == 2
    late = olga.api("PUT", "/rules/temp", json=changed | {"rule": {**RULE, "grace": "9d"}})
    assert late.status_code == 409
    assert late.headers["content-type"] == "application/problem+json"
    versions = olga.api("GET", "/rules/temp/versions").json()["items"]
    assert [one["version"] for one in versions] == [2, 1]

    assert olga.api("DELETE", "/rules/temp").status_code == 204
    assert olga.api("GET", "/rules/temp").status_code == 404
    assert value(world.conn, "SELECT count(DISTINCT actor) FROM audit_entries") == 1


def test_every_fault_of_a_rule_comes_with_its_place(world: World, olga: Browser) -> None:
    bad = {"name": "temp", "trigger": {"type": "NOW"}, "grace": 30, "actions": [{"do": "DELETE"}],
           "when": {"all": [{"field": "tag", "op": "eq", "value": "x"}]}}  # fmt: skip

    answer = olga.api("POST", "/rules", json={"rule": bad})

    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {
        "rule.trigger.type", "rule.grace", "rule.when.all.0.field",
    }  # fmt: skip
    assert value(world.conn, "SELECT count(*) FROM rules") == 0


def test_a_draft_is_previewed_and_compared_and_leaves_nothing(world: World, vic: Browser) -> None:
    for number in range(12):
        world.add_document(f"d{number:02}", tags=["temp"])
    world.enforce("temp", **TEMP)

    first = vic.api("POST", "/rules/-/preview?limit=10", json={"rule": RULE}).json()
    assert (first["due"], len(first["items"])) == (12, 10)
    rest = vic.api(
        "POST", f"/rules/-/preview?limit=10&cursor={first['next_cursor']}", json={"rule": RULE}
    ).json()
    assert (len(rest["items"]), rest["next_cursor"]) == (2, None)
    other = {**RULE, "when": {"field": "tags", "op": "has_any", "value": ["x"]}}
    found = vic.api("POST", "/rules/-/difference", json={"rule": other}).json()
    assert {(one["kind"], one["documents"]) for one in found["changes"]} == {("no_longer_due", 12)}
    assert value(world.conn, "SELECT count(*) FROM plans") == 0
    assert value(world.conn, "SELECT count(*) FROM rule_versions") == 1


def test_a_rule_is_switched_and_its_versions_compared(world: World, olga: Browser) -> None:
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, mode="simulate")

    switched = olga.api("POST", "/rules/temp/mode", json={"mode": "off", "based_on": 1})

    assert switched.json()["version"] == 2
    found = olga.api("GET", "/rules/temp/difference?from=1&to=2").json()
    assert [one["kind"] for one in found["changes"]] == ["no_longer_due"]
    assert olga.api("POST", "/rules/temp/runs", json={"mode": "enforce"}).status_code == 409


def test_rules_go_out_and_come_in_as_a_file(world: World, olga: Browser) -> None:
    world.enforce("temp", **TEMP)
    text = olga.api("GET", "/rules/-/file").json()["text"]

    again = olga.api("POST", "/rules/-/file", json={"text": text})

    assert [one["kind"] for one in again.json()["changes"]] == ["unchanged"]
    bad = olga.api("POST", "/rules/-/file", json={"text": "rules: 7"})
    assert bad.status_code == 422
    other = olga.api("POST", "/rules/-/file", json={"text": "organization: x\nrules: []"})
    assert other.status_code == 422


def test_the_list_pages_by_cursor(world: World, vic: Browser) -> None:
    for number in range(3):
        world.enforce(f"rule-{number}", **TEMP)

    first = vic.api("GET", "/rules?limit=2").json()
    rest = vic.api("GET", f"/rules?limit=2&cursor={first['next_cursor']}").json()

    assert [one["name"] for one in first["items"] + rest["items"]] == [
        "rule-0", "rule-1", "rule-2",
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    assert first["items"][0]["next_run_at"] is not None


def test_what_makes_no_sense_is_refused_and_is_no_fault_of_ours(
    world: World, olga: Browser
) -> None:
    world.enforce("temp", **TEMP)
    for path in (
        "/rules?search=%00",
        "/rules?cursor=IlwwIg",
        "/rules?cursor=x",
        "/rules?cursor=e30",
        "/rules/%00/versions",
        "/rules/Temp",
        "/rules/temp/preview?as_of=0001-01-01",
        "/rules/temp/preview?as_of=9999-12-31",
        "/rules/temp/preview?as_of=9999-12-31T23:59:59-12:00",
        "/rules/temp/preview?as_of=never",
        "/rules/temp/preview?cursor=dHJ1ZQ",
        "/rules/temp/preview?limit=0",
        "/rules/temp/difference?from=1&to=99999999999999",
        "/plans?cursor=IngI",
        "/plans/0",
        "/plans/99999999999999999999",
        "/plans/1/items?state=x",
    ):
        answer = olga.api("GET", path)

        assert answer.status_code in (404, 422), (path, answer.text)
        assert answer.json()["status"] == answer.status_code


def test_viewers_change_nothing(world: World, vic: Browser) -> None:
    world.enforce("temp", **TEMP)
    for method, path, body in (
        ("POST", "/rules", {"rule": RULE}),
        ("PUT", "/rules/temp", {"rule": RULE, "based_on": 1}),
        ("DELETE", "/rules/temp", None),
        ("POST", "/rules/temp/mode", {"mode": "off", "based_on": 1}),
        ("POST", "/rules/temp/runs", {"mode": "simulate"}),
        ("POST", "/rules/-/file", {"text": ""}),
    ):
        assert vic.api(method, path, json=body).status_code == 403, path
    assert value(world.conn, "SELECT count(*) FROM rule_versions") == 1

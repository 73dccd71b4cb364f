from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from doclife.domain.actions import ActionType
from doclife.domain.duration import Period
from doclife.domain.rule import Mode, Rule
from doclife.errors import ConfigurationError
from tests.domain.conftest import rule

SCHEDULE = {"type": "ON_SCHEDULE"}
EXPIRATION = {"type": "ON_EXPIRATION"}
LEFT = {"type": "ON_EVENT", "event": "employee.left"}
OLD = {"field": "created_on", "op": "older_than", "value": "1y"}
DELETE = {"do": "DELETE"}
ARCHIVE = {"do": "ARCHIVE"}
NOTIFY = {"do": "NOTIFY", "with": {"to": "{{ document.owner }}"}}
DAILY = {"do": "NOTIFY", "with": {"to": "{{ document.owner }}", "digest": "daily"}}
REQUIRED = {"before": ["30d", "7d"], "required": True}
WEBHOOK = {"do": "WEBHOOK", "with": {"endpoint": "case-system"}}
SEVEN_YEARS = {"for": "7y", "after": "created_on"}
PERMANENT = {"for": "permanent", "after": "created_on"}


def refusal(**parts: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        rule(**parts)
    return str(refused.value)


def test_a_new_rule_simulates_and_is_limited() -> None:
    fresh = rule(when=OLD, actions=[DELETE])

    assert fresh.mode is Mode.SIMULATE
    assert fresh.priority == 100
    assert fresh.grace == Period(days=30)
    assert (fresh.limits.max_documents, fresh.limits.max_fraction) == (500, 0.05)
    assert fresh.limits.per_night is None
    assert fresh.warn == ()
    assert fresh.review is None


def test_actions_have_their_defaults() -> None:
    archive, notify, webhook = rule(when=OLD, actions=[ARCHIVE, NOTIFY, WEBHOOK]).actions

    assert archive.with_.model_dump() == {"store": "archive", "original": "remove"}
    assert notify.with_.model_dump() == {
        "channel": "email",
        "to": "{{ document.owner }}",
        "template": None,
        "digest": "none",
    }
    assert webhook.with_.model_dump() == {
        "endpoint": "case-system",
        "headers": {},
        "timeout": "30s",
    }


def test_warnings_are_listed_or_listed_and_required() -> None:
    listed = rule(retain=SEVEN_YEARS, actions=[DELETE], warn=["30d", "7d"])
    required = rule(retain=SEVEN_YEARS, actions=[DELETE], warn=REQUIRED)

    assert not listed.requires_warning
    assert required.requires_warning
    assert listed.warns_before == required.warns_before == (Period(days=30), Period(days=7))
    assert listed.to_source()["warn"] == ["30d", "7d"]
    assert required.to_source()["warn"] == REQUIRED
    for one in (listed, required):
        assert Rule.from_document(one.to_document()) == one


def test_a_rule_without_actions_only_retains() -> None:
    assert rule(retain=SEVEN_YEARS).actions == ()
    assert "a rule needs 1 to 10 actions" in refusal()


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"actions": [DELETE]}, "DELETE needs a 'when' or a 'retain'"),
        ({"when": OLD, "actions": [DELETE, NOTIFY]}, "DELETE must be the last action"),
        ({"when": OLD, "actions": [DELETE, DELETE]}, "a second DELETE"),
        ({"when": OLD, "actions": [ARCHIVE, ARCHIVE]}, "a second ARCHIVE"),
        ({"retain": PERMANENT, "actions": [DELETE]}, "never deleted"),
        (
            {"retain": PERMANENT, "actions": [{**DELETE, "after": "9y"}]},
            "what is retained permanently is never deleted",
        ),
        ({"retain": PERMANENT, "actions": [ARCHIVE]}, "ARCHIVE would never run"),
        (
            {"retain": SEVEN_YEARS, "actions": [{**DELETE, "after": "6y"}]},
            "DELETE after 6y, but this rule itself retains for 7y",
        ),
        (
            {"retain": SEVEN_YEARS, "actions": [{**ARCHIVE, "after": "8y"}, DELETE]},
            r"ARCHIVE after 8y would come after DELETE \(7y\)",
        ),
        ({"when": OLD, "actions": [{**DELETE, "after": "1y"}]}, "this rule has none"),
        ({"when": OLD, "actions": [DELETE], "warn": ["7d"]}, "this rule has none"),
        ({"retain": SEVEN_YEARS, "actions": [DELETE], "warn": ["0d"]}, "too late"),
        ({"retain": SEVEN_YEARS, "actions": [DELETE], "warn": ["7d", "7d"]}, "listed twice"),
        ({"retain": SEVEN_YEARS, "actions": [DELETE], "warn": ["7d"] * 7}, "at most 6"),
        ({"retain": SEVEN_YEARS, "actions": [DELETE], "warn": {"required": True}}, "required"),
        ({"retain": SEVEN_YEARS, "actions": [DELETE], "warn": {"before": []}}, "at least 1"),
        (
            {"retain": SEVEN_YEARS, "actions": [DELETE], "warn": REQUIRED | {"before": ["0d"]}},
            "late",
        ),
        ({"retain": SEVEN_YEARS, "actions": [ARCHIVE], "warn": REQUIRED}, "this rule has none"),
        ({"when": OLD, "actions": [DELETE], "warn": REQUIRED}, "this rule has none"),
        (
            {"retain": SEVEN_YEARS, "actions": [DAILY, DELETE], "warn": REQUIRED},
            "whose delivery is known",
        ),
        ({"when": OLD, "actions": [NOTIFY] * 11}, "at most 10"),
        ({"trigger": LEFT | {"event": None}, "actions": [NOTIFY]}, "ON_EVENT needs 'event'"),
        ({"trigger": {**LEFT, "cron": "0 3 * * *"}, "actions": [NOTIFY]}, "only ON_SCHEDULE"),
        ({"trigger": {**SCHEDULE, "event": "a.b"}, "actions": [NOTIFY]}, "only ON_EVENT"),
        ({"trigger": {**EXPIRATION, "time_zone": "UTC"}, "actions": [NOTIFY]}, "only ON_SCHEDULE"),
        (
            {"trigger": EXPIRATION, "retain": SEVEN_YEARS, "actions": [DELETE]},
            "a document that never expires would be acted on",
        ),
        (
            {"trigger": LEFT, "retain": SEVEN_YEARS, "actions": [DELETE]},
            "a document whose event never happened would be acted on",
        ),
        (
            {"trigger": LEFT, "retain": {"for": "1y", "after": "event:other.thing"}}
            | {"actions": [DELETE]},
            "after: event:employee.left",
        ),
        ({"retain": {"for": "1y", "after": "title"}}, "is of type text"),
        ({"retain": {"for": "1y", "after": "createdon"}}, "Did you mean 'created_on'"),
        ({"retain": {"for": "1y", "after": "event:nothing"}}, "names no event"),
        ({"retain": {"for": "7 years", "after": "created_on"}}, "or permanent"),
    ],
)
def test_refuses_parts_that_do_not_fit_together(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        rule(**parts)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"to": "{{ document.ownr }}"}, "Did you mean 'owner'"),
        ({"to": "{{ document['ownr'] }}"}, "Did you mean 'owner'"),
        ({"to": "{{ 1 + 1 }}"}, "may not contain add"),
        ({"to": "{{ document.metadata.x"}, "cannot be read"),
        ({"to": "{{ document.owner | pprint }}"}, "uses filter 'pprint'"),
        ({"to": "x@example.org", "template": "notise"}, "Did you mean 'notice'"),
        ({"to": "x@example.org", "template": "digest"}, "no message template 'digest'"),
    ],
)
def test_refuses_a_message_that_could_never_be_composed(
    settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        rule(actions=[{"do": "NOTIFY", "with": settings}])


def test_a_period_that_may_be_longer_is_left_to_the_protection() -> None:
    # 365 days may be shorter or as long as 12 months; the retention itself decides at run time.
    retain = {"for": "12mo", "after": "created_on"}

    assert rule(retain=retain, actions=[{**DELETE, "after": "365d"}]).deletes


@pytest.mark.parametrize(
    "when",
    [
        {"field": "title", "op": "is_null"},
        {"not": {"field": "title", "op": "is_null"}},
        {"any": [OLD, {"field": "title", "op": "is_null"}]},
        {"not": {"field": "title", "op": "not_null"}},
        {"not": {"all": [OLD, {"field": "title", "op": "not_null"}]}},
    ],
)
def test_a_rule_that_deletes_cannot_ask_for_what_is_missing(when: dict[str, Any]) -> None:
    assert "a lost or misspelt value would destroy the document" in refusal(
        when=when, actions=[DELETE]
    )
    assert not rule(when=when, actions=[NOTIFY]).deletes


def test_a_rule_that_deletes_may_ask_for_what_is_there() -> None:
    when = {"not": {"not": {"field": "title", "op": "not_null"}}}

    assert rule(when=when, actions=[DELETE]).deletes


@pytest.mark.parametrize(
    "cron",
    ["0 3 * *", "* * * * * *", "@daily", "0 25 * * *", "0 0 30 2 *", "", "R * * * *", "a b c d e"],
)
def test_refuses_a_cron_expression_that_airflow_would_not_run(cron: str) -> None:
    refusal(trigger={**SCHEDULE, "cron": cron}, when=OLD, actions=[NOTIFY])


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/5 8-18 * * 1-5", "0 0 29 2 *", "0 1 * * SUN"])
def test_takes_a_cron_expression_of_five_fields(cron: str) -> None:
    trigger = {**SCHEDULE, "cron": cron, "time_zone": "Europe/Berlin"}

    assert rule(trigger=trigger, when=OLD, actions=[NOTIFY]).trigger.cron == cron


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "/etc/localtime"])
def test_refuses_an_unknown_time_zone(zone: str) -> None:
    refusal(trigger={**SCHEDULE, "time_zone": zone}, when=OLD, actions=[NOTIFY])


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"X-A": "b\r\nSet-Cookie: x"}},
        {"headers": {"X A": "b"}},
        {"headers": {"Webhook-Signature": "v1,x"}},
        {"headers": {"Host": "x"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Proxy-Authorization": "x"}},
        {"headers": {"Cookie": "x"}},
        {"headers": {"X-Api-Key": "x"}},
        {"headers": {"X-Hook-Token": "x"}},
        {"timeout": "0s"},
        {"timeout": "301s"},
        {"timeout": 30},
        {"endpoint": "https://example.com"},
        {"secret": "x"},
    ],
)
def test_refuses_unsafe_webhook_settings(settings: dict[str, Any]) -> None:
    refusal(when=OLD, actions=[{"do": "WEBHOOK", "with": {"endpoint": "x", **settings}}])


@pytest.mark.parametrize(
    "parts",
    [
        {"name": "A"},
        {"name": "x"},
        {"name": "x" * 64},
        {"name": "x\n"},
        {"mode": "dry"},
        {"priority": 1001},
        {"priority": "5"},
        {"priority": True},
        {"authority": "x" * 1001},
        {"authority": "x\x00"},
        {"authority": "\ud800"},
        {"grace": "-1d"},
        {"limits": {"max_documents": 0}},
        {"limits": {"max_fraction": 0}},
        {"limits": {"max_fraction": 1.1}},
        {"limits": {"per_night": 0}},
        {"review": {"stages": []}},
        {"review": True},
        {"unknown": 1},
    ],
)
def test_refuses_values_out_of_bounds(parts: dict[str, Any]) -> None:
    refusal(when=OLD, actions=[NOTIFY], **parts)


def test_a_stored_rule_reads_back_with_every_default_written_out() -> None:
    stored = rule(
        retain={"for": "7y", "after": "metadata.contract_end", "cutoff": "end_of_year"},
        when={"all": [OLD, {"field": "expires_on", "op": "before", "value": "2026-01-01"}]},
        warn=["30d", "1w"],
        review={"stages": ["records"], "remind": "7d"},
        actions=[ARCHIVE, NOTIFY, WEBHOOK, DELETE],
    )

    definition = stored.to_document()

    assert Rule.from_document(definition) == stored
    assert definition["grace"] == "30d"
    assert definition["limits"]["max_documents"] == 500
    assert definition["actions"][0]["with"] == {"store": "archive", "original": "remove"}


def test_a_stored_definition_that_is_no_rule_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="stored rule 'x'"):
        Rule.from_document({"name": "x"})


def test_a_rule_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        rule(retain=SEVEN_YEARS).mode = Mode.ENFORCE


def test_knows_what_it_does() -> None:
    both = rule(retain=SEVEN_YEARS, actions=[ARCHIVE, DELETE])

    assert (both.archives, both.deletes) == (True, True)
    assert [action.do for action in both.actions] == [ActionType.ARCHIVE, ActionType.DELETE]

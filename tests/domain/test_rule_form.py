"""A form says what YAML says: nothing is lost on the way there or back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFile, RuleFileError, dump_rules, load_rules
from doclife.domain.rule_form import NEW_RULE, ActionRow, ConditionRow, RuleForm, form_of, obstacles
from doclife.domain.rule_form_editing import edited
from doclife.domain.rule_form_reading import FormReading, form_from, read_form
from tests.domain.conftest import METADATA, rule
from tests.domain.strategies import PERIODS, TEXTS, rules

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


@st.composite
def any_rules(draw: st.DrawFn) -> Rule:
    """Rules with everything that forms have a field for."""
    made = draw(rules())
    parts = made.to_source()
    if draw(st.booleans()):
        parts["description"] = draw(TEXTS)
        parts["grace"] = draw(PERIODS)
        parts["limits"] = {
            "max_documents": draw(st.integers(1, 10**9)),
            "max_fraction": draw(
                st.floats(0, 1, exclude_min=True, allow_nan=False, allow_infinity=False)
            ),
        }
        parts["review"] = {"stages": ["owner", "records"], "timeout": draw(PERIODS)}
    if made.trigger.type == "ON_SCHEDULE" and draw(st.booleans()):
        parts["trigger"] |= {"cron": "0 3 * * 1", "time_zone": "Europe/Berlin"}
    elif made.actions and draw(st.booleans()):
        periods = draw(st.lists(PERIODS, min_size=1, max_size=6, unique=True))
        keeping = {"before": periods, "keep": draw(PERIODS)}
        parts["warn"] = draw(st.sampled_from([periods, {"before": periods}, keeping]))
    for action in parts.get("actions", []):
        if action["do"] == "ARCHIVE" and draw(st.booleans()):
            action["with"] = {"store": "cold", "original": "keep"}
        if action["do"] == "DELETE" and draw(st.booleans()):
            action["with"] = {"certificate": True}
    try:
        return Rule.from_document(parts)
    except ValueError:
        return made
    except Exception:  # noqa: BLE001  warnings that do not fit the rule
        return made


def submitted(form: RuleForm) -> RuleForm:
    """The form after a browser has sent it: line ends of the web, empty fields left in or out."""
    return form_from((name, text.replace("\n", "\r\n")) for name, text in form.pairs())


def read(form: RuleForm) -> FormReading:
    return read_form(form, metadata_types=METADATA)


@given(made=any_rules())
def test_a_rule_is_the_same_after_it_was_a_form(made: Rule) -> None:
    if obstacles(made):
        return
    form = form_of(made)

    reading = read(submitted(form))

    assert reading.faults == {}
    assert reading.rule == made
    assert form_of(made) == form_of(reading.rule)


@given(made=any_rules())
def test_a_form_that_loses_something_says_so_beforehand(made: Rule) -> None:
    assert obstacles(made) or read(submitted(form_of(made))).rule == made


@given(made=any_rules())
def test_form_and_yaml_are_two_views_of_one_rule(made: Rule) -> None:
    if obstacles(made):
        return
    text = dump_rules(RuleFile(rules=(made,)))
    (loaded,) = load_rules(text, file="a.yaml", metadata_types=METADATA).rules

    assert read(submitted(form_of(loaded))).rule == loaded == made


@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\rb"])
def test_what_a_field_cannot_hold_is_named_and_not_changed(value: str) -> None:
    made = rule(
        when={"field": "title", "op": "in", "value": ["good", value]}, actions=[{"do": "ARCHIVE"}]
    )

    (found,) = obstacles(made)

    assert found.startswith("a value of title")


# --- faults: all at once, each where it is


def faults(**texts: str) -> dict[str, tuple[str, ...]]:
    """What is said about a form that is good but for these texts."""
    good = {"name": "a-rule", "trigger.type": "ON_SCHEDULE", "mode": "simulate"}
    form = form_from(
        ({**good, "when.kind": "comparison", "when.field": "document_type", "when.op": "eq",
          "when.value": "draft", "actions.0.do": "ARCHIVE"} | texts).items()
    )  # fmt: skip
    return dict(read(form).faults)


def test_a_good_form_has_no_fault() -> None:
    assert faults() == {}


def test_every_fault_comes_at_once_each_at_its_field() -> None:
    found = faults(
        **{
            "name": "Not A Name",
            "priority": "first",
            "trigger.cron": "now and then",
            "retain.for": "seven years",
            "retain.after": "craeted_on",
            "grace": "30",
            "limits.max_percent": "200",
            "limits.per_night": "0",
            "review.remind": "soon",
            "when.kind": "all",
            "when.0.kind": "comparison",
            "when.0.field": "document_typ",
            "when.0.op": "eq",
            "when.0.value": "x",
            "when.1.kind": "not",
            "when.1.0.kind": "comparison",
            "when.1.0.field": "size_bytes",
            "when.1.0.op": "gt",
            "when.1.0.value": "many",
            "actions.0.after": "later",
            "actions.1.do": "NOTIFY",
            "actions.1.with.to": "{{ document.nobody }}",
            "actions.2.do": "WEBHOOK",
        }
    )

    assert set(found) >= {
        "name", "priority", "trigger.cron", "retain.for", "grace", "limits.max_percent",
        "limits.per_night", "review.remind", "review.stages", "when.0.field", "when.1.0.value",
        "actions.0.after", "actions.1.with.to", "actions.2.with.endpoint",
    }  # fmt: skip
    assert "Did you mean 'document_type'?" in found["when.0.field"][0]
    assert "not-a-name" in found["name"][0]


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"when.value": ""}, "when"),
        ({"when.kind": "all"}, "when"),
        ({"when.kind": "not"}, "when.0"),
        ({"trigger.type": "ON_EVENT"}, "trigger.type"),
        ({"retain.for": "7y"}, "retain.after"),
        ({"retain.after": "created_on"}, "retain.for"),
        ({"retain.cutoff": "end_of_year"}, "retain.for"),
        ({"warn.required": "yes"}, "warn.before"),
        ({"actions.0.do": ""}, "actions.0.do"),
        ({"mode": "always"}, "mode"),
    ],
)  # fmt: skip
def test_a_fault_is_at_its_field(texts: dict[str, str], name: str) -> None:
    assert name in faults(**texts)


def test_values_of_a_list_stand_one_a_line_and_keep_their_commas() -> None:
    form = form_from(
        {"when.kind": "comparison", "when.field": "title", "when.op": "in",
         "when.value": "a, b\r\n\r\n c "}.items()
    )  # fmt: skip

    assert read(form).raw["when"]["value"] == ["a, b", "c"]


def test_numbers_are_numbers_only_where_the_field_is_one() -> None:
    def value(field: str) -> Any:
        pairs = {"when.kind": "comparison", "when.field": field, "when.op": "eq", "when.value": "7"}
        return read(form_from(pairs.items())).raw["when"]["value"]

    assert (value("title"), value("metadata.pages")) == ("7", 7)


def test_a_form_as_long_as_no_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        form_from(("x", "") for _ in range(10_000))


def test_fields_that_no_form_has_change_nothing() -> None:
    assert form_from([("when.0.0.0.0.0.0.0.0.0.0.0.0.0.0.kind", "all"), ("x", "y")]) == RuleForm()


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    pairs = [(f"when{'.0' * depth}.kind", "not") for depth in range(13)]

    found = read(form_from([*pairs, ("name", "a-rule"), ("trigger.type", "ON_SCHEDULE")])).faults

    assert any("nested at most" in message for told in found.values() for message in told)


# --- the buttons


def press(form: RuleForm, deed: str) -> RuleForm:
    return edited(form, deed, metadata_types=METADATA)


def test_rows_and_groups_come_and_go() -> None:
    form = press(RuleForm(), "add-condition:when")
    form = press(form, "add-group:when")
    form = press(form, "add-condition:when.1")
    assert form.when is not None
    assert [part.kind for part in form.when.parts] == ["comparison", "any"]
    assert len(form.when.parts[1].parts) == 2

    form = press(press(form, "remove-condition:when.1.0"), "remove-condition:when.1.0")
    assert form.when is not None
    assert [part.kind for part in form.when.parts] == ["comparison"]
    assert press(form, "remove-condition:when.0").when is None


def test_a_condition_beside_a_single_one_makes_a_group_of_both() -> None:
    single = form_of(rule(when=DRAFTS, actions=[{"do": "ARCHIVE"}]))

    grown = press(single, "add-condition:when").when

    assert grown is not None
    assert (grown.kind, grown.parts[0]) == ("all", single.when)


@pytest.mark.parametrize(
    "deed", ["", "remove-condition:when.9", "add-condition:x", "remove-action:x", "remove-action:7",
             "add-group:when.²", "remove-action:" + "9" * 5000, "nothing:at.all"]
)  # fmt: skip
def test_a_button_that_the_form_does_not_have_changes_nothing(deed: str) -> None:
    form = form_of(rule(when={"all": [DRAFTS]}, actions=[{"do": "ARCHIVE"}]))

    assert press(form, deed) == form


def test_another_field_gets_an_operator_that_it_has() -> None:
    form = RuleForm(when=ConditionRow(field="created_on", operator="eq", value="x"))

    fitting = press(form, "refresh").when

    assert fitting is not None
    assert fitting.operator == "before"


def test_saving_mends_nothing() -> None:
    form = RuleForm(when=ConditionRow(field="created_on", operator="eq", value="x"))

    assert press(form, "save") == form


def test_another_action_has_its_own_settings_only() -> None:
    form = RuleForm(actions=(ActionRow(do="NOTIFY", settings={"certificate": "yes", "to": "x"}),))

    assert press(form, "refresh").actions[0].settings == {"to": "x"}


def test_actions_come_and_go_up_to_their_limit() -> None:
    form = RuleForm()
    for _ in range(12):
        form = press(form, "add-action")

    assert len(form.actions) == 10
    assert len(press(form, "remove-action:3").actions) == 9


def test_a_new_rule_begins_as_one_that_only_simulates() -> None:
    reading = read(NEW_RULE)

    assert reading.raw["mode"] == "simulate"
    with pytest.raises(RuleFileError):
        load_rules(str(reading.raw), file="incomplete")

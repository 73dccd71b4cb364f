"""Reads a rule from the fields of a form: the same plain data, the same checks as of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from doclife.domain.condition_reader import MAX_DEPTH
from doclife.domain.faults import Fault, Path, shown
from doclife.domain.fields import (
    LIST_OPERATORS,
    NULLNESS,
    FieldType,
    MetadataType,
    field_type,
)
from doclife.domain.rule import Rule
from doclife.domain.rule_file import read_rule
from doclife.domain.rule_form import (
    ALL_SETTINGS,
    COMPARISON,
    GROUPS,
    SETTINGS,
    TEXTS,
    YES,
    ActionRow,
    ConditionRow,
    RuleForm,
)

MAX_FIELDS = 5000
"""A form of a rule at all its limits has fewer."""
_CONDITION = re.compile(r"when((?:\.[0-9]{1,3}){0,12})\.(kind|field|op|value)")
_ACTION = re.compile(rf"actions\.([0-9]{{1,2}})\.(?:(do|after)|with\.({'|'.join(ALL_SETTINGS)}))")
_WHOLE = re.compile(r"[-+]?[0-9]{1,40}")
_PERCENT = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,400})?")
_LINES = frozenset({"description"})


@dataclass(frozen=True, kw_only=True)
class FormReading:
    """What a form says.

    :param raw: the rule in plain data, as a file would have it, faults and all.
    :param rule: None when there are faults.
    :param faults: by the name of the field, or of the row, that has to be corrected; ``""`` for
        what is nobody's.
    """

    raw: Mapping[str, Any]
    rule: Rule | None
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def form_from(pairs: Iterable[tuple[str, str]]) -> RuleForm:
    """The form that a browser has sent. Names that no form has are passed over.

    :raises ValueError: more fields than any rule has.
    """
    texts: dict[str, str] = {}
    conditions: dict[tuple[int, ...], dict[str, str]] = {}
    actions: dict[int, dict[str, str]] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= MAX_FIELDS:
            raise ValueError(f"a form of a rule has at most {MAX_FIELDS:,} fields")
        text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
        if name in TEXTS:
            texts[name] = text
        elif match := _CONDITION.fullmatch(name):
            place = tuple(int(step) for step in match[1].split(".")[1:])
            conditions.setdefault(place, {})[match[2]] = text
        elif match := _ACTION.fullmatch(name):
            actions.setdefault(int(match[1]), {})[match[2] or match[3]] = text
    return RuleForm(
        texts={name: text for name, text in texts.items() if text},
        when=_row(conditions, ()) if () in conditions else None,
        actions=tuple(_action(actions[at]) for at in sorted(actions)),
    )


def read_form(form: RuleForm, *, metadata_types: Mapping[str, MetadataType]) -> FormReading:
    """The rule that a form says, or every fault of it at its field."""
    raw = _raw(form, metadata_types)
    rule, faults = read_rule(raw, metadata_types=metadata_types)
    by_field: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name = _field_of(fault)
        message = fault.message
        if name == "limits.max_percent":
            given = form.texts.get(name, "")
            message = f"{shown(given)} is no share of all documents: write more than 0, at most 100"
        if message not in by_field.get(name, ()):
            by_field[name] = (*by_field.get(name, ()), message)
    return FormReading(raw=raw, rule=rule, faults=by_field)


def _row(conditions: Mapping[tuple[int, ...], Mapping[str, str]], place: tuple[int, ...]) -> Any:
    found = conditions[place]
    kind = found.get("kind", COMPARISON)
    if kind not in GROUPS:
        return ConditionRow(
            field=found.get("field", ""),
            operator=found.get("op", ""),
            value=found.get("value", ""),
        )
    inner = sorted(
        other
        for other in conditions
        if len(other) == len(place) + 1 and other[: len(place)] == place
    )
    return ConditionRow(kind=kind, parts=tuple(_row(conditions, other) for other in inner))


def _action(found: Mapping[str, str]) -> ActionRow:
    do = found.get("do", "")
    return ActionRow(
        do=do,
        after=found.get("after", ""),
        # Settings of the kind that it was before belong to no field that is shown now.
        settings={name: found[name] for name in SETTINGS.get(do, ()) if found.get(name)},
    )


def _raw(form: RuleForm, metadata_types: Mapping[str, MetadataType]) -> dict[str, Any]:
    texts = form.texts
    raw: dict[str, Any] = {
        name: texts[name] for name in ("name", "description", "authority", "mode") if name in texts
    }
    if "priority" in texts:
        raw["priority"] = _number(texts["priority"])
    raw["trigger"] = _part(texts, "trigger", ("type", "cron", "time_zone", "event"))
    if form.when is not None:
        raw["when"] = _condition(form.when, metadata_types, depth=1)
    retain = _part(texts, "retain", ("for", "after", "cutoff"))
    if retain.keys() - {"cutoff"} or retain.get("cutoff", "none") != "none":
        raw["retain"] = retain
    before = _words(texts.get("warn.before", ""))
    keep = {"keep": texts["warn.keep"]} if "warn.keep" in texts else {}
    if texts.get("warn.required") == YES:
        raw["warn"] = {"before": before, "required": True, **keep}
    elif keep or (texts.get("warn.settings") == YES and before):
        raw["warn"] = {"before": before, **keep}
    elif before:
        raw["warn"] = before
    review = _part(texts, "review", ("remind", "timeout"))
    if stages := _words(texts.get("review.stages", "")):
        review["stages"] = stages
    if review:
        raw["review"] = review
    if "grace" in texts:
        raw["grace"] = texts["grace"]
    limits: dict[str, Any] = {
        name: _number(text)
        for name, text in _part(texts, "limits", ("max_documents", "per_night")).items()
    }
    if "limits.max_percent" in texts:
        limits["max_fraction"] = _fraction(texts["limits.max_percent"])
    if limits:
        raw["limits"] = limits
    raw["actions"] = [_raw_action(action) for action in form.actions]
    return raw


def _part(texts: Mapping[str, str], part: str, names: Iterable[str]) -> dict[str, Any]:
    return {name: texts[f"{part}.{name}"] for name in names if f"{part}.{name}" in texts}


def _condition(
    row: ConditionRow, metadata_types: Mapping[str, MetadataType], *, depth: int
) -> dict[str, Any]:
    if row.kind in GROUPS:
        parts = (
            [_condition(part, metadata_types, depth=depth + 1) for part in row.parts]
            if depth <= MAX_DEPTH  # one more than may be, for the fault to be found
            else []
        )
        if row.kind != "not":
            return {row.kind: parts}
        # Several rows below "not": the reader of conditions says that this is no condition.
        return {"not": parts[0] if len(parts) == 1 else parts}
    raw: dict[str, Any] = {"field": row.field, "op": row.operator}
    if row.operator in NULLNESS:
        return raw
    is_number = field_type(row.field, metadata_types) is FieldType.INT
    if row.operator in LIST_OPERATORS:
        lines = [line.strip() for line in row.value.split("\n") if line.strip()]
        raw["value"] = [_number(line) for line in lines] if is_number else lines
    elif row.value:
        raw["value"] = _number(row.value) if is_number else row.value
    return raw


def _raw_action(action: ActionRow) -> dict[str, Any]:
    raw: dict[str, Any] = {"do": action.do}
    if action.after:
        raw["after"] = action.after
    settings: dict[str, Any] = dict(action.settings)
    if "certificate" in settings:
        settings["certificate"] = settings["certificate"] == YES
    if "headers" in settings:
        lines = [line for line in settings["headers"].split("\n") if line.strip()]
        settings["headers"] = {
            key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
        }
    if settings or action.do in ("NOTIFY", "WEBHOOK"):
        raw["with"] = settings
    return raw


def _number(text: str) -> int | str:
    """A whole number; any other text stays what it is, and the check of the part says so."""
    return int(text) if _WHOLE.fullmatch(text) else text


def _fraction(percent: str) -> float | str:
    if _PERCENT.fullmatch(percent):
        return float(Decimal(percent.replace(",", ".")) / 100)
    return percent


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _field_of(fault: Fault) -> str:
    path = fault.path
    match path:
        case ():
            return ""
        case ("when", *steps):
            return _condition_field(tuple(steps))
        case ("actions", int() as at, "with", str() as name, *_):
            return f"actions.{at}.with.{name}"
        case ("actions", int() as at, "with"):
            return f"actions.{at}.with"
        case ("actions", int() as at, *rest):
            return f"actions.{at}.{rest[0] if rest else 'do'}"
        case ("warn", ("required" | "keep") as part, *_):
            return f"warn.{part}"
        case ("warn", *_):
            return "warn.before"
        case ("limits", "max_fraction", *_):
            return "limits.max_percent"
        case ("trigger",):
            return "trigger.type"
        case ("retain",):
            return "retain.for"
        case ("review",):
            return "review.stages"
        case (part, name, *_) if f"{part}.{name}" in TEXTS:
            return f"{part}.{name}"
        case _:
            return str(path[0])


def _condition_field(steps: Path) -> str:
    """``("all", 0, "not", "value")`` is ``when.0.0.value``: the name of the field."""
    name = "when"
    for step in steps:
        if step == "not":
            name += ".0"
        elif isinstance(step, int):
            name += f".{step}"
        elif step in ("field", "op", "value"):
            return f"{name}.{step}"
    return name

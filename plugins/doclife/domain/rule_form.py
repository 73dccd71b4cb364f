"""A rule as the fields of a form: what a person edits who need not know YAML.

A form is texts under names, because that is what a browser keeps and sends. It shows a rule whole
or not at all: what its fields cannot hold is named by ``obstacles``, and such a rule is edited as
YAML. ``rule_form_reading`` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from doclife.domain.actions import ActionType, plain_settings
from doclife.domain.condition import AllOf, AnyOf, Comparison, Condition, Not
from doclife.domain.fields import LIST_OPERATORS, NULLNESS
from doclife.domain.rule import Rule, Warnings

COMPARISON = "comparison"
GROUPS = ("all", "any", "not")
YES = "yes"
"""What a ticked box sends; one that is not ticked sends nothing."""

TEXTS = (
    "name", "description", "authority", "mode", "priority",
    "trigger.type", "trigger.cron", "trigger.time_zone", "trigger.event",
    "retain.for", "retain.after", "retain.cutoff",
    "warn.before", "warn.keep", "warn.required", "warn.settings",
    "review.stages", "review.remind", "review.timeout",
    "grace", "limits.max_documents", "limits.max_percent", "limits.per_night",
)  # fmt: skip
"""The names of all fields but those of the condition and of the actions, which repeat.

``warn.settings`` is hidden: it keeps apart the two ways to write warnings that are not required.
"""

SETTINGS: Mapping[str, tuple[str, ...]] = {
    ActionType.ARCHIVE: ("store", "original"),
    ActionType.DELETE: ("certificate",),
    ActionType.NOTIFY: ("channel", "to", "template", "digest"),
    ActionType.WEBHOOK: ("endpoint", "headers", "timeout"),
}
"""The fields that each kind of action has under ``with``."""
ALL_SETTINGS = tuple(name for names in SETTINGS.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """One row of the condition: a comparison, or a group with rows in it.

    :param kind: ``comparison``, or ``all``, ``any`` or ``not`` for a group.
    :param value: of a list one value a line.
    """

    kind: str = COMPARISON
    field: str = ""
    operator: str = ""
    value: str = ""
    parts: tuple[ConditionRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActionRow:
    """One action.

    :param settings: by the names in ``SETTINGS``; headers one ``Name: value`` a line.
    """

    do: str = ""
    after: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RuleForm:
    """A form as it stands, complete or not, right or wrong.

    :param texts: by the names in ``TEXTS``; one that is missing is an empty field.
    :param when: None: every document.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    when: ConditionRow | None = None
    actions: tuple[ActionRow, ...] = ()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every field that is not empty, as a browser would send it."""
        yield from ((name, self.texts[name]) for name in TEXTS if self.texts.get(name))
        if self.when is not None:
            yield from _condition_pairs(self.when, "when")
        for at, action in enumerate(self.actions):
            yield f"actions.{at}.do", action.do
            yield f"actions.{at}.after", action.after
            for name, value in action.settings.items():
                yield f"actions.{at}.with.{name}", value


NEW_RULE = RuleForm(
    texts={
        "mode": "simulate",
        "priority": "100",
        "trigger.type": "ON_SCHEDULE",
        "retain.cutoff": "none",
        "grace": "30d",
        "limits.max_documents": "500",
        "limits.max_percent": "5",
    },
    when=ConditionRow(kind="all", parts=(ConditionRow(field="document_type", operator="eq"),)),
    actions=(ActionRow(do="DELETE"),),
)
"""Where somebody begins who makes a new rule: it only simulates."""


def obstacles(rule: Rule) -> list[str]:
    """Why a form cannot show a rule; nothing when it can.

    A field keeps neither line breaks nor blanks at the ends of a text, and an empty one says
    nothing.
    """
    found = []
    for name, value in _lines_of(rule):
        if not value:
            found.append(f"{name} is an empty text")
        elif value != value.strip():
            found.append(f"{name} begins or ends with a blank")
        elif "\n" in value or "\r" in value:
            found.append(f"{name} has a line break in it")
    if rule.description is not None and (
        rule.description != rule.description.strip()
        or "\r" in rule.description
        or not rule.description
    ):
        found.append("description is empty, or begins or ends with a blank or an odd line break")
    return found


def form_of(rule: Rule) -> RuleForm:
    """A rule as a form. Ask for ``obstacles`` first: where there is one, this loses it."""
    warn, required, settings = rule.warns_before, "", ""
    if isinstance(rule.warn, Warnings):
        required, settings = (YES if rule.warn.required else ""), YES
    texts = {
        "name": rule.name,
        "description": rule.description,
        "authority": rule.authority,
        "mode": rule.mode,
        "priority": rule.priority,
        "trigger.type": rule.trigger.type,
        "trigger.cron": rule.trigger.cron,
        "trigger.time_zone": rule.trigger.time_zone,
        "trigger.event": rule.trigger.event,
        "retain.cutoff": "none",
        "warn.before": ", ".join(map(str, warn)),
        "warn.keep": rule.keeps_for,
        "warn.required": required,
        "warn.settings": settings,
        "grace": rule.grace,
        "limits.max_documents": rule.limits.max_documents,
        "limits.max_percent": _percent(rule.limits.max_fraction),
        "limits.per_night": rule.limits.per_night,
    }
    if rule.retain is not None:
        texts |= {
            "retain.for": rule.retain.for_,
            "retain.after": rule.retain.after,
            "retain.cutoff": rule.retain.cutoff,
        }
    if rule.review is not None:
        texts |= {
            "review.stages": ", ".join(rule.review.stages),
            "review.remind": rule.review.remind,
            "review.timeout": rule.review.timeout,
        }
    return RuleForm(
        texts={name: str(value) for name, value in texts.items() if value not in (None, "")},
        when=None if rule.when is None else _row(rule.when),
        actions=tuple(
            ActionRow(do=str(action.do), after=_text(action.after), settings=_settings(action))
            for action in rule.actions
        ),
    )


def _condition_pairs(row: ConditionRow, name: str) -> Iterator[tuple[str, str]]:
    yield f"{name}.kind", row.kind
    if row.kind == COMPARISON:
        yield f"{name}.field", row.field
        yield f"{name}.op", row.operator
        yield f"{name}.value", row.value
    for at, part in enumerate(row.parts):
        yield from _condition_pairs(part, f"{name}.{at}")


def _row(condition: Condition) -> ConditionRow:
    match condition:
        case AllOf(parts=parts):
            return ConditionRow(kind="all", parts=tuple(map(_row, parts)))
        case AnyOf(parts=parts):
            return ConditionRow(kind="any", parts=tuple(map(_row, parts)))
        case Not(part=part):
            return ConditionRow(kind="not", parts=(_row(part),))
        case Comparison(field=name, operator=operator, value=value):
            many = isinstance(value, tuple)
            text = "\n".join(map(str, value)) if isinstance(value, tuple) else _text(value)
            assert many == (operator in LIST_OPERATORS)  # the reader of conditions sees to it
            return ConditionRow(field=name, operator=operator.value, value=text)


def _settings(action: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in plain_settings(action).items():
        if isinstance(value, dict):
            found[name] = "\n".join(f"{key}: {one}" for key, one in value.items())
        elif isinstance(value, bool):
            found[name] = YES if value else ""
        else:
            found[name] = _text(value)
    return {name: value for name, value in found.items() if value}


def _lines_of(rule: Rule) -> Iterator[tuple[str, str]]:
    """Every text of a rule that is free to be anything and stands in a field of one line."""
    if rule.authority is not None:
        yield "authority", rule.authority
    if rule.retain is not None:
        yield "retain.after", rule.retain.after
    if rule.when is not None:
        yield from _values_of(rule.when)
    for at, action in enumerate(rule.actions):
        for name, value in plain_settings(action).items():
            if isinstance(value, dict):
                for key, one in value.items():
                    yield f"header {key} of action {at + 1}", one
            elif isinstance(value, str):
                yield f"{name} of action {at + 1}", value


def _values_of(condition: Condition) -> Iterator[tuple[str, str]]:
    match condition:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _values_of(part)
        case Not(part=part):
            yield from _values_of(part)
        case Comparison(field=name, operator=operator, value=value) if operator not in NULLNESS:
            for one in value if isinstance(value, tuple) else (value,):
                yield f"a value of {name}", str(one)


def _percent(fraction: float) -> str:
    # By way of decimals: a float of 0.07 times 100 is 7.000000000000001.
    return format((Decimal(repr(fraction)) * 100).normalize(), "f")


def _text(value: object) -> str:
    return "" if value is None else str(value)

"""Whether the parts of a rule fit together. Each refusal says why and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from doclife.domain.actions import ActionType, NotifyAction
from doclife.domain.condition import comparisons
from doclife.domain.duration import Period
from doclife.domain.faults import Fault, Path, did_you_mean, shown
from doclife.domain.fields import (
    FIELDS,
    METADATA_PREFIX,
    FieldType,
    MetadataType,
    Operator,
    field_type,
    is_metadata_name,
    metadata_name,
)
from doclife.domain.own_events import is_own

if TYPE_CHECKING:
    from doclife.domain.rule import UncheckedRule

EVENT_PREFIX = "event:"
EVENT_TYPE_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_EVENT_TYPE = re.compile(EVENT_TYPE_PATTERN)


def rule_faults(
    rule: UncheckedRule, *, metadata_types: Mapping[str, MetadataType] | None
) -> list[Fault]:
    """Everything that is wrong between the parts of a rule.

    :param metadata_types: None when the declarations are not known here.
    """
    return [
        Fault(path=path, message=message)
        for check in (_trigger, _retain, _actions, _after, _warnings, _strictness)
        for path, message in check(rule, metadata_types)
    ]


_Found = Iterator[tuple[Path, str]]
_Types = Mapping[str, MetadataType] | None


def has_anchor(rule: UncheckedRule) -> bool:
    """Whether the rule counts from a date at all; ON_SCHEDULE without ``retain`` does not."""
    return rule.retain is not None or rule.trigger.type != "ON_SCHEDULE"


def _trigger(rule: UncheckedRule, _: _Types) -> _Found:
    trigger = rule.trigger
    if trigger.type == "ON_EVENT" and trigger.event is None:
        yield ("trigger",), "ON_EVENT needs 'event', for example event: employee.left"
    if is_own(trigger.event) and any(action.do == ActionType.DELETE for action in rule.actions):
        yield (
            ("trigger", "event"),
            (
                f"{trigger.event} is doclife's own doing, and destroys nothing: a DELETE counts "
                "from a date such as expires_on, or from an event of an application"
            ),
        )
    if trigger.type != "ON_EVENT" and trigger.event is not None:
        yield ("trigger", "event"), f"only ON_EVENT has an event; this trigger is {trigger.type}"
    if trigger.type != "ON_SCHEDULE":
        for key in ("cron", "time_zone"):
            if getattr(trigger, key) is not None:
                yield ("trigger", key), f"only ON_SCHEDULE has {key}; this is {trigger.type}"


def _retain(rule: UncheckedRule, metadata_types: _Types) -> _Found:
    retain, trigger = rule.retain, rule.trigger
    if retain is None:
        return
    path: Path = ("retain", "after")
    if retain.after.startswith(EVENT_PREFIX):
        event = retain.after.removeprefix(EVENT_PREFIX)
        if len(event) > 100 or not _EVENT_TYPE.fullmatch(event):
            yield (
                path,
                (f"{shown(retain.after)} names no event; write for example event:employee.left"),
            )
    else:
        yield from _date_field(retain.after, metadata_types, path)
    if not rule.actions:
        return
    if trigger.type == "ON_EXPIRATION" and retain.after != "expires_on":
        yield (
            path,
            (
                f"ON_EXPIRATION counts from expires_on, this rule from {retain.after}: a document "
                "that never expires would be acted on. Use ON_SCHEDULE, or after: expires_on"
            ),
        )
    own_event = f"{EVENT_PREFIX}{trigger.event}"
    if trigger.type == "ON_EVENT" and trigger.event and retain.after != own_event:
        yield (
            path,
            (
                f"ON_EVENT {trigger.event} counts from its own event, this rule from "
                f"{retain.after}: a document whose event never happened would be acted on. "
                f"Use ON_SCHEDULE, or after: {own_event}"
            ),
        )


def _date_field(name: str, metadata_types: _Types, path: Path) -> _Found:
    key = metadata_name(name)
    if metadata_types is None and key is not None and is_metadata_name(key):
        return
    kind = field_type(name, metadata_types or {})
    if kind is FieldType.DATE:
        return
    if kind is not None:
        yield path, f"{shown(name)} is of type {kind}; a retention period counts from a date"
        return
    dates = [field for field, known in FIELDS.items() if known.type is FieldType.DATE]
    dates += [
        f"{METADATA_PREFIX}{field}"
        for field, known in sorted((metadata_types or {}).items())
        if known is MetadataType.DATE
    ]
    undeclared = "" if key is None else " (not declared under metadata_fields)"
    yield (
        path,
        (
            f"unknown date {shown(name)}{undeclared}.{did_you_mean(name, dates)} "
            f"Dates: {', '.join(dates)}, or event:<type>"
        ),
    )


def _actions(rule: UncheckedRule, _: _Types) -> _Found:
    kinds = [action.do for action in rule.actions]
    if not kinds and rule.retain is None:
        yield ("actions",), "a rule needs 1 to 10 actions, or a 'retain' (then it only keeps)"
    for kind in (ActionType.ARCHIVE, ActionType.DELETE):
        for extra in [position for position, word in enumerate(kinds) if word is kind][1:]:
            yield ("actions", extra), f"a second {kind}; a rule has at most one"
    if ActionType.DELETE not in kinds:
        return
    position = kinds.index(ActionType.DELETE)
    path: Path = ("actions", position)
    if any(kind is not ActionType.DELETE for kind in kinds[position:]):
        yield path, "DELETE must be the last action: nothing can be done with what is gone"
    if rule.when is None and rule.retain is None:
        yield (
            path,
            ("DELETE needs a 'when' or a 'retain': without both it would delete every document"),
        )
    if rule.retain is not None and rule.retain.for_ == "permanent":
        yield path, "what is retained permanently is never deleted; remove DELETE or name a period"


def _after(rule: UncheckedRule, _: _Types) -> _Found:
    retain = rule.retain
    kept = retain.for_ if retain is not None and isinstance(retain.for_, Period) else None
    delete_after = next(
        (action.after or kept for action in rule.actions if action.do is ActionType.DELETE), None
    )
    for position, action in enumerate(rule.actions):
        path: Path = ("actions", position, "after")
        if action.after is None:
            if retain is not None and retain.for_ == "permanent":
                yield (
                    ("actions", position),
                    (
                        f"{action.do} would never run: without its own 'after' it waits for the "
                        "end of a permanent retention. Add after: <period>"
                    ),
                )
            continue
        if not has_anchor(rule):
            yield (
                path,
                (
                    "'after' counts from a date and this rule has none. Add "
                    "retain: {for: ..., after: <date field>}, or test the age in 'when' "
                    "(older_than)"
                ),
            )
        elif action.do is ActionType.DELETE and kept is not None:
            if action.after.is_certainly_shorter_than(kept):
                yield path, f"DELETE after {action.after}, but this rule itself retains for {kept}"
        elif (
            action.do is ActionType.ARCHIVE
            and delete_after is not None
            and delete_after.is_certainly_shorter_than(action.after)
        ):
            yield (
                path,
                (f"ARCHIVE after {action.after} would come after DELETE ({delete_after})"),
            )


def _warnings(rule: UncheckedRule, _: _Types) -> _Found:
    if rule.warn and not has_anchor(rule):
        yield (
            ("warn",),
            (
                "a warning comes before a due date and this rule has none. Add "
                "retain: {for: ..., after: <date field>}, or use ON_EXPIRATION"
            ),
        )
    periods = rule.warns_before
    place = ("warn",) if periods is rule.warn else ("warn", "before")
    for position, period in enumerate(periods):
        if period.is_zero:
            yield (*place, position), "a warning of 0d would come too late to stop anything"
        elif period in periods[:position]:
            yield (*place, position), f"{period} is listed twice"
    if not rule.requires_warning:
        return
    if not rule.deletes:
        yield ("warn", "required"), "a required warning keeps a DELETE back and this rule has none"
    for position, action in enumerate(rule.actions):
        if isinstance(action, NotifyAction) and (
            action.with_.digest == "daily" or action.with_.channel == "notification"
        ):
            yield (
                ("actions", position, "with"),
                (
                    "a required warning is a message of its own whose delivery is known: "
                    "channel email or slack, digest none"
                ),
            )


def _strictness(rule: UncheckedRule, _: _Types) -> _Found:
    if rule.when is None or not rule.deletes:
        return
    for located in comparisons(rule.when, path=("when",)):
        operator = located.comparison.operator
        name = located.comparison.field
        if operator is Operator.IS_NULL:
            yield (
                (*located.path, "op"),
                (
                    f"a rule that deletes cannot ask for a missing {name}: a lost or misspelt "
                    "value would destroy the document. Mark such documents first (a tag, a "
                    "metadata field) and select them by the mark"
                ),
            )
        elif operator is Operator.NOT_NULL and located.is_negated:
            yield (
                (*located.path, "op"),
                (
                    f"'not' around not_null asks for a missing {name}, which a rule that deletes "
                    "cannot do: a lost or misspelt value would destroy the document"
                ),
            )

"""Adds and removes rows of a form of a rule: what its buttons do, with script or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from doclife.domain.fields import OPERATORS, MetadataType, field_type
from doclife.domain.rule import MAX_ACTIONS
from doclife.domain.rule_form import COMPARISON, GROUPS, SETTINGS, ActionRow, ConditionRow, RuleForm

ADD_CONDITION, ADD_GROUP, REMOVE_CONDITION = "add-condition", "add-group", "remove-condition"
ADD_ACTION, REMOVE_ACTION, REFRESH = "add-action", "remove-action", "refresh"
MAX_DIGITS = 3
"""Of the position of a row: no rule has a thousand parts."""
_DEEDS = (ADD_CONDITION, ADD_GROUP, REMOVE_CONDITION, ADD_ACTION, REMOVE_ACTION, REFRESH)
_NEW_ROW = ConditionRow(field="document_type", operator="eq")
_NEW_GROUP = ConditionRow(kind="any", parts=(_NEW_ROW,))

_Change = Callable[[ConditionRow], ConditionRow | None]


def edited(form: RuleForm, deed: str, *, metadata_types: Mapping[str, MetadataType]) -> RuleForm:
    """The form after a button was pressed; a deed that does not fit it changes nothing.

    :param deed: ``add-condition:when.0``, ``add-group:when``, ``remove-condition:when.0.1``,
        ``add-action``, ``remove-action:1``, or ``refresh`` after a choice that others depend on.
    """
    name, _, where = deed.partition(":")
    if name not in _DEEDS:
        # Whoever saves means what the form says: what does not fit is a fault, not mended silently.
        return form
    if name == ADD_ACTION and len(form.actions) < MAX_ACTIONS:
        form = replace(form, actions=(*form.actions, ActionRow(do="NOTIFY")))
    elif name == REMOVE_ACTION and _is_position(where):
        form = replace(
            form, actions=tuple(one for at, one in enumerate(form.actions) if at != int(where))
        )
    elif name in (ADD_CONDITION, ADD_GROUP):
        new = _NEW_ROW if name == ADD_CONDITION else _NEW_GROUP
        if form.when is None:
            form = replace(form, when=ConditionRow(kind="all", parts=(new,)))
        else:
            form = replace(
                form, when=_changed(form.when, _steps(where), lambda row: _add(row, new))
            )
    elif name == REMOVE_CONDITION and form.when is not None:
        form = replace(form, when=_changed(form.when, _steps(where), lambda _: None))
    return replace(
        form,
        when=None if form.when is None else _fitting(form.when, metadata_types),
        actions=tuple(map(_with_its_settings, form.actions)),
    )


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def _steps(where: str) -> tuple[int, ...] | None:
    first, *steps = where.split(".")
    if first != "when" or not all(map(_is_position, steps)):
        return None
    return tuple(map(int, steps))


def _changed(
    row: ConditionRow, steps: tuple[int, ...] | None, change: _Change
) -> ConditionRow | None:
    """The row with something changed inside; a group that is left with nothing goes too."""
    if steps is None:
        return row
    if not steps:
        return change(row)
    if steps[0] >= len(row.parts):
        return row
    inner = _changed(row.parts[steps[0]], steps[1:], change)
    parts = [*row.parts[: steps[0]], inner, *row.parts[steps[0] + 1 :]]
    kept = tuple(part for part in parts if part is not None)
    return replace(row, parts=kept) if kept else None


def _add(row: ConditionRow, new: ConditionRow) -> ConditionRow:
    if row.kind in ("all", "any"):
        return replace(row, parts=(*row.parts, new))
    return ConditionRow(kind="all", parts=(row, new))


def _fitting(row: ConditionRow, metadata_types: Mapping[str, MetadataType]) -> ConditionRow:
    """A comparison whose operator is for its field; a group that has become one has rows."""
    if row.kind in GROUPS:
        parts = row.parts or (_NEW_ROW,)
        if row.kind == "not" and len(parts) > 1:
            parts = (ConditionRow(kind="all", parts=parts),)
        return replace(row, parts=tuple(_fitting(part, metadata_types) for part in parts))
    kind = field_type(row.field, metadata_types)
    operator = row.operator
    if kind is not None and operator not in OPERATORS[kind]:
        operator = OPERATORS[kind][0].value
    return replace(row, kind=COMPARISON, operator=operator, parts=())


def _with_its_settings(action: ActionRow) -> ActionRow:
    known = SETTINGS.get(action.do, ())
    return replace(
        action, settings={name: text for name, text in action.settings.items() if name in known}
    )

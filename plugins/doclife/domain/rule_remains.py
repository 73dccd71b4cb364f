"""Judges what is left of a faulty rule, so that its author sees every fault in one go."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from doclife.domain.actions import ActionType
from doclife.domain.faults import Fault, nearest
from doclife.domain.fields import MetadataType
from doclife.domain.rule import UncheckedRule
from doclife.domain.rule_checks import rule_faults

# Which parts a check between parts looks at, by the part where it reports.
_JUDGED_WITH = {
    "actions": {"actions", "retain", "when", "trigger"},
    "retain": {"retain", "trigger", "actions"},
    "warn": {"warn", "retain", "trigger", "actions"},
    "when": {"when", "actions"},
}
_HARMLESS_RETENTION = {"for": "permanent", "cutoff": "none"}
_STAND_INS: Mapping[str, Mapping[str, Any]] = {
    ActionType.ARCHIVE: {"do": "ARCHIVE"},
    ActionType.DELETE: {"do": "DELETE"},
    ActionType.NOTIFY: {"do": "NOTIFY", "with": {"to": "somebody"}},
    ActionType.WEBHOOK: {"do": "WEBHOOK", "with": {"endpoint": "somewhere"}},
}


def faults_between_parts(
    parts: Mapping[str, Any], faults: list[Fault], *, metadata_types: Mapping[str, MetadataType]
) -> list[Fault]:
    """What is wrong between the parts of a rule that are not broken in themselves.

    A check that would have to look at a broken part says nothing: its answer would mislead.

    :param parts: as the file has them, the condition already read, with stand-ins in it.
    :param faults: what is wrong with single parts.
    """
    remains: dict[str, Any] = deepcopy(dict(parts))
    broken: set[str] = set()
    vague: set[str] = set()
    broken_actions: set[int] = set()
    for fault in faults:
        if fault.is_unknown_key and fault.path[0] != "when":
            _remove(remains, fault)
            # "retian" was meant to be retain: do not complain that there is no retain.
            meant = nearest(fault.path[0], UncheckedRule.model_fields)
            broken |= {meant} if meant is not None and len(fault.path) == 1 else set()
        elif len(fault.path) > 1 and fault.path[0] == "actions":
            broken_actions.add(int(fault.path[1]))
        elif fault.path[:2] in (("retain", "for"), ("retain", "cutoff")):
            # What it counts from can be judged all the same, how long it keeps cannot.
            remains["retain"] |= _HARMLESS_RETENTION
            vague.add("retain")
        elif fault.path and fault.path[0] != "when":
            broken.add(str(fault.path[0]))
    for position in broken_actions:
        remains["actions"][position] = _stand_in(remains["actions"][position])
    for part in broken:
        remains.pop(part, None)
    needed: dict[str, Any] = {"name": "nameless", "trigger": {"type": "ON_SCHEDULE"}}
    rule = UncheckedRule.model_validate({**needed, **remains})
    return [
        fault
        for fault in rule_faults(rule, metadata_types=metadata_types)
        if not _lean_on(broken, vague, part=str(fault.path[0]))
        and not _is_about(fault, broken_actions)
    ]


def _lean_on(broken: set[str], vague: set[str], *, part: str) -> bool:
    """Whether a check that reports at a part looks at what cannot be judged."""
    looked_at = _JUDGED_WITH.get(part, {part})
    return bool(broken & looked_at or vague & (looked_at - {part}))


def _remove(remains: dict[str, Any], fault: Fault) -> None:
    holder: Any = remains
    for step in fault.path[:-1]:
        holder = holder[step]
    holder.pop(fault.path[-1], None)


def _stand_in(action: object) -> dict[str, Any]:
    kind = action.get("do") if isinstance(action, dict) else None
    return dict(_STAND_INS.get(str(kind), _STAND_INS[ActionType.NOTIFY]))


def _is_about(fault: Fault, broken_actions: set[int]) -> bool:
    if not broken_actions or fault.path[0] != "actions" or len(fault.path) < 2:
        return False
    # Periods of actions are compared with each other, and a broken one has lost its own.
    return fault.path[1] in broken_actions or fault.path[-1] == "after"

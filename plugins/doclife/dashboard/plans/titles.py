"""What a plan is called: its rule, or what kind it is of."""

from collections.abc import Mapping
from typing import Any

from doclife.domain.plan import PlanKind

KINDS = {
    PlanKind.SELECTION: "Chosen documents",
    PlanKind.PURGE: "Purge of what is past its grace period",
    PlanKind.ORIGINALS: "Originals of archived documents",
    PlanKind.ERASURE: "Erasure without grace",
}


def title_of(plan: Mapping[str, Any]) -> str:
    """Return what a plan is about, in words."""
    return str(plan["rule"] or KINDS.get(plan["kind"], plan["kind"]))

"""What is known of the stored bytes: which are damaged, and how far each store is checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.errors import ConfigurationError
from doclife.store import audit, fixity, organizations
from doclife.store.connection import Connection
from doclife.store.fixity import DamagedBytes, FixityCheck, StoreFixity


@dataclass(frozen=True, kw_only=True)
class FixityReport:
    """How things are with the bytes."""

    damaged: Sequence[DamagedBytes]
    stores: Sequence[StoreFixity]
    checks: Sequence[FixityCheck]
    budget_bytes: int


def report(conn: Connection, *, organization: str | None, size: int) -> FixityReport:
    """Return what is damaged, how far the stores are checked, and the newest checks.

    :param organization: whose documents; None for all.
    """
    tenant = None if organization is None else organizations.find(conn, organization).id
    return FixityReport(
        damaged=fixity.list_open(conn, organization_id=tenant, document_id=None, size=size),
        stores=fixity.count_by_store(conn),
        checks=fixity.list_checks(conn, size=5),
        budget_bytes=fixity.budget(conn),
    )


def change_budget(conn: Connection, *, budget_bytes: int, now: datetime, actor: str) -> int:
    """Say how many bytes a check may read from now on; return how many it was before."""
    if budget_bytes < 0:
        raise ConfigurationError(f"a budget of {budget_bytes} bytes: write 0 or more.")
    with conn.transaction():
        before = fixity.budget(conn)
        fixity.set_budget(conn, budget_bytes)
        if before != budget_bytes:
            audit.record(
                conn,
                organization_id=organizations.find(conn, "default").id,
                at=now,
                actor=actor,
                action="deployment.fixity_budget_changed",
                reason=f"a check reads {budget_bytes} bytes",
                details={"before": before, "after": budget_bytes},
            )
        return before


def in_words(damage: DamagedBytes) -> str:
    """Say what is wrong with bytes and how the document's other ones are, without their places."""
    found = {"changed": "is not what was recorded", "missing": "is missing"}[damage.kind]
    said = f"its {damage.which} {found}"
    other = "archived copy" if damage.which == "original" else "original"
    if damage.other_uri is None:
        return f"{said}; there is no second copy"
    if damage.is_other_sound:
        return f"{said}; its {other} is sound"
    return f"{said}; how its {other} is, is not known"

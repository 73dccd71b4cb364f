"""What follows a purge or an approved erasure: its purge, its manifest, and the sweep of residue.

Each step finds what is due by itself, so that it does not matter who purged, or where a run died.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from doclife.domain.plan import PlanState
from doclife.domain.rule import Mode
from doclife.errors import DoclifeError, RefusedError, StorageError, TryAgainLater
from doclife.lifecycle.applying import apply_plan
from doclife.lifecycle.erasing import Swept, sweep
from doclife.lifecycle.erasure_requests import close_what_is_done
from doclife.lifecycle.planning_erasure import plan_purge_of
from doclife.lifecycle.purge_manifests import write_manifests
from doclife.storage.stores import Stores
from doclife.store import erasures, organizations, stored_plans
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What was done."""

    purged: int
    """Documents of approved erasures that were destroyed now."""
    manifests: int
    closed: tuple[int, ...]
    """Erasure requests of which nothing is left."""
    swept: Swept
    faults: tuple[str, ...]
    """What could not be done; the next call tries again."""
    is_passing: bool = False
    """Whether trying again soon may help with one of them: a store was out of reach."""


def settle(
    conn: Connection,
    *,
    stores: Stores,
    now: Callable[[], datetime],
    dag_id: str,
    run_id: str,
    actor: str,
    mode: Mode = Mode.ENFORCE,
) -> Settled:
    """Do what follows from purges and approved erasures; killed or called again, it goes on.

    One step that fails keeps none of the others from being done.

    :param mode: ``simulate`` purges nothing and closes no request: only what is gone already has
        its manifest written and is swept.
    """
    faults: list[DoclifeError] = []
    purged, written, swept = 0, 0, Swept()
    closed: list[int] = []
    if mode is Mode.ENFORCE:
        purged = _purge_erased(
            conn, stores=stores, now=now, dag_id=dag_id, run_id=run_id, actor=actor, faults=faults
        )
    try:
        written = write_manifests(conn, stores=stores, now=now())
    except DoclifeError as error:
        faults.append(error)
    try:
        swept = sweep(conn, stores=stores, now=now())
    except DoclifeError as error:
        faults.append(error)
    if mode is Mode.ENFORCE:
        closed = close_what_is_done(conn, actor=actor, now=now())
    return Settled(
        purged=purged,
        manifests=written,
        closed=tuple(closed),
        swept=swept,
        faults=tuple(str(fault) for fault in faults),
        is_passing=any(isinstance(fault, StorageError | TryAgainLater) for fault in faults),
    )


def _purge_erased(
    conn: Connection,
    *,
    stores: Stores,
    now: Callable[[], datetime],
    dag_id: str,
    run_id: str,
    actor: str,
    faults: list[DoclifeError],
) -> int:
    done = 0
    for erasure in erasures.list_to_purge(conn):
        tenant = organizations.find(conn, erasure["organization"])
        key = f"purge of erasure {erasure['plan_id']}"
        try:
            plan_id = (
                erasures.find_open_plan(conn, organization_id=tenant.id, selection_key=key)
                or plan_purge_of(
                    conn,
                    organization=tenant,
                    erasure_plan_id=erasure["plan_id"],
                    now=now(),
                    dag_id=dag_id,
                    run_id=run_id,
                    requested_by=actor,
                ).plan_id
            )
            if stored_plans.summary(conn, plan_id).state is PlanState.NEEDS_APPROVAL:
                continue  # a limit asks once more; whoever approves lets it be applied
            outcome = apply_plan(conn, plan_id=plan_id, now=now, actor=actor, stores=stores)
        except DoclifeError as error:
            faults.append(type(error)(f"erasure {erasure['plan_id']}: {error}"))
        else:
            done += outcome.done
            failed = sum(
                count.documents
                for count in stored_plans.count_items(conn, plan_id)
                if count.state == "failed"
            )
            if failed:
                # The same run would find the same plan, which has ended: the next one plans anew.
                faults.append(
                    RefusedError(
                        f"erasure {erasure['plan_id']}: {failed} document(s) could not be "
                        f"destroyed. Why: doclife plans show {plan_id}"
                    )
                )
    return done

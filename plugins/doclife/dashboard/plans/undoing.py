"""Takes a plan back within the time of one request; a second request goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from doclife.dashboard.stores import document_stores
from doclife.dashboard.visit import Visit
from doclife.lifecycle.undo import Progress, UndoOutcome, undo_plan

REQUEST_SECONDS = 20.0
"""Of the time a browser and what stands before Airflow wait for an answer."""


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What one request brought back.

    :param is_whole: whether all was looked at; if not, the next request goes on.
    """

    outcome: UndoOutcome
    is_whole: bool

    @property
    def words(self) -> str:
        """What a person is told."""
        outcome = self.outcome
        said = [f"{outcome.undone:,} brought back"]
        if outcome.skipped:
            said.append(f"{outcome.skipped:,} left as they are, something else happened to them")
        if outcome.waiting:
            said.append(f"{outcome.waiting:,} wait for their bytes from a cold store")
        if outcome.too_late_count:
            said.append(f"{outcome.too_late_count:,} too late, their destruction had begun")
        if outcome.failed:
            said.append(f"{outcome.failed:,} failed: {'; '.join(outcome.failures[:3])}")
        rest = "." if self.is_whole else " so far. There is more: undo once more to go on."
        return ", ".join(said) + rest


class _TimeIsUpError(Exception):
    pass


def take_back(here: Visit, plan_id: int, *, seconds: float = REQUEST_SECONDS) -> TakenBack:
    """Undo a plan batch by batch until it is done or the time is up.

    :raises RefusedError: there is nothing of it that can be undone.
    """
    return within(
        lambda watch: undo_plan(
            here.conn,
            plan_id=plan_id,
            now=here.now,
            actor=here.actor,
            stores=document_stores(here.conn),
            progress=watch,
        ),
        seconds=seconds,
    )


def within(
    bring_back: Callable[[Progress], UndoOutcome], *, seconds: float = REQUEST_SECONDS
) -> TakenBack:
    """Bring documents back batch by batch until all are, or until the time is up."""
    ends_at = time.monotonic() + seconds
    so_far: list[UndoOutcome] = []

    def watch(outcome: UndoOutcome) -> None:
        so_far[:] = [outcome]
        if time.monotonic() > ends_at:
            raise _TimeIsUpError

    try:
        return TakenBack(outcome=bring_back(watch), is_whole=True)
    except _TimeIsUpError:
        return TakenBack(outcome=so_far[0], is_whole=False)

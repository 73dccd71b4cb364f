"""Shows how far a plan has come while it is applied."""

import threading
from types import TracebackType

import psycopg
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from doclife.cli.output import console
from doclife.store.connection import connect
from doclife.store.progress import plan_progress

SECONDS_BETWEEN_LOOKS = 0.3


class PlanProgressBar:
    """A bar on stderr that looks at the plan over a connection of its own.

    What another process does to the same plan counts too. Draws nothing unless stderr is a
    terminal.
    """

    def __init__(self, database: str, *, plan_id: int) -> None:
        self._database = database
        self._plan_id = plan_id
        self._is_over = threading.Event()
        self._bar = Progress(
            TextColumn(f"plan {plan_id}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[outcome]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("plan", total=None, outcome="")
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PlanProgressBar":
        """Begin to look and to draw."""
        if console(stderr=True).is_terminal:
            self._bar.start()
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop looking and clear what was drawn."""
        self._is_over.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join()
            self._bar.stop()

    def _watch(self) -> None:
        try:
            with connect(self._database, application_name="doclife cli progress") as conn:
                while not self._is_over.wait(SECONDS_BETWEEN_LOOKS):
                    progress = plan_progress(conn, self._plan_id)
                    outcome = ", ".join(
                        f"{number:,} {word}"
                        for number, word in (
                            (progress.skipped, "skipped"),
                            (progress.failed, "failed"),
                        )
                        if number
                    )
                    self._bar.update(
                        self._task,
                        total=progress.items,
                        completed=progress.finished,
                        outcome=outcome,
                    )
        except psycopg.Error:
            return  # the bar stands still; the work itself says what is wrong with the database

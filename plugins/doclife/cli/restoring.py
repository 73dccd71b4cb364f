"""Shows how far an undo or a restore has come, and what it could not bring back."""

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from doclife.cli.output import console, printable
from doclife.cli.session import Session
from doclife.lifecycle.undo import UndoOutcome


class RestoreProgressBar:
    """A bar on stderr; draws nothing unless that is a terminal.

    :param total: how many documents there may be at most.
    """

    def __init__(self, total: int) -> None:
        self._bar = Progress(
            TextColumn("restoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("restore", total=total)

    def __enter__(self) -> "RestoreProgressBar":
        """Begin to draw."""
        if console(stderr=True).is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Clear what was drawn."""
        self._bar.stop()

    def show(self, outcome: UndoOutcome) -> None:
        """Draw what was done so far."""
        looked_at = outcome.undone + outcome.skipped + outcome.waiting
        looked_at += outcome.too_late_count + outcome.failed
        self._bar.update(self._task, completed=looked_at)


def left_alone_for(reprieve_days: int) -> str:
    """Return what to add about the reprieve of what came back."""
    if not reprieve_days:
        return "; rules may take them again at once"
    return f"; rules leave them alone for {reprieve_days} days"


def print_unrestored(s: Session, outcome: UndoOutcome) -> None:
    """Say what waits, what came too late and what failed."""
    if outcome.waiting:
        s.output.say(
            f"{outcome.waiting:,} lie in a cold store: their bytes were asked for, which takes "
            "hours. A nightly run restores them; until then rules leave them alone."
        )
    for one in outcome.too_late:
        s.output.say(
            f"{printable(one.external_id)}: too late, its destruction began at "
            f"{one.too_late_since:%Y-%m-%d %H:%M} UTC. What is purged cannot be brought back.",
            style="red",
        )
    for failure in outcome.failures:
        s.output.say(printable(failure), style="red")
    listed = len(outcome.too_late) + len(outcome.failures)
    more = outcome.too_late_count + outcome.failed - listed
    if more:
        s.output.say(f"... and {more:,} more that could not be restored.", style="red")

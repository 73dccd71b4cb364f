"""The newest imports: how far those that run have come, and how the others ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.dashboard import moments
from doclife.dashboard.visit import Visit
from doclife.lifecycle.import_running import ImportRun, list_imports

SHOWN = 5
"""Imports on the page; older ones stand in the audit trail."""


@dataclass(frozen=True, kw_only=True)
class ShownImport:
    """An import, as a page shows it."""

    run: ImportRun
    pill: tuple[str, str]
    """Kind and word of its state."""
    percent: int | None
    """None while nobody knows how much there is."""
    pace: str
    """``1,200 files a second, about 1 min 50 s left``; empty while it cannot be told."""

    @property
    def unchanged_count(self) -> int:
        """Files whose document is as it was."""
        return self.run.done_count - self.run.new_count - self.run.changed_count


def shown_imports(here: Visit) -> Sequence[ShownImport]:
    """Return the newest imports of the organization, the newest first."""
    found = list_imports(here.conn, organization=here.tenant.slug, size=SHOWN)
    return [
        ShownImport(
            run=run,
            pill=pill_of(run),
            percent=None
            if not run.file_count
            else min(100, run.done_count * 100 // run.file_count),
            pace=pace_of(run, now=here.now),
        )
        for run in found
    ]


def pill_of(run: ImportRun) -> tuple[str, str]:
    """Return kind and word of the state of an import."""
    if run.is_alive:
        return "running", "Running"
    if run.finished_at is None:
        return "failed", "Stopped"
    if run.error is not None:
        return "failed", "Failed"
    return "success", "Done"


def pace_of(run: ImportRun, *, now: datetime) -> str:
    """Return the pace of an import since it began to read, and how long it takes at that pace.

    The slower of files and bytes tells: small files cost by number, large ones by size.
    """
    if not run.is_alive or run.reading_at is None or not run.done_count:
        return ""
    seconds = (now - run.reading_at).total_seconds()
    if seconds <= 0:
        return ""
    rate = run.done_count / seconds
    said = f"{rate:,.0f} files a second" if rate >= 1 else f"{rate * 60:,.1f} files a minute"
    shares = [run.done_count / run.file_count] if run.file_count else []
    if run.total_bytes and run.done_bytes:
        shares.append(run.done_bytes / run.total_bytes)
    if not shares:
        return said
    left = max(0.0, seconds / min(shares) - seconds)
    return f"{said}, about {moments.duration(left)} left"

"""A year of nights, one after the other, with what people do by day and what goes wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.year.accounts import Accounts
from benchmarks.year.far_side import FarSide
from benchmarks.year.mishaps import Course, Mishaps
from benchmarks.year.office import Office
from benchmarks.year.releases import Release
from benchmarks.year.sizes import Census, overdue, take_census
from benchmarks.year.system import Died, System
from local.postgres import Postgres

FIRST_NIGHT = datetime(2025, 1, 5, tzinfo=UTC)
"""A Sunday. The year lies in the past: nobody may decide for the future, so neither may it."""
SUNDAY = 6
MONTHS = range(1, 13)
WORDS_APPLYING = 20
RESCUE_SECONDS = 4.0
"""After a process that drained was killed, the next one waits until it is seen to be dead."""


class Year:
    """Lives through it; afterwards ``censuses``, ``seconds`` and ``faults`` say how it went.

    :param releases: the oldest first; the year begins with it.
    :param tell: told once a month how far it is.
    """

    def __init__(
        self, server: Postgres, folder: Path, side: FarSide, *, course: Course,
        releases: Sequence[Release], tell: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self.course, self.releases, self.side, self.tell = course, releases, side, tell
        self.mishaps = Mishaps.of(course, releases=len(releases))
        self.system = System(
            server, folder, now=FIRST_NIGHT, seed=course.seed, mail_port=side.mail_port
        )
        self.office = Office(self.system, course, side, folder)
        self.accounts = Accounts(self.office)
        self.censuses: list[Census] = []
        self.seconds: list[float] = []
        """What each night took, from the first DAG to the last digest stored."""
        self.told: Counter[str] = Counter()
        self.cleaned = self.upgraded = FIRST_NIGHT

    @property
    def faults(self) -> list[str]:
        return self.accounts.faults

    def live(self) -> None:
        """Live through every night and day."""
        try:
            self.system.set_clock(FIRST_NIGHT - timedelta(hours=12))
            self._upgrade(self.releases[0])
            self.office.open()
            marks = {self.course.nights * month // 12: month for month in MONTHS}
            for night in range(self.course.nights):
                self._live_through(night)
                if night + 1 in marks:
                    self._take_stock(night + 1)
            self._settle()
        finally:
            self.system.close()

    def _live_through(self, night: int) -> None:
        midnight = self._midnight(night)
        self.side.dead = {"erp"} if night in self.mishaps.dead else set()
        if night == self.mishaps.dead.stop:
            self._at(midnight, 0.5)
            self.system.call("enable", name="erp")
        if night in self.mishaps.halted[:1]:
            self._at(midnight, 0.5)
            self.system.call("halt", is_on=True)
        began = time.perf_counter()
        if midnight.weekday() == SUNDAY and night not in self.mishaps.no_cleanup:
            self._at(midnight, 1)
            self._run("weekly", night)
            if night not in self.mishaps.halted:
                self.cleaned = self.system.now
            self.accounts.compare()
        self._at(midnight, 2)
        self._run("check_expired", night)
        self._at(midnight, 3)
        self._run_rules(night)
        self.accounts.compare()
        self._at(midnight, 3.5)
        self.office.ask()
        self._at(midnight, 8)
        self._run("digests", night)
        self.seconds.append(time.perf_counter() - began)
        self._at(midnight, 10)
        self.office.work(night, bulk_on=self.mishaps.bulk)
        self._run("drain", night)
        self._at(midnight, 14)
        self.office.answer()
        self.accounts.compare()
        if night in self.mishaps.halted[-1:]:
            self._at(midnight, 15)
            self.system.call("halt", is_on=False)

    def _midnight(self, night: int) -> datetime:
        return FIRST_NIGHT + timedelta(days=night * self.course.days_between)

    def _at(self, midnight: datetime, hours: float) -> None:
        self.system.set_clock(midnight + timedelta(hours=hours))

    # ------------------------------------------------------------------------------- the processes
    def _run(self, command: str, night: int, **arguments: Any) -> Any:
        """Run a DAG; when its process dies, its tasks are retried by another one, a bit later."""
        dying, steps = self.mishaps.kills.get(night, (None, 0))
        run = {"run_id": f"{command} {night}", **arguments}
        if command in ("drain", "check_expired"):
            run = arguments
        try:
            told = self.system.call(command, dies_after=steps if command == dying else None, **run)
        except Died:
            self.told[f"killed in {command}"] += 1
            self.system.set_clock(self.system.now + timedelta(minutes=5))
            if command == "drain":
                run = {"linger_seconds": RESCUE_SECONDS}
            told = self.system.call(command, **run)
        self._note(command, told)
        return told

    def _run_rules(self, night: int) -> None:
        if night not in self.mishaps.upgrades:
            self._run("rules", night)
            return
        # The old release is stopped in the middle of its plans; the new one ends them.
        try:
            self.system.call("rules", run_id=f"rules {night}", dies_applying=WORDS_APPLYING)
        except Died:
            self.told["upgrades with plans under way"] += self._count(
                "SELECT (count(*) > 0)::integer FROM plans WHERE state = 'applying'"
            )
        self._upgrade(self.releases[self.mishaps.upgrades[night]])
        self._note("rules", self.system.call("rules", run_id=f"rules {night}"))

    def _upgrade(self, release: Release) -> None:
        applied, self.upgraded = self.system.upgrade(release), self.system.now
        self.tell(f"{self.system.now:%Y-%m-%d}: release {release.name}, {len(applied)} migrations")
        certifies = (release.tree / "plugins/doclife/lifecycle/certifying.py").exists()
        if self.accounts.certified_from is None and certifies:
            self.accounts.certified_from = 1 + self._count("SELECT coalesce(max(id), 0) FROM plans")

    def _count(self, query: Any) -> int:
        row = self.system.eyes.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def _note(self, command: str, told: dict[str, Any]) -> None:
        """Add up what the processes said they did; what they could not do is a fault."""
        for name, number in {**told, **told.get("outcomes", {})}.items():
            if isinstance(number, int):
                self.told[name] += number
        self.told["plans that waited for a person"] += len(told.get("waiting", ()))
        if told.get("refused"):
            self.told["runs refused"] += 1
            if not any("halted" in str(each) for each in [told["refused"]]):
                self.accounts.fault(f"{command} was refused: {told['refused']}")
        for kind in ("unfinished", "failing", "faults"):
            if told.get(kind) and not self._is_halted():
                self.accounts.fault(f"{command} left {kind}: {told[kind]}")

    def _is_halted(self) -> bool:
        return bool(self._count("SELECT count(*) FROM switches WHERE is_on"))

    # ------------------------------------------------------------------------------------- stock
    def _take_stock(self, night: int) -> None:
        self.accounts.compare_bytes()
        census = take_census(self.system.eyes, night=night, stores=self.system.stores)
        self.censuses.append(census)
        # Older releases forgot less.
        if self.system.release is self.releases[-1] and self.cleaned > self.upgraded:
            for table, rows in overdue(self.system.eyes, cleaned=self.cleaned).items():
                self.accounts.fault(f"{rows} rows of {table} should have been pruned")
        recent = self.seconds[-30:]
        self.tell(
            f"night {night}: {census.documents:,} documents, {census.total_bytes / 2**20:.0f} MB,"
            f" {sum(recent) / len(recent):.2f} s a night, {len(self.faults)} faults"
        )

    def _settle(self) -> None:
        """Let what was under way at the end come to an end, and close the accounts."""
        for hours in (1, 5, 12, 24, 36, 48):
            self._at(self._midnight(self.course.nights), hours)
            self._note("drain", self.system.call("drain"))
        self.accounts.close()

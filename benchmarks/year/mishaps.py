"""What goes wrong in a year, and when: the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

NIGHTLY = ("check_expired", "rules", "digests", "drain")
DEADLIEST = 400
"""Words with database and stores, before one of which a process is killed."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long a year is, how large, and what it has to go through.

    :param nights: 365; a shorter year has the same mishaps at the same parts of it.
    :param documents: registered altogether, half of them at the start.
    """

    nights: int = 365
    documents: int = 10_000
    seed: int = 12
    kills: int = 24
    days_between: int = 1
    """More lets only some of the nights happen: 7, every Sunday's."""
    week: timedelta = timedelta(days=7)
    month: timedelta = timedelta(days=30)


@dataclass(kw_only=True)
class Mishaps:
    """By night, counted from 0."""

    kills: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Which command dies, and after how many words."""
    upgrades: dict[int, int] = field(default_factory=dict)
    """To which release; in the middle of applying that night's plans."""
    bulk: int = 0
    """So many documents come at once that are due as soon as they have cooled off."""
    dead: range = range(0)
    """``erp`` answers nothing."""
    no_cleanup: range = range(0)
    halted: range = range(0)

    @classmethod
    def of(cls, course: Course, *, releases: int) -> Mishaps:
        """Spread them over a year."""
        chance, nights = random.Random(course.seed), course.nights

        def at(share: float, days: int) -> range:
            begins = int(nights * share)
            return range(begins, begins + min(days, nights // 10))

        upgrades = {nights * number // (releases + 1): number for number in range(1, releases)}
        free = [night for night in range(2, nights - 1) if night not in upgrades]
        return cls(
            kills={
                night: (chance.choice((*NIGHTLY, "weekly")), chance.randrange(3, DEADLIEST))
                for night in chance.sample(free, min(course.kills, len(free)))
            },
            upgrades=upgrades,
            bulk=int(nights * 0.4),
            dead=at(0.3, course.week.days),
            no_cleanup=at(0.75, course.month.days),
            halted=at(0.88, 3),
        )

"""Plays many histories, and makes a failing one smaller."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.model.driver import System
from tests.model.histories import Generator
from tests.model.play import Play

MOST_FAILURES = 3
"""Enough to see a pattern; each is made smaller, which takes a while."""


@dataclass(kw_only=True)
class Tally:
    """What a row of histories came to."""

    histories: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.histories += other.histories
        self.outcomes.update(other.outcomes)
        self.failures.extend(other.failures)


def play_seeds(url: str, superuser_url: str, folder: Path, seeds: Iterable[int]) -> Tally:
    """Play one history per seed on one database; stop after a few failures."""
    tally = Tally()
    system = System(url=url, superuser_url=superuser_url, folder=folder)
    for seed in seeds:
        history = Generator(seed).history()
        tally.histories += 1
        try:
            tally.outcomes.update(Play(system, history).run())
        except Exception as error:  # noqa: BLE001 (whatever went wrong belongs into the report)
            system.fresh_connection()
            tally.failures.append(report(system, seed, history, error))
            if len(tally.failures) == MOST_FAILURES:
                break
    return tally


def report(system: System, seed: int, history: dict[str, Any], error: Exception) -> str:
    first = f"{type(error).__name__}: {error}"
    smallest, error = smaller(system, history, error)
    where = "".join(traceback.format_exception(error)[-4:])
    return (
        f"seed {seed}: {first}\n"
        "smaller history with the same kind of failure:\n"
        f"{json.dumps(smallest, default=str)}\n{where}"
    )


def smaller(
    system: System, history: dict[str, Any], error: Exception
) -> tuple[dict[str, Any], Exception]:
    """Leave out steps, rules, documents and details as long as it still fails in the same way."""
    for parts_of in (steps_of, rules_and_documents_of, details_of):
        for path in reversed(parts_of(history)):  # the last first: earlier paths stay right
            candidate = without(history, path)
            try:
                Play(system, candidate).run()
            except Exception as new_error:  # noqa: BLE001 (any failure may be the same one)
                system.fresh_connection()
                if type(new_error) is type(error):
                    history, error = candidate, new_error
    return history, error


def steps_of(history: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [("steps", number) for number in range(len(history["steps"]))]


def rules_and_documents_of(history: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        ("organizations", number, kind, position)
        for number, organization in enumerate(history["organizations"])
        for kind in ("rules", "documents")
        for position in range(len(organization[kind]))
    ]


def details_of(history: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        ("steps", number, key)
        for number, step in enumerate(history["steps"])
        for key in ("between", "crash", "decided_earlier")
        if key in step
    ]


def without(history: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    copy = json.loads(json.dumps(history))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return copy

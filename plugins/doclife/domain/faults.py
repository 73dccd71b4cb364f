"""What is wrong with a rule, where in it, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Keys and positions from the top of a rule down to a value, e.g. ``("actions", 0, "do")``."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to correct, in words for the author of the rule.

    :param is_unknown_key: the value at ``path`` stands under a key that does not exist; without
        it the rest can be judged.
    """

    path: Path
    message: str
    is_unknown_key: bool = False

    def __str__(self) -> str:
        """The place in the rule, then what is wrong."""
        where = ".".join(str(step) for step in self.path)
        return f"{where}: {self.message}" if where else self.message


def nearest(word: object, choices: Iterable[str]) -> str | None:
    """The choice that ``word`` was probably meant to be; None when none is near."""
    by_lower = {str(choice).lower(): str(choice) for choice in choices}
    near = get_close_matches(str(word).lower()[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the nearest choice, or nothing when none is near."""
    choice = nearest(word, choices)
    return "" if choice is None else f" Did you mean {choice!r}?"


def shown(value: object) -> str:
    """A bad value as a message quotes it: cut, so that a message stays one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

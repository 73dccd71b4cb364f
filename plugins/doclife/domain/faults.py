"""What is wrong with a rule, where in it, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Keys and positions from the top of a rule down to a value, e.g. ``("actions", 0, "do")``."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to correct, in words for the author of the rule."""

    path: Path
    message: str

    def __str__(self) -> str:
        """The place in the rule, then what is wrong."""
        where = ".".join(str(step) for step in self.path)
        return f"{where}: {self.message}" if where else self.message


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the nearest choice, or nothing when none is near."""
    if not isinstance(word, str):
        return ""
    known = list(choices)
    for choice in known:
        if choice.lower() == word.lower():
            return f" Did you mean {choice!r}?"
    by_lower = {choice.lower(): choice for choice in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""


def shown(value: object) -> str:
    """A bad value as a message quotes it: cut, so that a message stays one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

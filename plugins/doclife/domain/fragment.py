"""A piece of SQL that this code made, with the values that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """SQL text that holds only our own words and ``%(name)s`` placeholders; values are beside it.

    :param text: no statement terminator and no ``%`` but those of placeholders.
    """

    text: str
    parameters: Mapping[str, object] = field(default_factory=dict)


def merged_parameters(*fragments: Fragment) -> dict[str, object]:
    """The values of several fragments that are put into one statement.

    :raises ValueError: two fragments use one name for different values: they were compiled
        under the same prefix, and one would silently be run with the other's values.
    """
    merged: dict[str, object] = {}
    for fragment in fragments:
        for name, value in fragment.parameters.items():
            if name in merged and merged[name] != value:
                raise ValueError(
                    f"two SQL fragments use the parameter {name!r} for different values; "
                    "compile them with different prefixes"
                )
            merged[name] = value
    return merged

"""One way to write a value as bytes, so that whoever signs and whoever verifies mean the same.

Keys sorted by code point, no white space, UTF-8 without escapes that JSON does not ask for, and no
floats: two programs write the same number differently.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

Value = None | bool | int | str | list["Value"] | tuple["Value", ...] | dict[str, "Value"]
"""What can be signed; moments and dates are ISO texts, bytes are hexadecimal."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Value) -> bytes:
    """Return the canonical JSON of a value.

    :raises ValueError: it holds what has no canonical form: a float, a key that is no text, or
        half of a surrogate pair.
    """
    fault = _fault(value)
    if fault is not None:
        raise ValueError(f"{fault} has no canonical form")
    return _ENCODER.encode(value).encode()


def moment(at: datetime) -> str:
    """Return a moment as text: UTC, to the microsecond where it has any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _fault(value: object) -> str | None:
    """Return the first part of a value that two programs would write in two ways."""
    if isinstance(value, dict):
        keys = (f"the key {key!r}" for key in value if not isinstance(key, str))
        return next(keys, None) or _first_fault(value.values())
    if isinstance(value, list | tuple):
        return _first_fault(value)
    is_exact = value is None or isinstance(value, bool | int | str)
    return None if is_exact else f"{type(value).__name__} {value!r}"


def _first_fault(values: Iterable[object]) -> str | None:
    return next(filter(None, map(_fault, values)), None)

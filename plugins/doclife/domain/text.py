"""Text that an author of rules wrote: bounded, and storable in PostgreSQL."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

MAX_TEXT = 1000


def text_fault(value: str) -> str | None:
    """What is wrong with a text, or None: too long, a NUL character, or half a character."""
    if len(value) > MAX_TEXT:
        return f"text of {len(value)} characters; at most {MAX_TEXT}"
    if "\x00" in value:
        return "text with a NUL character, which PostgreSQL cannot hold"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "text with half a character (a lone surrogate)"
    return None


def _checked(value: str) -> str:
    fault = text_fault(value)
    if fault is not None:
        raise ValueError(fault)
    return value


Text = Annotated[str, AfterValidator(_checked)]
"""Any text of at most 1,000 characters that PostgreSQL can hold."""

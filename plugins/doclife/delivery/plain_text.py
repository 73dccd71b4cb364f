"""Makes text that somebody else wrote safe to show: on one line, in reading order, not endless."""

import re
import unicodedata

# Explicit marks that reorder what follows, and characters that nobody sees. Joiners stay: Persian
# and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_ELLIPSIS = "\u2026"


def one_line(text: str, *, length: int = 200) -> str:
    """Return ``text`` on one line of at most ``length`` characters.

    Control characters and line ends of every script become spaces, marks that would turn around
    what stands beside them are dropped: a title cannot forge a header, a line or a reading order.
    """
    shown = _INVISIBLE.sub("", text)
    if not shown.isprintable():
        shown = "".join(
            " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") else character
            for character in shown
        )
    shown = " ".join(shown.split())
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + _ELLIPSIS


def escape_for_slack(text: str) -> str:
    """Return ``text`` without Slack's control sequences: no mention, no disguised link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut_for_slack(text: str, *, length: int) -> str:
    """Shorten escaped text to ``length`` characters without cutting an entity in two."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    opened = head.rfind("&")
    if opened > head.rfind(";") and opened >= len(head) - len("&amp"):
        head = head[:opened]
    return head + _ELLIPSIS

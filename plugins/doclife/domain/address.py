"""Mail addresses: which texts can be one, and when two are the same."""

import re

MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<local>{_LOCAL})@{_LABEL}(?:\.{_LABEL})+")
_MAX_LOCAL = 64


def is_address(text: str) -> bool:
    """Whether a text is one plain mail address: ``name@host.domain`` in ASCII, nothing around it.

    Stricter than the standards on purpose: no display name, quotes, comments, lists, address
    literals or line ends, so that no address can carry a second recipient or a header.
    """
    if len(text) > MAX_LENGTH:
        return False
    match = _ADDRESS.fullmatch(text)
    return match is not None and len(match["local"]) <= _MAX_LOCAL


def mailbox_key(address: str) -> str:
    """What two spellings of one mailbox have in common; capitals tell no two people apart."""
    return address.lower()

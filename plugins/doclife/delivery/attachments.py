"""Files that go with a mail: read from a job's payload, and refused when they are none."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doclife.errors import ConfigurationError

MOST_FILES = 10
MOST_BYTES = 7_000_000
"""Together. In base64 they are a third more, and many servers take no mail over 10 MB."""
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\"<>:|?*]{1,150}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,60}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    """E.g. ``text/csv``."""
    content: bytes


def read_attachments(given: Any) -> tuple[Attachment, ...]:
    """Return a job's attachments: objects with ``name``, ``media_type`` and base64 ``content``.

    :raises ConfigurationError: one is none, or they are too many or too large.
    """
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise ConfigurationError(f"'attachments' is no list of at most {MOST_FILES} files")
    found = tuple(_read(one) for one in given)
    if sum(len(one.content) for one in found) > MOST_BYTES:
        raise ConfigurationError(f"the attachments are more than {MOST_BYTES:,} bytes together")
    return found


def _read(given: Any) -> Attachment:
    values = given if isinstance(given, Mapping) else {}
    name, media_type, content = (values.get(key) for key in ("name", "media_type", "content"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"an attachment's 'name' is no name of a file: {name!r}")
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise ConfigurationError(f"attachment {name!r}: 'media_type' is none, such as text/csv")
    try:
        return Attachment(
            name=name, media_type=media_type, content=b64decode(str(content), validate=True)
        )
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"attachment {name!r}: 'content' is no base64") from None

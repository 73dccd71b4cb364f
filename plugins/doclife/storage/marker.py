"""The file that says whose a store is.

A mount that is missing, swapped or restored from elsewhere looks like a store whose files are all
gone. So nothing is written, removed or believed absent unless the store's own marker was seen.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from doclife.storage import uris
from doclife.storage.filesystem import Filesystem

MARKER_NAME = ".doclife-store"
FORMAT = 1
_NOTE = (
    "This folder is a store of doclife. Without this file it is read-only and nothing in it "
    "is managed."
)


class MarkerState(StrEnum):
    """What a look for the marker found."""

    OURS = "ours"
    FOREIGN = "foreign"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Which store of which deployment a folder is."""

    deployment_id: UUID
    marker_id: UUID
    store_name: str


def marker_uri(root_uri: str) -> str:
    """Return where the marker of a store lies."""
    return uris.joined(root_uri, MARKER_NAME)


def read_marker(filesystem: Filesystem, root_uri: str) -> Marker | None:
    """Return what the marker says; None when there is positively none.

    :raises ValueError: there is one that is not ours to understand.
    :raises OSError: it cannot be told (403, no connection).
    """
    try:
        _, stream = filesystem.open(marker_uri(root_uri))
    except FileNotFoundError:
        return None
    with stream:
        content = stream.read()
    found = json.loads(content)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"a marker of another format: {content[:80]!r}")
    try:
        return Marker(
            deployment_id=UUID(found["deployment_id"]),
            marker_id=UUID(found["marker_id"]),
            store_name=str(found["store"]),
        )
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"a marker without {error}") from error


def write_marker(filesystem: Filesystem, root_uri: str, marker: Marker) -> None:
    """Make the folder a store, or another's store ours."""
    content = {
        "format": FORMAT,
        "deployment_id": str(marker.deployment_id),
        "marker_id": str(marker.marker_id),
        "store": marker.store_name,
        "note": _NOTE,
    }
    filesystem.replace(marker_uri(root_uri), json.dumps(content, indent=2).encode() + b"\n")

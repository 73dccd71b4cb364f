"""What came, as files: one mail or call each, named by the time at which it came."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

KEPT = 1000
"""How many of each kind are kept; the oldest go."""
_NAME = re.compile(r"(\d{8}T\d{12})Z-(mail|slack|webhook)-(\d+)\.(eml|json)")


class Kind(StrEnum):
    """The channel that something came by."""

    MAIL = "mail"
    SLACK = "slack"
    WEBHOOK = "webhook"


@dataclass(frozen=True, kw_only=True)
class Caught:
    """One mail, Slack message or webhook call."""

    id: str
    kind: Kind
    received_at: datetime
    path: Path

    def call(self) -> dict[str, Any]:
        """Return what was kept of a Slack message or a webhook call."""
        content = json.loads(self.path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}


class CaughtFolder:
    """The folder that they are in, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        """Make the folder when it is not there."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._numbers = count(1)

    def add_mail(self, content: bytes, *, received_at: datetime) -> None:
        """Keep a mail as the file that any mail program opens."""
        self._add(content, Kind.MAIL, received_at, suffix="eml")

    def add_call(self, kind: Kind, content: dict[str, Any], *, received_at: datetime) -> None:
        """Keep a Slack message or a webhook call."""
        text = json.dumps(content, indent=1, ensure_ascii=False)
        self._add(text.encode(), kind, received_at, suffix="json")

    def list(self, kind: Kind | None = None) -> list[Caught]:
        """Return what came, the newest first."""
        found = (_read_name(path) for path in self._folder.iterdir())
        wanted = [one for one in found if one and kind in (None, one.kind)]
        return sorted(wanted, key=lambda one: (one.received_at, _number(one.id)), reverse=True)

    def find(self, caught_id: str) -> Caught | None:
        """Return the one of this id."""
        # By looking through the list: an id from a URL never becomes a path.
        return next((one for one in self.list() if one.id == caught_id), None)

    def counts(self) -> dict[Kind, int]:
        """Return how many there are of each kind."""
        kinds = [one.kind for one in self.list()]
        return {kind: kinds.count(kind) for kind in Kind}

    def _add(self, content: bytes, kind: Kind, received_at: datetime, *, suffix: str) -> None:
        at = received_at.astimezone(UTC)
        name = f"{at:%Y%m%dT%H%M%S%f}Z-{kind}-{next(self._numbers)}.{suffix}"
        unfinished = self._folder / f"{name}.new"
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        unfinished.replace(self._folder / name)
        for one in self.list(kind)[KEPT:]:
            one.path.unlink(missing_ok=True)


def _read_name(path: Path) -> Caught | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    received_at = datetime.strptime(match[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return Caught(id=path.stem, kind=Kind(match[2]), received_at=received_at, path=path)


def _number(caught_id: str) -> int:
    return int(caught_id.rpartition("-")[2])

"""What an import tells while it runs: how far it is, and what it could not take."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ProblemKind(StrEnum):
    """Why a file is mentioned. The first group was imported all the same."""

    ODD_NAME = "odd name"
    EMPTY = "empty"
    HUGE = "huge"
    IN_TRASH = "in the trash"

    SYMLINK = "symbolic link"
    NOT_A_FILE = "not a file"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    CHANGING = "changing"
    TOO_LONG = "name too long"
    NO_STORE = "in no store"
    ARCHIVED = "archived copy"
    FOREIGN = "another deployment's"
    BAD_ROW = "bad row"
    DUPLICATE = "duplicate"
    PURGED = "purged"
    BEING_DESTROYED = "being destroyed"
    CHANGED_AFTER_ARCHIVING = "changed after archiving"
    CHANGED_IN_TRASH = "changed in the trash"


_IMPORTED = frozenset(
    {ProblemKind.ODD_NAME, ProblemKind.EMPTY, ProblemKind.HUGE, ProblemKind.IN_TRASH}
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A file that a person should know about.

    :param path: where, as one printable line; what cannot be printed is percent-encoded.
    """

    path: str
    kind: ProblemKind
    reason: str

    @property
    def is_imported(self) -> bool:
        """False when the catalogue does not say what lies there: the exit code must tell."""
        return self.kind in _IMPORTED


class Progress(Protocol):
    """Somebody who watches an import."""

    def expect(self, *, files: int, size_bytes: int) -> None:
        """Learn how much there is, before the first byte is read."""

    def advance(self, *, files: int, size_bytes: int) -> None:
        """Learn what was done since the last call; comes from several threads."""

    def report(self, problem: Problem) -> None:
        """Learn of a problem, as it is found."""


class Silent:
    """Nobody watches."""

    def expect(self, *, files: int, size_bytes: int) -> None:
        """Do nothing."""

    def advance(self, *, files: int, size_bytes: int) -> None:
        """Do nothing."""

    def report(self, problem: Problem) -> None:
        """Do nothing."""

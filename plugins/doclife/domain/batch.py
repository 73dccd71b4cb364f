"""What a person may do to chosen documents in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from doclife.domain.actions import ActionType, checked_settings
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError


class BatchDeed(StrEnum):
    """The closed list of deeds."""

    ARCHIVE = "archive"
    DELETE = "delete"
    RESTORE = "restore"
    HOLD = "hold"
    RELEASE = "release"
    NOTIFY = "notify"


PLANNED: Mapping[BatchDeed, ActionType] = {
    BatchDeed.ARCHIVE: ActionType.ARCHIVE,
    BatchDeed.DELETE: ActionType.DELETE,
    BatchDeed.NOTIFY: ActionType.NOTIFY,
}
"""Deeds that are stored as a plan, with the action of it. The others need none: they destroy
nothing and send nothing."""
UNDER_A_MATTER = frozenset({BatchDeed.HOLD, BatchDeed.RELEASE})


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRequest:
    """What is to be done to chosen documents, checked.

    :raises ConfigurationError: something that the deed needs is missing, or something was said
        that it does not have.
    """

    deed: BatchDeed
    matter: str | None = None
    """Name of the matter to hold under or to release from."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the action of a plan, as under ``with:`` in a rule; defaults are filled in."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if (self.deed in UNDER_A_MATTER) != (self.matter is not None):
            raise ConfigurationError(
                "give the matter to hold under or to release from, and only then"
            )
        if self.matter is not None:
            if not self.matter.strip():
                raise ConfigurationError("the matter has a name")
            if (fault := text_fault(self.matter)) is not None:
                raise ConfigurationError(f"the name of a matter cannot be {fault}")
        if self.action is not None:
            checked = checked_settings(self.action, self.settings)
            object.__setattr__(self, "settings", checked)
        elif self.settings:
            raise ConfigurationError(f"{self.deed} has no settings")

    @property
    def action(self) -> ActionType | None:
        """The action of the plan; None where there is none."""
        return PLANNED.get(self.deed)

"""Archives documents from a DAG."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from doclife.operators.action import ActionOperator


class ArchiveOperator(ActionOperator):
    """Copy documents into verified archive bags; the originals go after the grace period.

    See ActionOperator for what all actions take.

    :param store: name of the store that the bags go to. Only for a selection: a rule says its own
        (templated).
    :param original: ``remove`` the original after the grace period, or ``keep`` it.
    """

    action: ClassVar[str] = "ARCHIVE"
    template_fields: Sequence[str] = (*ActionOperator.template_fields, "store")

    def __init__(self, *, store: str = "archive", original: str = "remove", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = store
        self.original = original

    def settings(self) -> Mapping[str, object]:
        """Return the archive's settings."""
        return {"store": self.store, "original": self.original}

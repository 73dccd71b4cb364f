"""Deletes documents from a DAG: into the trash, from where they can come back."""

from collections.abc import Mapping
from typing import Any, ClassVar

from doclife.operators.action import ActionOperator


class DeleteOperator(ActionOperator):
    """Move documents into the trash; their bytes are purged after the grace period.

    See ActionOperator for what all actions take.

    :param certificate: without effect: every purge is proven by a certificate of destruction.
        Only for a selection: a rule says its own.
    """

    action: ClassVar[str] = "DELETE"

    def __init__(self, *, certificate: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.certificate = certificate

    def settings(self) -> Mapping[str, object]:
        """Return the deletion's settings."""
        return {"certificate": self.certificate}

"""Tells people about documents from a DAG."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from doclife.operators.message import MessageOperator


class NotifyOperator(MessageOperator):
    """Queue a message about each document, and wait until it is delivered if asked to.

    See ActionOperator for what all actions take, MessageOperator for waiting. The settings are only
    for a selection: a rule says its own.

    :param to: who is told. A template over the document, e.g. ``{{ document.owner }}``, filled in
        by doclife and therefore not one of Airflow's template fields.
    :param channel: ``email``, ``slack`` or ``notification`` (in the dashboard) (templated).
    :param template: name of the message's template; None for the channel's own (templated).
    :param digest: ``daily`` collects everything for a recipient into one message a day.
    """

    kinds: ClassVar[Sequence[str]] = ("email", "slack", "notification")
    action: ClassVar[str] = "NOTIFY"
    template_fields: Sequence[str] = (*MessageOperator.template_fields, "channel", "template")

    def __init__(
        self,
        *,
        to: str = "{{ document.owner }}",
        channel: str = "email",
        template: str | None = None,
        digest: str = "none",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.channel = channel
        self.template = template
        self.digest = digest

    def settings(self) -> Mapping[str, object]:
        """Return the message's settings."""
        return {
            "to": self.to,
            "channel": self.channel,
            "template": self.template,
            "digest": self.digest,
        }

"""Tells other applications about documents from a DAG."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from doclife.errors import ConfigurationError
from doclife.operators.message import MessageOperator


class WebhookOperator(MessageOperator):
    """Queue a call of an endpoint for each document, and wait until it is delivered if asked to.

    See ActionOperator for what all actions take, MessageOperator for waiting. The settings are only
    for a selection: a rule says its own.

    :param endpoint: name of the endpoint; its address and secrets are an Airflow Connection
        (templated).
    :param headers: further headers of the call (templated).
    :param timeout: how long one call may take, e.g. ``30s`` or ``2m`` (templated).
    """

    kinds: ClassVar[Sequence[str]] = ("webhook",)
    action: ClassVar[str] = "WEBHOOK"
    template_fields: Sequence[str] = (
        *MessageOperator.template_fields,
        "endpoint",
        "headers",
        "timeout",
    )

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: str = "30s",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint = endpoint
        self.headers = headers
        self.timeout = timeout
        if self.shards is None and endpoint is None:
            raise ConfigurationError(f"{self.task_id}: a selection needs an endpoint")

    def settings(self) -> Mapping[str, object]:
        """Return the call's settings."""
        return {
            "endpoint": self.endpoint,
            "headers": dict(self.headers or {}),
            "timeout": self.timeout,
        }

"""What a rule does with a document that is due, and the settings of each action."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from doclife.domain.duration import Period
from doclife.domain.faults import did_you_mean, shown
from doclife.domain.message import TEMPLATES
from doclife.domain.recipient import recipient_fault
from doclife.domain.text import Text
from doclife.errors import ConfigurationError

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
"""Names of stores, templates and endpoints."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]

_SECONDS = re.compile(r"([0-9]{1,4})(s|m)")
_MAX_TIMEOUT_SECONDS = 300
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # RFC 9110, 5.6.2: token
_RESERVED_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding"})
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_SECRET_WORDS = re.compile(
    r"token|secret|passw|api[_-]?key|access[_-]?key|signature|credential", re.I
)


class RulePart(BaseModel):
    """A part of a rule: unknown keys are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


class ActionType(StrEnum):
    """The closed list of actions."""

    ARCHIVE = "ARCHIVE"
    DELETE = "DELETE"
    NOTIFY = "NOTIFY"
    WEBHOOK = "WEBHOOK"


def _seconds(value: object) -> int:
    match = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is not a timeout; write for example 10s or 2m")
    seconds = int(match[1]) * (60 if match[2] == "m" else 1)
    if not 1 <= seconds <= _MAX_TIMEOUT_SECONDS:
        raise ValueError(f"a timeout is between 1s and {_MAX_TIMEOUT_SECONDS}s")
    return seconds


TimeoutSeconds = Annotated[
    int,
    PlainValidator(_seconds),
    PlainSerializer(lambda seconds: f"{seconds}s", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,4}(s|m)$"}),
]


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if len(headers) > 20:
        raise ValueError("at most 20 headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{shown(name)} is not a header name")
        if name.lower() in _RESERVED_HEADERS or name.lower().startswith("webhook-"):
            raise ValueError(f"header {name!r} is set by doclife")
        if name.lower() in _SECRET_HEADERS or _SECRET_WORDS.search(name):
            raise ValueError(
                f"header {name!r} carries a secret, which no rule may hold: put it into the extra "
                "of the Airflow Connection doclife_endpoint_<id>"
            )
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of header {name!r} is not printable ASCII")
    return headers


def _recipient(template: str) -> str:
    fault = recipient_fault(template)
    if fault is not None:
        raise ValueError(fault)
    return template


def _template(name: str) -> str:
    if name not in TEMPLATES:
        raise ValueError(
            f"there is no message template {shown(name)}.{did_you_mean(name, TEMPLATES)} "
            f"Templates: {', '.join(TEMPLATES)}"
        )
    return name


class ArchiveSettings(RulePart):
    """Where the archive bag goes, and whether the original is removed after the grace period."""

    store: Name = "archive"
    original: Literal["remove", "keep"] = "remove"


class DeleteSettings(RulePart):
    """What older rules say; every purge is proven by a certificate of destruction now."""

    certificate: StrictBool = False


class NotifySettings(RulePart):
    """Who is told, how and with which words.

    ``to`` is a template over the document, e.g. ``{{ document.owner }}``; ``digest: daily``
    collects everything for a recipient into one message a day.
    """

    channel: Literal["email", "slack", "notification"] = "email"
    to: Annotated[Text, Field(min_length=1), AfterValidator(_recipient)]
    template: Annotated[Name, AfterValidator(_template)] | None = None
    digest: Literal["none", "daily"] = "none"


class WebhookSettings(RulePart):
    """Which endpoint is called. Its address and secrets live in an Airflow Connection."""

    endpoint: Name
    headers: Annotated[dict[str, Text], AfterValidator(_headers)] = Field(default_factory=dict)
    timeout: TimeoutSeconds = 30


class ArchiveAction(RulePart):
    """Copy the document into a verified archive bag; the original goes after the grace period."""

    do: Literal[ActionType.ARCHIVE]
    after: Period | None = None
    with_: ArchiveSettings = Field(default_factory=ArchiveSettings, alias="with")


class DeleteAction(RulePart):
    """Move the document into the trash; its bytes are purged after the grace period."""

    do: Literal[ActionType.DELETE]
    after: Period | None = None
    with_: DeleteSettings = Field(default_factory=DeleteSettings, alias="with")


class NotifyAction(RulePart):
    """Tell somebody."""

    do: Literal[ActionType.NOTIFY]
    after: Period | None = None
    with_: NotifySettings = Field(alias="with")


class WebhookAction(RulePart):
    """Tell another application."""

    do: Literal[ActionType.WEBHOOK]
    after: Period | None = None
    with_: WebhookSettings = Field(alias="with")


Action = Annotated[
    ArchiveAction | DeleteAction | NotifyAction | WebhookAction, Field(discriminator="do")
]

SETTINGS: dict[str, type[RulePart]] = {
    ActionType.ARCHIVE: ArchiveSettings,
    ActionType.DELETE: DeleteSettings,
    ActionType.NOTIFY: NotifySettings,
    ActionType.WEBHOOK: WebhookSettings,
}


def plain_settings(action: Any) -> dict[str, Any]:
    """The settings of an action as plain JSON, defaults included: what a job carries."""
    settings: dict[str, Any] = action.with_.model_dump(mode="json", by_alias=True)
    return settings


def checked_settings(action: ActionType, options: Mapping[str, object]) -> dict[str, Any]:
    """Return the settings of an action as plain values, with what was left out filled in.

    :raises ConfigurationError: every setting that is missing, unknown or of the wrong form.
    """
    try:
        return SETTINGS[action].model_validate(dict(options)).model_dump(mode="json")
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or action}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigurationError(f"settings of {action}: {faults}") from None

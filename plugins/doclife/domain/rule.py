"""A rule: which documents, counted from when, what is done with them, and within which limits."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterError
from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from doclife.domain.actions import Action, ActionType, RulePart
from doclife.domain.condition_reader import ConditionField
from doclife.domain.duration import PERIOD_PATTERN, Period
from doclife.domain.faults import shown
from doclife.domain.review import MAX_EXTENSION_YEARS
from doclife.domain.rule_checks import EVENT_TYPE_PATTERN, rule_faults
from doclife.domain.text import Text
from doclife.errors import ConfigurationError

RULE_NAME_PATTERN = r"^[a-z][a-z0-9-]{1,62}$"
MAX_ACTIONS = 10
MAX_WARNINGS = 6
PERMANENT: Literal["permanent"] = "permanent"

EventType = Annotated[str, StringConstraints(pattern=EVENT_TYPE_PATTERN, max_length=100)]


_CRON_FIELD = re.compile(
    r"(?:[0-9*/,-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+",
    re.IGNORECASE,
)


class Mode(StrEnum):
    """How far a rule goes. What it retains, it retains in both SIMULATE and ENFORCE."""

    OFF = "off"
    SIMULATE = "simulate"
    ENFORCE = "enforce"


class TriggerType(StrEnum):
    """What makes a rule look at documents."""

    ON_EXPIRATION = "ON_EXPIRATION"
    ON_SCHEDULE = "ON_SCHEDULE"
    ON_EVENT = "ON_EVENT"


class Cutoff(StrEnum):
    """Where the clock of a retention period is moved to before the period is added."""

    NONE = "none"
    END_OF_MONTH = "end_of_month"
    END_OF_YEAR = "end_of_year"


def _cron(expression: str) -> str:
    # croniter also takes seconds, years, @daily and fields that are drawn by chance.
    if len(expression.split()) != 5 or not all(map(_CRON_FIELD.fullmatch, expression.split())):
        raise ValueError(
            f"{shown(expression)} is not a cron expression of five fields, for example "
            "'0 3 * * *' for every day at 03:00"
        )
    try:
        # The start is arbitrary; only asking for a time finds "30 February".
        croniter(expression, 0.0).get_next(float)
    except (CroniterError, ValueError) as error:
        raise ValueError(f"{shown(expression)} never comes due: {error}") from error
    return expression


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{shown(name)} is not a time zone; write for example Europe/Berlin or UTC"
        ) from error
    return name


class Trigger(RulePart):
    """When a rule is looked at.

    ``cron`` and ``time_zone`` belong to ON_SCHEDULE (without them the rule runs every night, in
    the organization's zone), ``event`` to ON_EVENT.
    """

    type: TriggerType
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    time_zone: Annotated[str, AfterValidator(_time_zone)] | None = None
    event: EventType | None = None


def _retention_period(value: object) -> Period | Literal["permanent"]:
    if isinstance(value, Period):
        return value
    if value == PERMANENT:
        return PERMANENT
    if isinstance(value, str):
        try:
            return Period.parse(value)
        except ValueError as error:
            raise ValueError(f"{error}, or permanent") from error
    raise ValueError(f"{shown(value)} is not a period; write for example 7y, or permanent")


RetentionPeriod = Annotated[
    Period | Literal["permanent"],
    PlainValidator(_retention_period),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"const": PERMANENT}, {"type": "string", "pattern": PERIOD_PATTERN}]}
    ),
]


class Retain(RulePart):
    """Keeps every document of the rule from destruction, whichever rule asks for that.

    :param for_: from the anchor on, or ``permanent``.
    :param after: the anchor: a date field, ``metadata.<date>`` or ``event:<type>``.
    """

    for_: RetentionPeriod = Field(alias="for")
    after: Text
    cutoff: Cutoff = Cutoff.NONE


class Review(RulePart):
    """Who must agree before a plan of this rule is applied, one after the other."""

    stages: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")], ...],
        Field(min_length=1, max_length=5),
    ]
    remind: Period | None = None
    timeout: Period | None = None


class Limits(RulePart):
    """The breaker: a run that hits more acts on nothing and asks.

    500 documents or a twentieth of the organization: far above an ordinary night of a first rule,
    far below a disaster. A fraction counts the organization's documents.

    :param per_night: how many documents one night does at most; the rest follows the next night.
        None leaves a night unlimited below the breaker.
    """

    max_documents: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] = 500
    max_fraction: Annotated[StrictFloat, Field(gt=0, le=1)] = 0.05
    per_night: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] | None = None


_A_DAY = date(2000, 1, 1)
"""Periods are compared by where they lead from one day."""


def _short_enough(period: Period | None) -> Period | None:
    longest = Period(years=MAX_EXTENSION_YEARS)
    if period is not None and period.add_to(_A_DAY) > longest.add_to(_A_DAY):
        raise ValueError(f"{period} is longer than the {longest} that anybody may extend")
    return period


class Warnings(RulePart):
    """When people are told beforehand, and whether a DELETE waits until they were.

    :param before: periods before the due date.
    :param required: no DELETE without a warning of that very day that was delivered: accepted, and
        not come back for 72 hours.
    :param keep: how long whoever was warned may keep a document by the link in the warning, counted
        from the day that it names, once. None for the organization's reprieve, 0d for not at all.
    """

    before: Annotated[tuple[Period, ...], Field(min_length=1, max_length=MAX_WARNINGS)]
    required: StrictBool = False
    keep: Annotated[Period | None, AfterValidator(_short_enough)] = None


WARN_LABELS = ("list", "settings")
"""Pydantic names the form of ``warn`` in a place of a fault; the file has no such step."""


def _form_of_warn(value: object) -> str:
    return "settings" if isinstance(value, (dict, Warnings)) else "list"


class UncheckedRule(RulePart):
    """The parts of a rule, each valid; whether they fit together is judged by ``Rule``.

    ``mode`` is simulate unless written: a new rule shows what it would do, and somebody who has
    seen that switches it on. A rule that is wrong is found by reading, not by restoring.
    """

    name: Annotated[str, StringConstraints(pattern=RULE_NAME_PATTERN)]
    description: Text | None = None
    mode: Mode = Mode.SIMULATE
    priority: Annotated[StrictInt, Field(ge=0, le=1000)] = 100
    authority: Text | None = None
    trigger: Trigger
    when: ConditionField | None = None
    retain: Retain | None = None
    warn: Annotated[
        Annotated[tuple[Period, ...], Field(max_length=MAX_WARNINGS), Tag("list")]
        | Annotated[Warnings, Tag("settings")],
        Discriminator(_form_of_warn),
    ] = ()
    review: Review | None = None
    grace: Period = Period(days=30)
    limits: Limits = Limits()
    actions: Annotated[tuple[Action, ...], Field(max_length=MAX_ACTIONS)] = ()

    @property
    def deletes(self) -> bool:
        """Whether the rule destroys: then a missing or malformed value never selects."""
        return any(action.do is ActionType.DELETE for action in self.actions)

    @property
    def archives(self) -> bool:
        """Whether one of the actions is ARCHIVE."""
        return any(action.do is ActionType.ARCHIVE for action in self.actions)

    @property
    def warns_before(self) -> tuple[Period, ...]:
        """How long before the due date people are told, in whichever form that is written."""
        return self.warn.before if isinstance(self.warn, Warnings) else self.warn

    @property
    def keeps_for(self) -> Period | None:
        """How long the link in a warning keeps a document; None for the organization's reprieve."""
        return self.warn.keep if isinstance(self.warn, Warnings) else None

    @property
    def requires_warning(self) -> bool:
        """Whether a DELETE waits until a warning of it was delivered."""
        return isinstance(self.warn, Warnings) and self.warn.required


_KEYS = tuple(UncheckedRule.model_fields)


class Rule(UncheckedRule):
    """A rule whose parts fit together."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        faults = rule_faults(self, metadata_types=None)
        if faults:
            raise ValueError("; ".join(str(fault) for fault in faults))
        return self

    def to_document(self) -> dict[str, Any]:
        """The rule in JSON's types with every default written out.

        This is what a stored version keeps: a later default must not change an old version.
        """
        document: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return document

    def to_source(self) -> dict[str, Any]:
        """The rule in JSON's types as an author writes it: defaults left out, mode always named."""
        source: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {
            key: self.mode.value if key == "mode" else source[key]
            for key in _KEYS
            if key == "mode" or key in source
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Rule:
        """The way back from ``to_document``.

        :raises ConfigurationError: not a rule; names every fault that pydantic sees.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            name = document.get("name")
            raise ConfigurationError(f"stored rule {name!r} cannot be read: {error}") from error

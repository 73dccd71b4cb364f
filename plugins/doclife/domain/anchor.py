"""The date a rule counts from, as SQL over alias ``d`` of ``documents``."""

# ruff: noqa: S608  This module makes SQL; tests parse it and find no text of an author in it.
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.condition_sql import SqlWriter
from doclife.domain.fields import FIELDS, METADATA_PREFIX
from doclife.domain.own_events import is_own
from doclife.domain.rule import Cutoff, Rule, TriggerType
from doclife.domain.rule_checks import EVENT_PREFIX


@dataclass(frozen=True, kw_only=True)
class AnchorWriter:
    """Writes the anchor of one rule: a date field, an event, or neither.

    :param rule_created_at: when this version of the rule was made. A date that moved earlier
        after that does not shorten anything by itself; only a newer version takes it as it is.
    """

    sql_writer: SqlWriter
    rule_created_at: datetime
    cutoff: Cutoff = Cutoff.NONE
    field: str | None = None
    event: str | None = None
    hears_own: bool = False
    """Whether the event is one of doclife's own, which a rule with ON_EVENT listens to."""

    @classmethod
    def of(cls, rule: Rule, *, sql: SqlWriter, rule_created_at: datetime) -> AnchorWriter:
        """The anchor of a rule: what ``retain.after`` names, else what the trigger waits for."""
        field: str | None = None
        event: str | None = None
        cutoff = Cutoff.NONE
        if rule.retain is not None:
            cutoff = rule.retain.cutoff
            if rule.retain.after.startswith(EVENT_PREFIX):
                event = rule.retain.after.removeprefix(EVENT_PREFIX)
            else:
                field = rule.retain.after
        elif rule.trigger.type is TriggerType.ON_EXPIRATION:
            field = "expires_on"
        elif rule.trigger.type is TriggerType.ON_EVENT:
            event = rule.trigger.event
        return cls(
            sql_writer=sql,
            rule_created_at=rule_created_at,
            cutoff=cutoff,
            field=field,
            event=event,
            hears_own=rule.trigger.type is TriggerType.ON_EVENT
            and event == rule.trigger.event
            and is_own(event),
        )

    def sql(self) -> str:
        """The anchor before the cutoff; NULL while it is unknown."""
        if self.field is not None:
            return self._field_sql(self.field)
        if self.event is not None:
            return self._event_sql()
        return "NULL::date"

    @property
    def name(self) -> str | None:
        """What the clock counts from, as a rule writes it; None when nothing does."""
        return self.field if self.event is None else f"{EVENT_PREFIX}{self.event}"

    def as_read(self) -> str:
        """The anchor as the document has it now, floors left out; for explanations."""
        if self.field is None:
            return self.sql()
        return self.sql_writer.field_sql(self.field, "anchor_key")

    def cut_off(self, anchor_on: str) -> str:
        """The day the period is added to. ``::timestamp``: date_trunc must not see a time zone."""
        match self.cutoff:
            case Cutoff.NONE:
                return anchor_on
            case Cutoff.END_OF_MONTH:
                unit = "month"
            case Cutoff.END_OF_YEAR:
                unit = "year"
        return (
            f"(date_trunc('{unit}', {anchor_on}::timestamp) "
            f"+ INTERVAL '1 {unit}' - INTERVAL '1 day')::date"
        )

    def narrowed(self, latest: date) -> str | None:
        """A test every document with an anchor until ``latest`` passes, or None.

        Floors and cutoffs only move an anchor later, so the plain column may be tested.
        """
        if self.field is not None:
            if self.field not in FIELDS or "{" in FIELDS[self.field].sql:
                return None
            return f"{FIELDS[self.field].sql} <= {self._bind_latest(latest)}"
        if self.event is None:
            return None
        if self.hears_own:
            return (
                "d.id IN (SELECT h.document_id FROM heard_events AS h "
                f"WHERE h.type = {self._bind_event()} "
                f"AND h.occurred_on <= {self._bind_latest(latest)})"
            )
        return (
            "d.id IN (SELECT e.document_id FROM events AS e "
            f"WHERE e.type = {self._bind_event()} AND e.is_external AND e.may_start_clocks "
            f"AND e.withdrawn_at IS NULL AND e.occurred_on <= {self._bind_latest(latest)})"
        )

    def _field_sql(self, field: str) -> str:
        value = self.sql_writer.field_sql(field, "anchor_key")
        if not (field.startswith(METADATA_PREFIX) or FIELDS[field].has_floor):
            return value
        name = f"{self.sql_writer.bind('anchor_field', field)}::text"
        created_at = self.sql_writer.bind("rule_created_at", self.rule_created_at)
        # GREATEST skips NULL; the outer test keeps an emptied field unknown all the same.
        return (
            f"(CASE WHEN {value} IS NOT NULL THEN GREATEST({value}, "
            "(SELECT max((given_up ->> 'on')::date) "
            f"FROM jsonb_array_elements(d.anchor_floors -> {name}) AS given_up "
            f"WHERE (given_up ->> 'at')::timestamptz > {created_at}::timestamptz)) END)"
        )

    def _event_sql(self) -> str:
        if self.hears_own:
            return (
                "(SELECT h.occurred_on FROM heard_events AS h "
                f"WHERE h.document_id = d.id AND h.type = {self._bind_event()})"
            )
        # The latest event decides whether the clock runs: withdrawing it stops the clock, also
        # when an earlier one stands. is_external: what doclife itself notes is heard, by ON_EVENT
        # alone.
        return (
            "(SELECT CASE WHEN (array_agg(e.withdrawn_at IS NULL ORDER BY e.id DESC))[1] "
            "THEN max(e.occurred_on) FILTER (WHERE e.withdrawn_at IS NULL) END "
            "FROM events AS e WHERE e.document_id = d.id "
            f"AND e.type = {self._bind_event()} AND e.is_external AND e.may_start_clocks)"
        )

    def _bind_event(self) -> str:
        return f"{self.sql_writer.bind('event', self.event)}::text"

    def _bind_latest(self, latest: date) -> str:
        return f"{self.sql_writer.bind('latest_anchor', latest)}::date"

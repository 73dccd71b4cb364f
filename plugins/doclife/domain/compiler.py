"""A rule as SQL: which documents it hits, when each action is due, and what it protects.

The one compiler of preview, plan, apply and explain. Its text holds our own words, fields of the
closed list and placeholders; everything an author wrote is a parameter.

Dates are DATEs in the organization's zone::

    anchor       -> the date the clock counts from; NULL = not known (yet)
    cutoff       -> the anchor, or the end of its month or year
    retain_until -> cutoff + retain.for; infinity when permanent
    due_on       -> cutoff + (action.after, else retain.for, else 0d) + 1 day: the day after
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.actions import ActionType
from doclife.domain.anchor import AnchorWriter
from doclife.domain.condition import comparisons, to_plain
from doclife.domain.condition_reader import read_condition
from doclife.domain.condition_sql import Purpose, SqlWriter
from doclife.domain.fields import MetadataType
from doclife.domain.fragment import Fragment
from doclife.domain.rule import Rule
from doclife.domain.rule_checks import has_anchor, rule_faults
from doclife.domain.rule_sql import RuleWriter
from doclife.errors import ConfigurationError

__all__ = ["Compiler", "Fragment", "Purpose", "RuleVersion"]

SQL_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""What may stand in a statement's text as a name."""


@dataclass(frozen=True, kw_only=True)
class RuleVersion:
    """A stored version of a rule.

    :param created_at: aware; an anchor that moved earlier after this moment does not shorten.
    """

    rule_id: int
    version_id: int
    version: int
    created_at: datetime
    rule: Rule


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """Compiles one rule version for one day.

    :param metadata_types: everything the organization has declared.
    :param time_zone: the organization's; ``registered_on`` and ``archived_on`` are days there.
    :param as_of: the day to judge for; a date, never a datetime.
    :param prefix: begins the name of every parameter; unique per rule in one statement.
    :raises ConfigurationError: the rule uses metadata that is not declared with a fitting type.
        A rule that cannot be compiled cannot protect either, so nothing may be planned past it.
    """

    rule_version: RuleVersion
    metadata_types: Mapping[str, MetadataType]
    time_zone: str
    as_of: date
    prefix: str = "rule"

    def __post_init__(self) -> None:
        """Refuse what cannot be compiled, before anything is."""
        if not SQL_NAME.fullmatch(self.prefix):
            raise ValueError(f"{self.prefix!r} cannot begin the name of a parameter")
        if type(self.as_of) is not date:
            raise ValueError(f"as_of is a date, not {self.as_of!r}")
        faults = rule_faults(self.rule, metadata_types=self.metadata_types)
        if self.rule.when is not None:
            faults += read_condition(
                to_plain(self.rule.when), metadata_types=self.metadata_types, path=("when",)
            )[1]
        if faults:
            raise ConfigurationError(
                f"rule {self.rule.name} version {self.rule_version.version} cannot be compiled: "
                + "; ".join(str(fault) for fault in faults)
            )

    @property
    def rule(self) -> Rule:
        """The rule that is compiled."""
        return self.rule_version.rule

    @property
    def selection_purpose(self) -> Purpose:
        """STRICT for a rule that deletes, SELECT for every other."""
        return Purpose.STRICT if self.rule.deletes else Purpose.SELECT

    @property
    def has_anchor(self) -> bool:
        """Whether the rule counts from a date; without one its actions are due at once."""
        return has_anchor(self.rule)

    @property
    def anchor_name(self) -> str | None:
        """What the rule counts from: a date field or ``event:<type>``; None without a clock."""
        return self.writer().anchor.name

    # Expressions over alias d ------------------------------------------------------------------

    def condition(self, purpose: Purpose) -> Fragment:
        """The rule's ``when`` as true, false or NULL (unknown); true for a rule without one."""
        writer = self.writer()
        return writer.sql.fragment(writer.condition(purpose))

    def anchor(self) -> Fragment:
        """The date the rule counts from, before its cutoff; NULL when unknown or none."""
        writer = self.writer()
        return writer.sql.fragment(writer.anchor.sql())

    def retain_until(self) -> Fragment:
        """The last day the rule keeps a document; NULL when its anchor is unknown."""
        writer = self.writer()
        return writer.sql.fragment(writer.retain_until(writer.anchor.sql()))

    def due_on(self, action_index: int) -> Fragment:
        """The first day an action may run; NULL (never) while the anchor is unknown."""
        writer = self.writer()
        return writer.sql.fragment(writer.due_on(action_index, writer.anchor.sql()))

    def protection(self) -> Fragment:
        """The last day on which nobody may destroy the document because of this rule.

        NULL when the rule does not retain, or certainly not this document. When its condition or
        its anchor is unknown, it protects (without end, when the anchor is unknown).
        """
        writer = self.writer()
        return writer.sql.fragment(writer.protection(writer.anchor.sql()))

    def narrowing(self, *, due_by: date | None = None) -> Fragment | None:
        """A test that an index can answer and every due document passes; None when there is none.

        Only ever added to the exact test: it is up to four days too wide.
        """
        writer = self.writer()
        text = writer.narrowing(due_by or self.as_of)
        return None if text is None else writer.sql.fragment(text)

    def fields_used(self, action_index: int) -> frozenset[str]:
        """What the action's condition and anchor read, named as in ``field_changed_at``.

        A document is not deleted within days of a change to one of these.
        """
        if not 0 <= action_index < len(self.rule.actions):
            raise IndexError(f"rule {self.rule.name} has no action {action_index}")
        return self.fields_read

    @property
    def fields_read(self) -> frozenset[str]:
        """What the rule's condition and anchor read, whether it acts or only retains."""
        fields: set[str] = set()
        if self.rule.when is not None:
            fields = {located.comparison.field for located in comparisons(self.rule.when)}
        anchor_field = self.writer().anchor.field
        return frozenset(fields if anchor_field is None else {*fields, anchor_field})

    @property
    def events_used(self) -> frozenset[str]:
        """The types of events that start the rule's clock."""
        event = self.writer().anchor.event
        return frozenset() if event is None else frozenset({event})

    # Statements --------------------------------------------------------------------------------

    def hits(
        self,
        *,
        organization_id: int,
        document_ids: Sequence[int] | None = None,
        include_unknown: bool = False,
        due_by: date | None = None,
    ) -> Fragment:
        """A SELECT of the actions that are due, one row per document and action.

        Columns: document_id bigint, action_index integer, action text, matched boolean,
        anchor_on date, retain_until date, due_on date. Holds, limits and other rules' retention
        are not judged here.

        :param document_ids: only these; None for every document of the organization.
        :param include_unknown: also the documents of which it cannot be said, with ``matched``
            NULL: their condition is unknown, or it is true and their anchor is unknown. For
            previews; a plan never acts on them.
        :param due_by: also what is due until this day; None for ``as_of``. ``date.max`` gives
            every date that is known, for warnings and forecasts.
        """
        if not self.rule.actions:
            return Fragment(text=NO_HITS)
        writer = self.writer()
        sql = writer.sql
        until = due_by or self.as_of
        condition = writer.condition(self.selection_purpose)
        actions = ",\n        ".join(
            writer.action_row(index) for index in range(len(self.rule.actions))
        )
        tests = [
            f"d.organization_id = {sql.bind('organization', organization_id)}::bigint",
            "d.status IN ('active', 'archived')",
        ]
        if document_ids is not None:
            ids = sql.bind("document_ids", list(document_ids))
            tests.append(f"d.id = ANY({ids}::bigint[])")
        due_by_text = f"{sql.bind('due_by', until)}::date"
        if include_unknown:
            matched = f"CASE WHEN action.due_on IS NOT NULL THEN {condition} END"
            tests.append(f"{condition} IS NOT FALSE")
            tests.append(f"(action.due_on IS NULL OR action.due_on <= {due_by_text})")
        else:
            matched = "TRUE"
            narrowing = writer.narrowing(until)
            tests.extend([narrowing] if narrowing is not None else [])
            tests.append(condition)
            tests.append(f"action.due_on <= {due_by_text}")
        tests.append("(d.status = 'active' OR NOT action.is_archive)")
        # OFFSET 0 keeps the anchor from being worked out again for every place that names it.
        return sql.fragment(
            "SELECT\n"
            "    d.id AS document_id,\n"
            "    action.action_index,\n"
            "    action.action,\n"
            f"    {matched} AS matched,\n"
            "    anchor.anchor_on,\n"
            f"    {writer.retain_until('anchor.anchor_on')} AS retain_until,\n"
            "    action.due_on\n"
            "FROM documents AS d\n"
            f"CROSS JOIN LATERAL (SELECT {writer.anchor.sql()} AS anchor_on OFFSET 0) AS anchor\n"
            f"CROSS JOIN LATERAL (\n    VALUES\n        {actions}\n"
            ") AS action (action_index, action, is_archive, due_on)\n"
            "WHERE\n    " + "\n    AND ".join(tests)
        )

    def cannot_say(self) -> Fragment:
        """Whether it cannot be said of a document that an action is due: true or false.

        True of the documents that ``hits`` returns with ``matched`` NULL when asked for them. As
        an expression over alias d, for documents that are active or archived: those of many rules
        stand in one statement, which reads the catalogue once.
        """
        if not self.rule.actions:
            return Fragment(text="FALSE")
        writer = self.writer()
        condition = writer.condition(self.selection_purpose)
        anchor, today = writer.anchor.sql(), writer.sql.bound_as_of()
        by_action = []
        for index, action in enumerate(self.rule.actions):
            due_on = writer.due_on(index, anchor)
            test = f"({due_on} IS NULL OR ({condition} IS NULL AND {due_on} <= {today}))"
            is_archive = action.do is ActionType.ARCHIVE
            by_action.append(f"(d.status = 'active' AND {test})" if is_archive else test)
        return writer.sql.fragment(f"({condition} IS NOT FALSE AND ({' OR '.join(by_action)}))")

    def writer(self) -> RuleWriter:
        """Write expressions of the rule, for a statement in which those of others stand too."""
        sql = SqlWriter(
            metadata_types=self.metadata_types,
            time_zone=self.time_zone,
            as_of=self.as_of,
            prefix=self.prefix,
        )
        created_at = self.rule_version.created_at
        return RuleWriter(
            rule=self.rule,
            sql=sql,
            anchor=AnchorWriter.of(self.rule, sql=sql, rule_created_at=created_at),
        )


NO_HITS = (
    "SELECT NULL::bigint AS document_id, NULL::integer AS action_index, NULL::text AS action, "
    "NULL::boolean AS matched, NULL::date AS anchor_on, NULL::date AS retain_until, "
    "NULL::date AS due_on WHERE FALSE"
)

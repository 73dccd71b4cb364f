"""The expressions of one rule as SQL over alias ``d`` of ``documents``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from doclife.domain.actions import ActionType
from doclife.domain.anchor import AnchorWriter
from doclife.domain.condition_sql import ConditionWriter, Purpose, SqlWriter, latest_start
from doclife.domain.duration import Period
from doclife.domain.rule import Rule, TriggerType
from doclife.domain.rule_checks import has_anchor


@dataclass(frozen=True, kw_only=True)
class RuleWriter:
    """Writes the expressions of one rule; their parameters gather in ``sql``.

    ``anchor_on`` is the anchor's expression, or the column it was worked out into.
    """

    rule: Rule
    sql: SqlWriter
    anchor: AnchorWriter

    def condition(self, purpose: Purpose) -> str:
        """The rule's ``when``; true for a rule without one."""
        if self.rule.when is None:
            return "TRUE"
        return ConditionWriter(sql=self.sql, purpose=purpose).write(self.rule.when)

    def retain_until(self, anchor_on: str) -> str:
        """The last day the rule keeps a document; NULL while its anchor is unknown."""
        retain = self.rule.retain
        if retain is None:
            return "NULL::date"
        if not isinstance(retain.for_, Period):
            return "'infinity'::date"
        period = f"{self.sql.bind('retain_for', retain.for_.to_interval())}::interval"
        return f"({self.anchor.cut_off(anchor_on)} + {period})::date"

    def _waiting(self, action_index: int) -> Period | None:
        """How long after the cutoff an action waits; None = for ever (a permanent retention)."""
        after = self.rule.actions[action_index].after
        if after is not None:
            return after
        if self.rule.retain is None:
            return Period()
        return self.rule.retain.for_ if isinstance(self.rule.retain.for_, Period) else None

    def _reacts_at_once(self, action_index: int) -> bool:
        """A message about an event waits for nothing, so it does not wait for the day to pass."""
        action = self.rule.actions[action_index]
        return (
            self.rule.trigger.type is TriggerType.ON_EVENT
            and self.rule.retain is None
            and action.after is None
            and action.do in (ActionType.NOTIFY, ActionType.WEBHOOK)
        )

    def due_on(self, action_index: int, anchor_on: str) -> str:
        """The first day an action may run; NULL while the anchor is unknown."""
        if not has_anchor(self.rule):
            return self.sql.bound_as_of()
        waiting = self._waiting(action_index)
        if waiting is None:
            return f"(CASE WHEN {anchor_on} IS NOT NULL THEN 'infinity'::date END)"
        cut_off = self.anchor.cut_off(anchor_on)
        if self._reacts_at_once(action_index):
            return cut_off
        period = f"{self.sql.bind(f'a{action_index}_after', waiting.to_interval())}::interval"
        return f"(({cut_off} + {period})::date + 1)"

    def action_row(self, index: int) -> str:
        """A row (action_index, action, is_archive, due_on); the anchor is anchor.anchor_on."""
        action = self.rule.actions[index].do
        is_archive = "TRUE" if action is ActionType.ARCHIVE else "FALSE"
        return (
            f"({self.sql.bind(f'a{index}_index', index)}::integer, "
            f"{self.sql.bind(f'a{index}', action.value)}::text, {is_archive}, "
            f"{self.due_on(index, 'anchor.anchor_on')})"
        )

    def protection(self, anchor_on: str) -> str:
        """Until when nobody may destroy the document; NULL when this rule does not mind."""
        if self.rule.retain is None:
            return "NULL::date"
        condition = self.condition(Purpose.STRICT)
        until = self.retain_until(anchor_on)
        return f"(CASE WHEN {condition} IS NOT FALSE THEN COALESCE({until}, 'infinity'::date) END)"

    def narrowing(self, due_by: date) -> str | None:
        """A wider test than the due date's that an index can answer; None when there is none."""
        if not has_anchor(self.rule) or not self.rule.actions:
            return None
        waits = [self._waiting(index) for index in range(len(self.rule.actions))]
        bounds = [latest_start(wait, due_by) for wait in waits if wait is not None]
        known = [bound for bound in bounds if bound is not None]
        if len(known) < len(bounds) or not known:
            return None
        return self.anchor.narrowed(max(known))

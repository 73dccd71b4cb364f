"""The forecast: per document and rule, when each action will fall due.

For lists, the digest and the drift check of the breaker; never trusted for an action.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from doclife.domain.compiler import Compiler
from doclife.domain.condition import comparisons
from doclife.domain.duration import Period
from doclife.domain.fields import PERIOD_OPERATORS
from doclife.domain.protections import protections
from doclife.domain.rule import Rule
from doclife.lifecycle.judging import compilers_for
from doclife.lifecycle.ruling import current_version
from doclife.store import forecasts, organizations, plans, rules
from doclife.store.connection import Connection
from doclife.store.forecasts import ForecastCount, ForecastRecord, ForeseenRule

__all__ = ["Forecast", "ForecastCount", "ForecastRecord", "forecast", "rebuild_dispositions"]

MONTHS_AHEAD = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What the rules of an organization will do, if nothing changes."""

    organization: str
    today: date
    months: Sequence[date]
    """The first day of every month that is shown, this one first."""
    counts: Sequence[ForecastCount]
    """By rule, action and month. What is overdue, later, never or held is apart by ``bucket``."""
    rules: Sequence[ForecastRecord]
    """Each rule with when it was forecast and how many documents it could not judge."""

    @property
    def rebuilt_at(self) -> datetime | None:
        """The oldest moment that the figures are of; None when some rule was never forecast."""
        moments = [rule.rebuilt_at for rule in self.rules if rule.rebuilt_at is not None]
        return min(moments) if moments and len(moments) == len(self.rules) else None


def forecast(
    conn: Connection,
    *,
    organization: str,
    now: datetime,
    months: int = MONTHS_AHEAD,
    rule: str | None = None,
) -> Forecast:
    """Return documents and bytes by action, rule and month, from the last rebuild.

    What a DELETE puts into the trash is a PURGE after the rule's grace period. A document that
    several rules would delete is counted once, for the first; one that is held is counted apart,
    because nobody knows when its hold ends. An ARCHIVE counts even where a DELETE comes sooner.

    :param months: how many, the present one included.
    :raises ConfigurationError: no rule in use has the name ``rule``.
    """
    tenant = organizations.find(conn, organization)
    if rule is not None:
        current_version(conn, organization=organization, name=rule)
    today = tenant.date_of(now)
    shown = [_month(today, ahead) for ahead in range(months + 1)]
    graces = {
        version.version_id: version.rule.grace for version in rules.list_current(conn, tenant.id)
    }
    return Forecast(
        organization=organization,
        today=today,
        months=shown[:-1],
        counts=forecasts.count(
            conn,
            organization_id=tenant.id,
            rule=rule,
            today=today,
            until=shown[-1],
            span_starts=_span_starts([today, *shown[1:]], graces.values()),
            graces={version_id: grace.to_interval() for version_id, grace in graces.items()},
        ),
        rules=forecasts.list_records(conn, organization_id=tenant.id, rule=rule),
    )


def rebuild_dispositions(
    conn: Connection, *, now: datetime, as_of: datetime, organization: str | None = None
) -> int:
    """Compute the due dates of every rule in use anew, and return how many there are.

    One transaction per organization: readers see the old forecast until the new one is whole. Only
    what differs from the old one is written, so that a night's writing grows with what the day has
    changed and not with the catalogue. Two calls at once come one after the other.

    :param as_of: aware; conditions such as ``older_than`` are judged on its day.
    """
    found = (
        [organizations.find(conn, organization)] if organization else organizations.list_all(conn)
    )
    total = 0
    for tenant in found:
        with conn.transaction():
            forecasts.begin_foreseeing(conn, tenant.id)
            compilers = compilers_for(
                rules.list_current(conn, tenant.id),
                organization=tenant,
                metadata_types=organizations.metadata_types(conn, tenant.id),
                as_of=tenant.date_of(as_of),
            )
            for compiler in compilers:
                total += forecasts.foresee(
                    conn,
                    rule_version_id=compiler.rule_version.version_id,
                    hits=compiler.hits(organization_id=tenant.id, due_by=date.max),
                )
            foreseen = _beside_their_dates(conn, compilers, organization_id=tenant.id)
            forecasts.resolve(conn, protections=protections(compilers, candidates="candidates"))
            forecasts.store(conn, foreseen, organization_id=tenant.id, now=now)
    return total


def _beside_their_dates(
    conn: Connection, compilers: Sequence[Compiler], *, organization_id: int
) -> list[ForeseenRule]:
    deleting = [compiler for compiler in compilers if compiler.rule.deletes]
    counts = plans.count_unknown(
        conn, [compiler.cannot_say() for compiler in deleting], organization_id=organization_id
    )
    unknown = {
        compiler.rule_version.version_id: count
        for compiler, count in zip(deleting, counts, strict=True)
    }
    return [
        ForeseenRule(
            rule_version_id=compiler.rule_version.version_id,
            unknown_count=unknown.get(compiler.rule_version.version_id, 0),
            following=_following(conn, compiler, organization_id=organization_id),
        )
        for compiler in compilers
    ]


def _following(
    conn: Connection, compiler: Compiler, *, organization_id: int
) -> tuple[date, int] | None:
    if not selects_by_the_day(compiler.rule, has_anchor=compiler.has_anchor):
        return None
    tomorrow = compiler.as_of + timedelta(days=1)
    hits = replace(compiler, as_of=tomorrow).hits(organization_id=organization_id)
    return tomorrow, forecasts.count_due(conn, hits)


def selects_by_the_day(rule: Rule, *, has_anchor: bool) -> bool:
    """Whether which documents a rule selects depends on the day it is asked.

    Its dates then say what it selects today, not what it will select.
    """
    if not has_anchor:
        return True
    return rule.when is not None and any(
        located.comparison.operator in PERIOD_OPERATORS for located in comparisons(rule.when)
    )


def _span_starts(starts: Sequence[date], graces: Iterable[Period]) -> list[date]:
    """Today, and each day from which on an action or the purge after it comes into another month.

    :param starts: today, and the first days of later months; what is overdue goes today.
    """
    purges = {grace.first_start_reaching(start) for grace in set(graces) for start in starts}
    return sorted({*starts, *(day for day in purges if day > starts[0])})


def _month(day: date, ahead: int) -> date:
    """The first day of the month so many months after that of ``day``."""
    month = day.year * 12 + day.month - 1 + ahead
    return date(month // 12, month % 12 + 1, 1)

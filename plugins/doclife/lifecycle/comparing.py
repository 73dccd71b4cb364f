"""The difference that a new version of a rule makes, over every document, before it is in force.

Both versions are compiled by the one compiler and judged by the one judging, in sets and in
working tables; nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.compiler import NO_HITS, Compiler, Fragment, RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.protections import protections
from doclife.domain.rule import Mode, Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.catching import catch_in_plan
from doclife.lifecycle.due import warning_actions
from doclife.lifecycle.judging import compilers_for, contexts_of, resolve
from doclife.lifecycle.night import Night, refuse_naive
from doclife.store import comparisons, organizations, plans, rules
from doclife.store.comparisons import ChangeCount, ChangedDocument, JudgedCount
from doclife.store.connection import Connection

__all__ = ["ChangeCount", "ChangedDocument", "Impact", "JudgedCount", "compare_versions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Impact:
    """What changes for documents when one version of a rule takes the place of another."""

    rule: str
    before: str | None
    """``name@version``; None when there is none, or it is off."""
    after: str | None
    before_mode: Mode | None
    after_mode: Mode | None
    as_of: datetime
    today: date
    is_ahead: bool
    """Whether the moment lies ahead. Holds and reprieve are those of the present all the same."""
    changes: Sequence[ChangeCount]
    sample: Sequence[ChangedDocument]
    judged_before: Sequence[JudgedCount]
    """What judging says that day of what is due, all other rules and holds considered."""
    judged_after: Sequence[JudgedCount]
    unknown_before: int
    """Documents that it cannot judge, because a value is missing or malformed; they are kept."""
    unknown_after: int


def find_stored(
    conn: Connection, *, organization: str, name: str, version: int | None = None
) -> RuleVersion:
    """Return a stored version of a rule, the newest when none is named.

    :raises ConfigurationError: there is none.
    """
    tenant = organizations.find(conn, organization)
    rows = rules.list_versions(conn, tenant.id, name)
    for row in rows:
        if version is None or row["version"] == version:
            return RuleVersion(
                rule_id=0,
                version_id=row["version_id"],
                version=row["version"],
                created_at=row["created_at"],
                rule=Rule.from_document(row["definition"]),
            )
    known = ", ".join(str(row["version"]) for row in reversed(rows)) or "none"
    raise ConfigurationError(
        f"there is no version {version or ''} of rule {name!r}. Versions: {known}.".replace(
            "version  of", "version of"
        )
    )


def candidate(conn: Connection, *, organization: str, rule: Rule, now: datetime) -> RuleVersion:
    """Return a rule as the version it would be, were it applied now."""
    tenant = organizations.find(conn, organization)
    rows = rules.list_versions(conn, tenant.id, rule.name)
    number = rows[0]["version"] + 1 if rows else 1
    return RuleVersion(rule_id=0, version_id=0, version=number, created_at=now, rule=rule)


def compare_versions(
    conn: Connection,
    *,
    organization: str,
    before: RuleVersion | None,
    after: RuleVersion | None,
    as_of: datetime,
    now: datetime,
    size: int = 5,
) -> Impact:
    """Return what changes when ``after`` takes the place of ``before``; nothing is stored.

    :param before: None when there is no such rule; a version that is off does nothing either.
    :param as_of: aware; may lie ahead.
    :param size: how many documents to show of each kind of change.
    """
    refuse_naive(now=now, as_of=as_of)
    named = after or before
    if named is None:
        raise ConfigurationError("nothing to compare: name at least one version")
    tenant = organizations.find(conn, organization)
    night = Night(
        organization=tenant,
        now=now,
        as_of=as_of,
        dag_id="compare",
        run_id="compare",
        requested_by="compare",
    )
    types = organizations.metadata_types(conn, tenant.id)
    old = _compiler(before, night, types, prefix="before")
    new = _compiler(after, night, types, prefix="after")
    # Rolled back: a matter may catch documents while they are judged, as it would in a plan.
    with conn.transaction(force_rollback=True):
        others = compilers_for(
            [
                one
                for one in rules.list_current(conn, tenant.id)
                if one.rule.name != named.rule.name
            ],
            organization=tenant,
            metadata_types=types,
            as_of=night.today,
        )
        comparisons.begin(conn)
        comparisons.collect_due(
            conn, _hits(old, tenant.id), _hits(new, tenant.id), today=night.today
        )
        comparisons.collect_retained(
            conn,
            protections([old] if old else []),
            protections([new] if new else []),
            organization_id=tenant.id,
            today=night.today,
        )
        return Impact(
            rule=named.rule.name,
            before=_label(before, old),
            after=_label(after, new),
            before_mode=before.rule.mode if before else None,
            after_mode=after.rule.mode if after else None,
            as_of=as_of,
            today=night.today,
            is_ahead=as_of > now,
            changes=comparisons.count_changes(conn),
            sample=comparisons.list_changes(conn, size=size),
            judged_before=_judge(conn, night, old, others),
            judged_after=_judge(conn, night, new, others),
            unknown_before=_unknown(conn, old, tenant.id),
            unknown_after=_unknown(conn, new, tenant.id),
        )


def _compiler(
    version: RuleVersion | None, night: Night, types: dict[str, MetadataType], *, prefix: str
) -> Compiler | None:
    if version is None or version.rule.mode is Mode.OFF:
        return None
    return Compiler(
        rule_version=version,
        metadata_types=types,
        time_zone=night.organization.time_zone,
        as_of=night.today,
        prefix=prefix,
    )


def _hits(compiler: Compiler | None, organization_id: int) -> Fragment:
    if compiler is None:
        return Fragment(text=NO_HITS)
    return compiler.hits(organization_id=organization_id, due_by=date.max)


def _label(version: RuleVersion | None, compiler: Compiler | None) -> str | None:
    return f"{version.rule.name}@{version.version}" if version and compiler else None


def _judge(
    conn: Connection, night: Night, compiler: Compiler | None, others: Sequence[Compiler]
) -> list[JudgedCount]:
    """What a night does with what is due, were this the version in force."""
    if compiler is None or not compiler.rule.actions:
        return []
    plans.begin_collecting(conn)
    version = compiler.rule_version
    plans.collect_hits(
        conn,
        plan_id=version.version_id,
        rule_version_id=version.version_id,
        hits=compiler.hits(organization_id=night.organization.id),
        skip_actions=warning_actions(version),
    )
    contexts = contexts_of(version.version_id, compiler, is_enforced=False)
    catch_in_plan(conn, night.organization, now=night.now, actor=night.requested_by)
    resolve(conn, night, contexts, [*others, compiler])
    return comparisons.count_judgements(conn)


def _unknown(conn: Connection, compiler: Compiler | None, organization_id: int) -> int:
    if compiler is None or not compiler.rule.deletes:
        return 0
    [count] = plans.count_unknown(conn, [compiler.cannot_say()], organization_id=organization_id)
    return count

"""Rules come into force: a file is validated whole, compared, and stored as new versions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from doclife.domain.actions import ArchiveAction
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import Mode, Rule
from doclife.domain.rule_file import RuleFile, dump_rules, load_rules, named_organization
from doclife.errors import ConfigurationError
from doclife.lifecycle.scheduling import keep_rule_schedules
from doclife.lifecycle.stores import require_stores
from doclife.store import audit, organizations, rules
from doclife.store.connection import Connection


class ChangeKind(StrEnum):
    """What applying a file would do to one rule."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleChange:
    """One rule of a file, compared with the current version in the database."""

    name: str
    kind: ChangeKind
    before: str | None
    """The current version as canonical YAML; None when the rule is new."""
    after: str
    version: int
    """The number of the version that is, or would be, current."""


def compare_rule_file(
    conn: Connection, *, text: str, file: str, organization: str | None = None
) -> list[RuleChange]:
    """Validate a rule file and say what applying it would change; nothing is stored.

    :raises RuleFileError: every fault of the file at once, with line and suggestion.
    """
    return [change for change, _rule in _compare(conn, text, file, organization)[1]]


def apply_rule_file(
    conn: Connection,
    *,
    text: str,
    file: str,
    author: str,
    now: datetime,
    organization: str | None = None,
    commit: str | None = None,
) -> list[RuleChange]:
    """Make the rules of a file the current ones, each change as a new immutable version.

    Rules that did not change get no new version, so a second call changes nothing. Rules that
    are in the database but not in the file stay as they are; removing one is a command of its own.

    :param author: who is responsible, as in the audit trail; cannot approve the rule's plans.
    :param organization: used when the file does not name one; else ``default``.
    :raises RuleFileError: every fault of the file at once, with line and suggestion.
    :raises ConfigurationError: a rule that is not off archives into a store that is not registered.
    """
    with conn.transaction():
        rule_file = load_file(conn, text=text, file=file, organization=organization)
        tenant = organizations.find(conn, _organization_of(rule_file, organization))
        organizations.lock_rules(conn, tenant.id, shared=False)
        rule_file, compared = _compare(conn, text, file, organization)
        _check_stores(conn, rule_file)
        organizations.declare_metadata(conn, tenant.id, rule_file.metadata_fields)
        for change, rule in compared:
            if change.kind is ChangeKind.UNCHANGED:
                continue
            version = rules.add_version(
                conn,
                organization_id=tenant.id,
                rule=rule,
                source=change.after,
                author=author,
                commit=commit,
                now=now,
            )
            audit.record(
                conn,
                organization_id=tenant.id,
                at=now,
                actor=author,
                rule=f"{rule.name}@{version.version}",
                action=f"rule.{change.kind}",
                reason=f"applied from {file}",
                details={"mode": str(rule.mode), "commit": commit},
            )
        keep_rule_schedules(conn, tenant, actor=author, now=now)
        return [change for change, _rule in compared]


def load_file(
    conn: Connection, *, text: str, file: str, organization: str | None = None
) -> RuleFile:
    """Validate a rule file against what its organization has declared.

    :param organization: used when the file does not name one; else ``default``.
    """
    # The file itself says which organization, and what others declared is none of its business.
    tenant = organizations.find(conn, named_organization(text) or organization or "default")
    return load_rules(text, file=file, metadata_types=organizations.metadata_types(conn, tenant.id))


def remove_rule(
    conn: Connection, *, organization: str, name: str, actor: str, now: datetime
) -> None:
    """Take a rule out of use: it neither acts nor retains any more. Its history stays.

    :raises ConfigurationError: no rule of that name is in use.
    """
    with conn.transaction():
        tenant = organizations.find(conn, organization)
        organizations.lock_rules(conn, tenant.id, shared=False)
        if not rules.remove(conn, organization_id=tenant.id, name=name, now=now):
            raise unknown_rule(conn, tenant.id, name)
        audit.record(
            conn,
            organization_id=tenant.id,
            at=now,
            actor=actor,
            rule=name,
            action="rule.removed",
            reason="removed by request",
        )
        keep_rule_schedules(conn, tenant, actor=actor, now=now)


def export_rules(conn: Connection, *, organization: str) -> str:
    """Return every rule in use as one canonical rule file, ready for git."""
    tenant = organizations.find(conn, organization)
    versions = rules.list_current(conn, tenant.id, with_off=True)
    return dump_rules(
        RuleFile(
            organization=tenant.slug,
            metadata_fields=organizations.metadata_types(conn, tenant.id),
            rules=tuple(version.rule for version in versions),
        )
    )


def current_version(conn: Connection, *, organization: str, name: str) -> RuleVersion:
    """Return the current version of a rule, also of one that is off."""
    tenant = organizations.find(conn, organization)
    for version in rules.list_current(conn, tenant.id, with_off=True):
        if version.rule.name == name:
            return version
    raise unknown_rule(conn, tenant.id, name)


def unknown_rule(conn: Connection, organization_id: int, name: str) -> ConfigurationError:
    """Return the error for a name that no rule in use has."""
    versions = rules.list_current(conn, organization_id, with_off=True)
    known = ", ".join(version.rule.name for version in versions) or "none yet"
    return ConfigurationError(f"there is no rule {name!r} in use. Rules: {known}.")


def _compare(
    conn: Connection, text: str, file: str, organization: str | None
) -> tuple[RuleFile, list[tuple[RuleChange, Rule]]]:
    rule_file = load_file(conn, text=text, file=file, organization=organization)
    tenant = organizations.find(conn, _organization_of(rule_file, organization))
    current = {
        version.rule.name: version for version in rules.list_current(conn, tenant.id, with_off=True)
    }
    compared = []
    for rule in rule_file.rules:
        known = current.get(rule.name)
        if known is None:
            versions = rules.list_versions(conn, tenant.id, rule.name)
            kind, number = ChangeKind.ADDED, versions[0]["version"] + 1 if versions else 1
        elif known.rule == rule:
            kind, number = ChangeKind.UNCHANGED, known.version
        else:
            kind, number = ChangeKind.CHANGED, known.version + 1
        change = RuleChange(
            name=rule.name,
            kind=kind,
            before=_as_yaml(known.rule) if known else None,
            after=_as_yaml(rule),
            version=number,
        )
        compared.append((change, rule))
    return rule_file, compared


def _check_stores(conn: Connection, rule_file: RuleFile) -> None:
    require_stores(
        conn,
        {
            f"rule {rule.name}": action.with_.store
            for rule in rule_file.rules
            for action in rule.actions
            if rule.mode is not Mode.OFF and isinstance(action, ArchiveAction)
        },
    )


def _as_yaml(rule: Rule) -> str:
    return dump_rules(RuleFile(organization=None, metadata_fields={}, rules=(rule,)))


def _organization_of(rule_file: RuleFile, given: str | None) -> str:
    return rule_file.organization or given or "default"

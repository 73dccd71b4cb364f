"""One rule is made, changed, switched or copied by a person who looks at it.

What is stored goes the way of rule files (``ruling.apply_rule_file``), so that a rule that was made
in a form and one that came from git cannot differ.
"""

from collections.abc import Mapping
from datetime import datetime

from doclife.domain.compiler import RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.rule import Mode, Rule
from doclife.domain.rule_file import RuleFile, dump_rules
from doclife.errors import RefusedError
from doclife.lifecycle.ruling import RuleChange, apply_rule_file, current_version
from doclife.store import organizations, rules
from doclife.store.connection import Connection


def save_rule(
    conn: Connection,
    *,
    organization: str,
    rule: Rule,
    based_on: int | None,
    author: str,
    now: datetime,
    metadata_fields: Mapping[str, MetadataType] | None = None,
    origin: str = "the dashboard",
) -> RuleChange:
    """Bring one rule into force as a new version, unless it is the same as before.

    :param based_on: the version that the author has seen; None for a new rule. Two people who edit
        one rule at a time do not overwrite each other: the second is told.
    :param metadata_fields: what the rule needs declared beside what is.
    :param origin: where it comes from, for the audit trail.
    :raises RefusedError: there is another version by now, or a rule of that name.
    """
    with conn.transaction():
        tenant = organizations.find(conn, organization)
        organizations.lock_rules(conn, tenant.id, shared=False)
        known = _in_use(conn, tenant.id, rule.name)
        if based_on is None and known is not None:
            raise RefusedError(
                f"there is a rule {rule.name!r} already, in version {known.version}. "
                "Choose another name, or edit that one."
            )
        if based_on is not None and (known is None or known.version != based_on):
            became = "taken out of use" if known is None else f"changed to version {known.version}"
            raise RefusedError(
                f"rule {rule.name!r} was {became} while you edited version {based_on}. "
                "Nothing was saved: look at it as it is now, and change that."
            )
        text = dump_rules(
            RuleFile(organization=tenant.slug, metadata_fields=metadata_fields or {}, rules=(rule,))
        )
        (change,) = apply_rule_file(conn, text=text, file=origin, author=author, now=now)
        return change


def switch_mode(
    conn: Connection,
    *,
    organization: str,
    name: str,
    mode: Mode,
    based_on: int,
    author: str,
    now: datetime,
) -> RuleChange:
    """Let a rule be off, simulate or enforce: a new version that differs in nothing else.

    :param based_on: the version that the author has seen.
    """
    version = current_version(conn, organization=organization, name=name)
    rule = version.rule.model_copy(update={"mode": mode})
    return save_rule(
        conn, organization=organization, rule=rule, based_on=based_on, author=author, now=now
    )


def copy_of(conn: Connection, *, organization: str, rule: Rule) -> Rule:
    """Return the rule under a name that no other has, as a draft that only simulates."""
    tenant = organizations.find(conn, organization)
    names = {version.rule.name for version in rules.list_current(conn, tenant.id, with_off=True)}
    stem = rule.name[:50]
    candidates = (f"{stem}-copy{number}" for number in ["", *map(str, range(2, 2000))])
    name = next(name for name in candidates if name not in names)
    return rule.model_copy(update={"name": name, "mode": Mode.SIMULATE})


def _in_use(conn: Connection, organization_id: int, name: str) -> RuleVersion | None:
    versions = rules.list_current(conn, organization_id, with_off=True)
    return next((version for version in versions if version.rule.name == name), None)

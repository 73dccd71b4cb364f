"""The linter of rules beside the catalogue: what is in force, and what documents really have."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.condition import comparisons
from doclife.domain.faults import Path
from doclife.domain.lint_file import LintedFile, LocatedFinding, locate, read_for_lint
from doclife.domain.lint_finding import Code, Finding, Severity
from doclife.domain.rule import Rule
from doclife.domain.rule_file import named_organization
from doclife.domain.rule_lint import lacks_index
from doclife.domain.rule_set_lint import lint_rules
from doclife.domain.value_count import fields_asked, value_counts
from doclife.lifecycle.judging import compilers_for
from doclife.store import organizations, rule_lints, rules
from doclife.store.connection import Connection

OFTEN_MISSING = 0.05
"""From this share on, a missing value is no exception."""
LARGE = 100_000
"""Documents that take a moment to be read one by one."""


def lint_against_catalogue(
    conn: Connection, *, texts: Sequence[tuple[str, str]], organization: str, now: datetime
) -> list[LocatedFinding]:
    """Lint rule files together with the rules in force and with what documents have.

    :param texts: (file, text) of each rule file.
    :param organization: used by files that name none.
    :raises RuleFileError: a file has faults.
    """
    by_slug: dict[str, list[LintedFile]] = {}
    for file, text in texts:
        slug = named_organization(text) or organization
        tenant = organizations.find(conn, slug)
        types = organizations.metadata_types(conn, tenant.id)
        by_slug.setdefault(slug, []).append(read_for_lint(text, file=file, metadata_types=types))
    located: list[LocatedFinding] = []
    for slug, files in by_slug.items():
        located += _lint_organization(conn, slug=slug, files=files, now=now)
    return located


def lint_draft(conn: Connection, *, organization: str, rule: Rule) -> list[Finding]:
    """Return what is probably not meant in a rule that somebody writes, beside those in force.

    What documents really have is not asked: that takes longer than typing.
    """
    tenant = organizations.find(conn, organization)
    others = [
        version.rule
        for version in rules.list_current(conn, tenant.id)
        if version.rule.name != rule.name
    ]
    return [finding for finding in lint_rules([rule, *others]) if finding.rule == rule.name]


def _lint_organization(
    conn: Connection, *, slug: str, files: Sequence[LintedFile], now: datetime
) -> list[LocatedFinding]:
    tenant = organizations.find(conn, slug)
    written = [rule for one in files for rule in one.rules]
    names = {rule.name for rule in written}
    in_force = [
        version.rule
        for version in rules.list_current(conn, tenant.id)
        if version.rule.name not in names
    ]
    types = organizations.metadata_types(conn, tenant.id)
    for one in files:
        types |= one.content.metadata_fields
    compilers = compilers_for(
        [
            RuleVersion(rule_id=at, version_id=at, version=1, created_at=now, rule=rule)
            for at, rule in enumerate(written)
        ],
        organization=tenant,
        metadata_types=types,
        as_of=tenant.date_of(now),
    )
    indexed = rule_lints.list_indexed_columns(conn)
    found = lint_rules([*written, *in_force])
    for compiler in compilers:
        found += _ask_catalogue(conn, compiler, organization_id=tenant.id, indexed=indexed)
    return locate(files, found)


def _ask_catalogue(
    conn: Connection, compiler: Compiler, *, organization_id: int, indexed: frozenset[str]
) -> Iterator[Finding]:
    rule = compiler.rule
    counted = rule_lints.count_values(conn, value_counts(compiler, organization_id=organization_id))
    if counted.documents and not counted.concerned:
        yield Finding(
            code=Code.MATCHES_NOTHING,
            severity=Severity.INFO,
            rule=rule.name,
            path=("when",),
            what=f"none of {counted.documents:,} documents fulfils the condition today",
            why="a misspelt value looks like this, and so does a rule for what is yet to come",
            fix="compare the values with doclife documents list",
        )
    for name, missing in zip(fields_asked(compiler), counted.missing, strict=True):
        if missing and missing >= OFTEN_MISSING * counted.concerned:
            path = _where(rule, name)
            yield Finding(
                code=Code.OFTEN_MISSING,
                severity=Severity.WARNING,
                rule=rule.name,
                path=path,
                what=f"{name} is missing or malformed in {missing:,} of {counted.concerned:,} "
                "documents that the rule is about or cannot judge",
                why="without the date that it counts from a document is retained without end"
                if path[0] == "retain"
                else "what is unknown is kept: the rule never acts on these documents",
                fix="fill the values in, or ask for something that the documents have",
            )
    if counted.documents >= LARGE and rule.actions and lacks_index(rule, indexed=indexed):
        yield Finding(
            code=Code.NO_INDEX,
            severity=Severity.INFO,
            rule=rule.name,
            path=("when",),
            what=f"no index leads to its documents: all {counted.documents:,} are read every night",
            why="a night takes seconds longer for every such rule",
            fix=f"add a comparison of one of {', '.join(sorted(indexed))}",
        )


def _where(rule: Rule, name: str) -> Path:
    if rule.retain is not None and rule.retain.after == name:
        return ("retain", "after")
    assert rule.when is not None  # nothing else asks for a value
    located = comparisons(rule.when, path=("when",))
    return next(one.path for one in located if one.comparison.field == name)

"""How often a rule's values are missing, as SQL over an organization's documents."""

# ruff: noqa: S608  This module makes SQL; its text holds our own words and placeholders only.
from __future__ import annotations

from doclife.domain.compiler import Compiler
from doclife.domain.condition import comparisons
from doclife.domain.condition_sql import ConditionWriter, SqlWriter
from doclife.domain.fields import NULLNESS
from doclife.domain.fragment import Fragment
from doclife.domain.rule_checks import EVENT_PREFIX


def fields_asked(compiler: Compiler) -> tuple[str, ...]:
    """The fields whose absence hides a document from the rule, in the order they are written.

    A field that is itself asked for its absence does not count, nor an event: waiting for it is
    what such a rule does.
    """
    rule = compiler.rule
    found = [] if rule.when is None else [one.comparison for one in comparisons(rule.when)]
    asked = [one.field for one in found if one.operator not in NULLNESS]
    if rule.retain is not None and not rule.retain.after.startswith(EVENT_PREFIX):
        asked.append(rule.retain.after)
    nullable = {one.field for one in found if one.operator in NULLNESS}
    return tuple(name for name in dict.fromkeys(asked) if name not in nullable)


def value_counts(compiler: Compiler, *, organization_id: int) -> Fragment:
    """A SELECT of one row about the organization's active and archived documents.

    Columns: documents bigint; concerned bigint (the condition is true or unknown); missing
    bigint[], per field of ``fields_asked`` the concerned without a readable value.
    """
    sql = SqlWriter(
        metadata_types=compiler.metadata_types,
        time_zone=compiler.time_zone,
        as_of=compiler.as_of,
        prefix=compiler.prefix,
    )
    condition = "TRUE"
    if compiler.rule.when is not None:
        condition = ConditionWriter(sql=sql, purpose=compiler.selection_purpose).write(
            compiler.rule.when
        )
    missing = [
        f"count(*) FILTER (WHERE chosen.is_met IS NOT FALSE AND {sql.field_sql(name, f'f{at}')} "
        "IS NULL)"
        for at, name in enumerate(fields_asked(compiler))
    ]
    return sql.fragment(
        "SELECT count(*) AS documents, "
        "count(*) FILTER (WHERE chosen.is_met IS NOT FALSE) AS concerned, "
        f"ARRAY[{', '.join(missing)}]::bigint[] AS missing "
        "FROM documents AS d "
        f"CROSS JOIN LATERAL (SELECT {condition} AS is_met OFFSET 0) AS chosen "
        f"WHERE d.organization_id = {sql.bind('organization', organization_id)}::bigint "
        "AND d.status IN ('active', 'archived')"
    )

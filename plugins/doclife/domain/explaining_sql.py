"""Compiles what all rules together say of one document: their comparisons, and their clocks.

Both are one SELECT over one row, with a line of a VALUES list for each rule. A SELECT for each rule
would be planned for each rule: with a hundred of them that took PostgreSQL six times as long.
"""

from collections.abc import Sequence

from doclife.domain.compiler import Compiler
from doclife.domain.condition import comparisons
from doclife.domain.condition_sql import ConditionWriter
from doclife.domain.fields import FIELDS, FieldType
from doclife.domain.fragment import Fragment, merged_parameters

_NO_COMPARISONS = (
    "SELECT NULL::bigint AS rule_version_id, NULL::integer AS position, NULL::text AS actual, "
    "NULL::boolean AS is_met WHERE FALSE"
)


def answers(compilers: Sequence[Compiler], *, document_id: int) -> Fragment:
    """A SELECT of every comparison of the rules for one document.

    Columns: rule_version_id bigint, position integer (in the order written), actual text, is_met
    boolean (NULL = unknown). What is compared with what is in the rule.

    :param compilers: each with its own prefix.
    """
    lines = [line for compiler in compilers for line in _answers_of(compiler)]
    if not lines:
        return Fragment(text=_NO_COMPARISONS)
    document = _document(compilers[0], document_id)
    return Fragment(
        text=(
            "SELECT met.rule_version_id, met.position, met.actual, met.is_met\n"
            "FROM documents AS d\n"
            "CROSS JOIN LATERAL (\n    VALUES\n        "
            + ",\n        ".join(line.text for line in lines)
            + "\n) AS met (rule_version_id, position, actual, is_met)\n"
            f"WHERE d.id = {document.text}"
        ),
        parameters=merged_parameters(document, *lines),
    )


def clocks(compilers: Sequence[Compiler], *, document_id: int) -> Fragment:
    """A SELECT of one row for each rule: how its clock runs for one document.

    Columns: rule_version_id bigint, is_met boolean (NULL = unknown), anchor_read date (as the
    document has it now), anchor_on date (not before what it was moved from), cutoff_on date,
    retain_until date, protected_until date, due_on date[] (one per action).

    :param compilers: each with its own prefix.
    :raises ValueError: there is none: a SELECT of no rows has no columns either.
    """
    if not compilers:
        raise ValueError("no rule has no clock")
    anchors = [compiler.anchor() for compiler in compilers]
    lines = [_clock_of(compiler, place) for place, compiler in enumerate(compilers, start=1)]
    document = _document(compilers[0], document_id)
    # OFFSET 0 keeps each anchor from being worked out again for every place that names it.
    return Fragment(
        text=(
            "SELECT\n    clock.rule_version_id,\n    clock.is_met,\n    clock.anchor_read,\n"
            "    clock.anchor_on,\n    clock.cutoff_on,\n    clock.retain_until,\n"
            "    clock.protected_until,\n    clock.due_on\n"
            "FROM documents AS d\n"
            "CROSS JOIN LATERAL (\n    SELECT ARRAY[\n        "
            + ",\n        ".join(anchor.text for anchor in anchors)
            + "\n    ]::date[] AS days OFFSET 0\n) AS anchor\n"
            "CROSS JOIN LATERAL (\n    VALUES\n        "
            + ",\n        ".join(line.text for line in lines)
            + "\n) AS clock (rule_version_id, is_met, anchor_read, anchor_on, cutoff_on, "
            "retain_until, protected_until, due_on)\n"
            f"WHERE d.id = {document.text}"
        ),
        parameters=merged_parameters(document, *anchors, *lines),
    )


def _document(compiler: Compiler, document_id: int) -> Fragment:
    sql = compiler.writer().sql
    return sql.fragment(f"{sql.bind('document_id', document_id)}::bigint")


def _answers_of(compiler: Compiler) -> list[Fragment]:
    if compiler.rule.when is None:
        return []
    sql = compiler.writer().sql
    version = sql.bind("version", compiler.rule_version.version_id)
    writer = ConditionWriter(sql=sql, purpose=compiler.selection_purpose)
    rows = []
    for position, located in enumerate(comparisons(compiler.rule.when)):
        is_met = writer.write(located.comparison)
        actual = f"({writer.field(located.comparison.field)})::text"
        known = FIELDS.get(located.comparison.field)
        if known is not None and known.type is FieldType.TEXT_LIST:
            actual = f"array_to_string({writer.field(located.comparison.field)}, ', ')"
        place = sql.bind(f"e{position}", position)
        rows.append(sql.fragment(f"({version}::bigint, {place}::integer, {actual}, {is_met})"))
    return rows


def _clock_of(compiler: Compiler, place: int) -> Fragment:
    writer = compiler.writer()
    sql = writer.sql
    anchor_on = f"anchor.days[{sql.bind('place', place)}::integer]"
    due_on = ", ".join(
        writer.due_on(index, anchor_on) for index in range(len(compiler.rule.actions))
    )
    return sql.fragment(
        f"({sql.bind('version', compiler.rule_version.version_id)}::bigint, "
        f"{writer.condition(compiler.selection_purpose)}, {writer.anchor.as_read()}, "
        f"{anchor_on}, {writer.anchor.cut_off(anchor_on)}, {writer.retain_until(anchor_on)}, "
        f"{writer.protection(anchor_on)}, ARRAY[{due_on}]::date[])"
    )

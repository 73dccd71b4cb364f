"""Compiles what all rules together keep: the longest protection of each candidate."""

# ruff: noqa: S608  This module makes SQL; tests parse it and find no text of an author in it.

from collections.abc import Sequence

from doclife.domain.compiler import SQL_NAME, Compiler
from doclife.domain.fragment import Fragment, merged_parameters

_NO_PROTECTIONS = (
    "SELECT NULL::bigint AS document_id, NULL::bigint AS rule_version_id, "
    "NULL::date AS retain_until WHERE FALSE"
)


def protections(compilers: Sequence[Compiler], *, candidates: str = "candidates") -> Fragment:
    """A SELECT of the longest protection of each candidate by any of the rules.

    Columns: document_id bigint, rule_version_id bigint, retain_until date (infinity = without
    end). A document without a row is protected by none of the rules. Equally long protections
    are told apart by priority, then by name.

    :param compilers: every rule that is not off, whatever it does, each with its own prefix.
    :param candidates: name of a relation with a column ``document_id``, each document once.
    """
    if not SQL_NAME.fullmatch(candidates):
        raise ValueError(f"{candidates!r} is not the name of a relation")
    # Sorted, the first of equally long protections is the one that the tie-break wants.
    retaining = sorted(
        (compiler for compiler in compilers if compiler.rule.retain is not None),
        key=lambda compiler: (compiler.rule.priority, compiler.rule.name),
    )
    if not retaining:
        return Fragment(text=_NO_PROTECTIONS)
    each = [compiler.protection() for compiler in retaining]
    versions_name = f"{retaining[0].prefix}_protecting_versions"
    version_ids = [compiler.rule_version.version_id for compiler in retaining]
    versions = Fragment(
        text=f"%({versions_name})s::bigint[]", parameters={versions_name: version_ids}
    )
    listed = ",\n            ".join(protection.text for protection in each)
    # One array per document, not a row per rule in a VALUES list: PostgreSQL prepares the
    # expressions of such a list anew for every row (measured: 7 s instead of 1 s for 20,000
    # documents and 100 rules). OFFSET 0 keeps the array from being worked out twice.
    return Fragment(
        text=(
            "SELECT\n    protection.document_id,\n"
            f"    ({versions.text})[array_position(protection.untils, longest.retain_until)]"
            " AS rule_version_id,\n"
            "    longest.retain_until\n"
            "FROM (\n"
            f"    SELECT\n        d.id AS document_id,\n        ARRAY[\n            {listed}\n"
            "        ] AS untils\n"
            f"    FROM {candidates} AS candidate\n"
            "    INNER JOIN documents AS d ON candidate.document_id = d.id\n"
            "    OFFSET 0\n"
            ") AS protection\n"
            "CROSS JOIN LATERAL (\n"
            "    SELECT max(until) AS retain_until FROM unnest(protection.untils) AS until\n"
            ") AS longest\n"
            "WHERE longest.retain_until IS NOT NULL"
        ),
        parameters=merged_parameters(versions, *each),
    )

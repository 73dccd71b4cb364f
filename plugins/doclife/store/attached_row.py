"""How a row of one attached table is read: the SQL that makes an ``attached_row`` of it.

Made of fixed words, quoted names and quoted values; a mapping holds no expressions. What cannot be
taken over gets its reason as a value, never an error.
"""

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from doclife.domain.table_mapping import OrganizationByColumn, TableMapping

KEY_TYPES: tuple[LiteralString, ...] = (
    "uuid", "bigint", "integer", "smallint", "text", "character varying",
)  # fmt: skip
INTEGERS = ("bigint", "integer", "smallint")
TEXTS = ("text", "character varying", "uuid", "name", "boolean", *INTEGERS)
MOMENT, WALL_CLOCK, DAY = "timestamp with time zone", "timestamp without time zone", "date"
LISTS = ("text[]", "character varying[]", "jsonb")
FIELD_TYPES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("title", "document_type", "owner", "media_type"), TEXTS),
    "tags": LISTS,
    "metadata": ("jsonb",),
    "size_bytes": INTEGERS,
    **dict.fromkeys(
        ("created_on", "modified_on", "last_accessed_on", "expires_on"), (MOMENT, WALL_CLOCK, DAY)
    ),
}
"""Which types of a column a field can follow; enumerations count as text."""
LONGEST = 2000
"""Bytes of what is indexed: more does not fit into an index."""

_DAYS: Mapping[str, LiteralString] = {
    MOMENT: "({c} AT TIME ZONE organization.time_zone)::date",
    WALL_CLOCK: "{c}::date",
    DAY: "{c}",
}
_WITHIN: LiteralString = "{c} >= '0001-01-03' AND {c} < '9999-12-30'"
FIELD_TYPES_ORDER = (
    "title", "document_type", "owner", "tags", "metadata", "media_type", "size_bytes", "created_on",
    "modified_on", "last_accessed_on", "expires_on",
)  # fmt: skip
"""As in the type attached_row."""


class RowSql:
    """Reads rows of one mapping, from an alias ``source``.

    :param types: type of each column that the mapping names, as ``format_type`` writes it.
    """

    def __init__(self, mapping: TableMapping, types: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._types = types
        self._key = sql.Identifier(mapping.key)

    @property
    def key_type(self) -> LiteralString:
        """The type of the column with the key, as one of ``KEY_TYPES``."""
        wanted = self._types[self._mapping.key]
        return next(known for known in KEY_TYPES if known == wanted)

    def row(self) -> sql.Composed:
        """Return a row of ``source`` as the type ``attached_row``, its fault among it."""
        fields = self._mapping.fields.given()
        values: dict[str, sql.Composable] = {
            field: self._value(field, column) for field, column in fields.items()
        }
        if self._mapping.document_type:
            values["document_type"] = sql.Literal(self._mapping.document_type)
        key = sql.SQL("source.{}::text").format(self._key)
        external_id = sql.SQL("{} || {}").format(sql.Literal(self._mapping.prefix), key)
        empty = {"tags": sql.SQL("'{}'"), "metadata": sql.SQL("'{}'")}
        parts: list[sql.Composable] = [key, sql.SQL("organization.id"), external_id]
        parts += [
            values.get(field, empty.get(field, sql.SQL("NULL"))) for field in FIELD_TYPES_ORDER
        ]
        parts.append(self._fault())
        return sql.SQL("ROW(\n    {}\n)::doclife.attached_row").format(
            sql.SQL(",\n    ").join(parts)
        )

    def _value(self, field: str, column: str) -> sql.Composed:
        c = sql.SQL("source.{}").format(sql.Identifier(column))
        of = self._types[column]
        if field == "tags" and of == "jsonb":
            return sql.SQL(
                "CASE WHEN jsonb_typeof({c}) = 'array' THEN ARRAY("
                "SELECT tag FROM jsonb_array_elements_text({c}) AS tag) ELSE '{{}}' END"
            ).format(c=c)
        if field == "tags":
            return sql.SQL("coalesce({c}::text[], '{{}}')").format(c=c)
        if field == "metadata":
            return sql.SQL("coalesce({c}, '{{}}')").format(c=c)
        if field == "size_bytes":
            return sql.SQL("{c}::bigint").format(c=c)
        if field.endswith("_on"):
            return sql.SQL("CASE WHEN " + _WITHIN + " THEN " + _DAYS[of] + " END").format(c=c)
        return sql.SQL("{c}::text").format(c=c)

    def _fault(self) -> sql.Composed:
        key = sql.SQL("source.{}").format(self._key)
        cases = [sql.SQL("WHEN organization.id IS NULL THEN {}").format(self._no_organization())]
        cases.append(
            sql.SQL(
                "WHEN {key}::text = '' OR octet_length({key}::text) > {longest} THEN {why}"
            ).format(
                key=key,
                longest=sql.Literal(LONGEST),
                why=sql.Literal("its key is empty or too long"),
            )
        )
        for field, column in self._mapping.fields.given().items():
            condition, why = self._bad(field, self._types[column])
            if condition:
                cases.append(
                    sql.SQL("WHEN " + condition + " THEN {why}").format(
                        c=sql.SQL("source.{}").format(sql.Identifier(column)),
                        why=sql.Literal(f"{column} {why}"),
                    )
                )
        return sql.SQL("CASE\n        {}\n    END").format(sql.SQL("\n        ").join(cases))

    def _no_organization(self) -> sql.Composable:
        if not isinstance(self._mapping.organization, OrganizationByColumn):
            return sql.Literal(f"there is no organization {self._mapping.organization!r}")
        return sql.SQL("'no organization is named for ' || quote_nullable(source.{}::text)").format(
            sql.Identifier(self._mapping.organization.column)
        )

    @staticmethod
    def _bad(field: str, of: str) -> tuple[LiteralString, str]:
        if field in ("document_type", "owner"):
            return "octet_length({c}::text) > 2000", "is longer than 2,000 bytes"
        if field == "tags" and of == "jsonb":
            return (
                "jsonb_typeof({c}) NOT IN ('array', 'null') OR jsonb_path_exists({c},"
                " '$[*] ? (@.type() != \"string\")') OR octet_length({c}::text) > 2000",
                "is no list of short texts",
            )
        if field == "tags":
            return (
                "array_ndims({c}) > 1 OR array_position({c}, NULL) IS NOT NULL"
                " OR octet_length({c}::text) > 2000",
                "is no plain list of short texts",
            )
        if field == "metadata":
            return "jsonb_typeof({c}) <> 'object'", "is no JSON object"
        if field == "size_bytes":
            return "{c} < 0", "is negative"
        if field == "expires_on":
            # Never to expire is what infinity says.
            return "NOT (" + _WITHIN + ") AND {c} <> 'infinity'", "is beyond the years 1 to 9999"
        if field.endswith("_on"):
            return "NOT (" + _WITHIN + ")", "is beyond the years 1 to 9999"
        return "", ""

    def organizations(self) -> sql.Composed:
        """Return the join that finds the organization of a row of ``source``."""
        by = self._mapping.organization
        if isinstance(by, OrganizationByColumn):
            slug: sql.Composable = sql.SQL("CASE source.{}::text {} END").format(
                sql.Identifier(by.column),
                sql.SQL(" ").join(
                    sql.SQL("WHEN {} THEN {}").format(sql.Literal(value), sql.Literal(name))
                    for value, name in by.names.items()
                ),
            )
        else:
            slug = sql.Literal(by)
        return sql.SQL(
            "LEFT JOIN doclife.organizations AS organization ON organization.slug = {}"
        ).format(slug)

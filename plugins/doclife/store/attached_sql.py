"""The SQL that is made for one attached table: how its rows are read, and what is installed.

The only SQL that is not in include/sql: it speaks of columns that nobody knew before. It is made of
fixed words, quoted names and quoted values; a mapping holds no expressions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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
WRITTEN_TYPES: Mapping[str, tuple[str, ...]] = {
    "status": ("text", "character varying"),
    **dict.fromkeys(("archived_at", "deleted_at", "purged_at"), (MOMENT,)),
}
LONGEST = 2000
"""Bytes of what is indexed: more does not fit into an index."""

_DAYS: Mapping[str, LiteralString] = {
    MOMENT: "({c} AT TIME ZONE organization.time_zone)::date",
    WALL_CLOCK: "{c}::date",
    DAY: "{c}",
}
_WITHIN: LiteralString = "{c} >= '0001-01-03' AND {c} < '9999-12-30'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Who writes into the application's row."""

    role: str
    """The owner of its table."""
    may_create: bool
    """Whether it may have functions in doclife's schema already."""


class GeneratedSql:
    """The statements for one mapping.

    :param types: type of each column that the mapping names, as ``format_type`` writes it.
    :param attached_id: number of the attachment; functions and triggers are named by it.
    :param writer: who writes states back, when that is not the present login.
    """

    def __init__(
        self,
        mapping: TableMapping,
        types: Mapping[str, str],
        *,
        attached_id: int,
        writer: Writer | None = None,
    ) -> None:
        self._mapping = mapping
        self._types = types
        self._writer = writer
        self._id = sql.Literal(attached_id)
        self._names = {
            part: sql.Identifier("doclife", f"attached_{attached_id}_{part}")
            for part in ("changed", "write_back")
        }
        self.table = sql.Identifier(mapping.schema_name, mapping.table_name)
        self._key = sql.Identifier(mapping.key)

    def installed(self) -> list[sql.Composed]:
        """Return what attaching runs, in order; running it again changes nothing."""
        statements = [self._trigger_function(), self._closed("changed", "")]
        statements += [self._trigger(when, which) for when, which in TRIGGERS.items()]
        if self._mapping.write_back.given():
            arguments = "text, documents, documents"
            statements += [self._write_back(), self._closed("write_back", arguments)]
            statements.append(
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO doclife_owner").format(
                    self._names["write_back"]
                )
            )
            statements += self._given_to_writer()
        return statements

    def removed(self, *, with_triggers: bool) -> list[sql.Composed]:
        """Return what detaching runs; a table that has gone took its triggers with it."""
        drop_trigger = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}")
        drop = sql.SQL("DROP FUNCTION IF EXISTS {}")
        names = [f"doclife_follows_{event}" for event in TRIGGERS] if with_triggers else []
        return [
            *(drop_trigger.format(sql.Identifier(name), self.table) for name in names),
            *(drop.format(name) for name in self._names.values()),
        ]

    def batch(self, *, after: str | None, size: int, actor: str, is_baseline: bool) -> sql.Composed:
        """Return the statement that takes over the next rows by key.

        Its row: documents taken over, rows read, the last key (NULL when there were none).
        """
        key = sql.SQL("{} > {}::{}").format(self._key, sql.Literal(after), sql.SQL(self._key_type))
        return sql.SQL(
            "SELECT doclife.take_over_rows({id}, page.rows, {actor}, {is_baseline}, true),"
            " coalesce(cardinality(page.rows), 0), (page.rows[cardinality(page.rows)]).row_key\n"
            "FROM (\n"
            "    SELECT array_agg(mapped.row ORDER BY mapped.key) AS rows FROM (\n"
            "        SELECT source.{key} AS key, {row} AS row\n"
            "        FROM (SELECT * FROM {table} WHERE {where} ORDER BY {key} LIMIT {size})"
            " AS source\n"
            "        {organizations}\n"
            "    ) AS mapped\n"
            ") AS page"
        ).format(
            id=self._id,
            key=self._key,
            row=self._row(),
            table=self.table,
            where=sql.SQL("true") if after is None else key,
            size=sql.Literal(size),
            actor=sql.Literal(actor),
            is_baseline=sql.Literal(is_baseline),
            organizations=self._organizations(),
        )

    def note_removed(self, *, actor: str) -> sql.Composed:
        """Return the statement that notes the documents whose row is gone."""
        return sql.SQL(
            "SELECT doclife.note_removed_rows(\n"
            "    {id}, array_agg(substr(document.external_id, {from_})), {actor}\n"
            ")\n"
            "FROM doclife.documents AS document\n"
            "WHERE document.attached_table_id = {id} AND NOT EXISTS (\n"
            "    SELECT FROM {table} AS source\n"
            "    WHERE {prefix} || source.{key}::text = document.external_id\n"
            ")\n"
            "HAVING count(*) > 0"
        ).format(
            id=self._id,
            actor=sql.Literal(actor),
            from_=sql.Literal(len(self._mapping.prefix) + 1),
            table=self.table,
            prefix=sql.Literal(self._mapping.prefix),
            key=self._key,
        )

    def without_bytes(self, *, organization_id: int) -> sql.Composed:
        """Return the query of the documents whose bytes nobody has read, with the way to them.

        Its rows: external id, day of the last change, path within the store.
        """
        place = self._mapping.bytes
        assert place is not None, "asked for only when the mapping says where bytes are"
        path = sql.SQL("source.{}::text").format(sql.Identifier(place.path))
        if place.bucket:
            bucket = sql.SQL("source.{}::text").format(sql.Identifier(place.bucket))
            path = sql.SQL("{} || '/' || {}").format(bucket, path)
        return sql.SQL(
            "SELECT document.external_id, document.modified_on, {path} AS path\n"
            "FROM doclife.documents AS document\n"
            "INNER JOIN {table} AS source\n"
            "    ON {prefix} || source.{key}::text = document.external_id\n"
            "WHERE document.attached_table_id = {id} AND document.status = 'active'\n"
            "    AND document.organization_id = {organization}\n"
            "    AND document.stored_object_id IS NULL AND {path} IS NOT NULL\n"
            "ORDER BY document.id"
        ).format(
            path=path,
            organization=sql.Literal(organization_id),
            table=self.table,
            prefix=sql.Literal(self._mapping.prefix),
            key=self._key,
            id=self._id,
        )

    # ---- reading a row

    @property
    def _key_type(self) -> LiteralString:
        wanted = self._types[self._mapping.key]
        return next(known for known in KEY_TYPES if known == wanted)

    def _row(self) -> sql.Composed:
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

    def _organizations(self) -> sql.Composed:
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

    # ---- what is installed

    def _trigger_function(self) -> sql.Composed:
        return sql.SQL(
            """CREATE OR REPLACE FUNCTION {name}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
SET lock_timeout = '2s'
AS $doclife$
DECLARE
    given attached_row [];
    gone text [];
BEGIN
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            PERFORM note_removed_rows({id}, NULL, 'application:' || session_user);
            RETURN NULL;
        END IF;
        IF TG_OP = 'UPDATE' THEN
            SELECT array_agg(source.{key}::text) INTO gone FROM before_rows AS source
            WHERE source.{key} NOT IN (SELECT {key} FROM changed_rows);
        ELSIF TG_OP = 'DELETE' THEN
            SELECT array_agg(source.{key}::text) INTO gone FROM before_rows AS source;
        END IF;
        IF gone IS NOT NULL THEN
            PERFORM note_removed_rows({id}, gone, 'application:' || session_user);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            SELECT array_agg({row}) INTO given
            FROM changed_rows AS source
            {organizations};
            PERFORM take_over_rows({id}, given, 'application:' || session_user, false, false);
        END IF;
    EXCEPTION
        WHEN OTHERS THEN
            PERFORM list_problem({id}, '*', TG_OP || ': ' || SQLERRM);
    END;
    RETURN NULL;
EXCEPTION
    WHEN OTHERS THEN
        RAISE WARNING 'doclife could not follow %: %', TG_RELID::regclass, SQLERRM;
        RETURN NULL;
END
$doclife$"""
        ).format(
            name=self._names["changed"],
            id=self._id,
            key=self._key,
            row=self._row(),
            organizations=self._organizations(),
        )

    def _closed(self, part: str, arguments: LiteralString) -> sql.Composed:
        return sql.SQL("REVOKE ALL ON FUNCTION {}(" + arguments + ") FROM public").format(
            self._names[part]
        )

    def _trigger(self, event: str, tables: LiteralString) -> sql.Composed:
        return sql.SQL(
            "CREATE OR REPLACE TRIGGER {name} AFTER "
            + EVENTS[event]
            + " ON {table}"
            + tables
            + " FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        ).format(
            name=sql.Identifier(f"doclife_follows_{event}"),
            table=self.table,
            function=self._names["changed"],
        )

    def _write_back(self) -> sql.Composed:
        columns = self._mapping.write_back.given()
        values: dict[str, LiteralString] = {
            "status": "after_.status",
            "archived_at": "after_.archived_at",
            "purged_at": "after_.purged_at",
            # What the application wrote there itself stays: only our own moment is taken back.
            "deleted_at": "CASE WHEN after_.status IN ('deleted', 'purging', 'purged')"
            " THEN coalesce(row.{column}, after_.deleted_at)"
            " WHEN row.{column} = before_.deleted_at THEN NULL ELSE row.{column} END",
        }
        assignments = [
            sql.SQL("{column} = " + values[what]).format(column=sql.Identifier(column))
            for what, column in columns.items()
        ]
        return sql.SQL(
            """CREATE OR REPLACE FUNCTION {name}(
    row_key text, before_ doclife.documents, after_ doclife.documents
) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = {schema}, public, pg_temp
AS $doclife$
    UPDATE {table} AS row
    SET {assignments}
    WHERE row.{key} = row_key::{key_type}
$doclife$"""
        ).format(
            name=self._names["write_back"],
            schema=sql.Identifier(self._mapping.schema_name),
            table=self.table,
            assignments=sql.SQL(", ").join(assignments),
            key=self._key,
            key_type=sql.SQL(self._key_type),
        )

    def _given_to_writer(self) -> list[sql.Composed]:
        """Return what lets the table's owner write states back.

        Writing runs the triggers that the application has on its table: with the rights and among
        the names of whoever owns the table, never with doclife's.
        """
        if self._writer is None:
            return []
        role = sql.Identifier(self._writer.role)
        gift = sql.SQL(
            "ALTER FUNCTION {}(text, doclife.documents, doclife.documents) OWNER TO {}"
        ).format(self._names["write_back"], role)
        if self._writer.may_create:
            return [gift]
        return [
            sql.SQL("GRANT CREATE ON SCHEMA doclife TO {}").format(role),
            gift,
            sql.SQL("REVOKE CREATE ON SCHEMA doclife FROM {}").format(role),
        ]


FIELD_TYPES_ORDER = (
    "title", "document_type", "owner", "tags", "metadata", "media_type", "size_bytes", "created_on",
    "modified_on", "last_accessed_on", "expires_on",
)  # fmt: skip
"""As in the type attached_row."""
EVENTS: Mapping[str, LiteralString] = {
    "insert": "INSERT", "update": "UPDATE", "delete": "DELETE", "truncate": "TRUNCATE",
}  # fmt: skip
TRIGGERS: Mapping[str, LiteralString] = {
    "insert": " REFERENCING NEW TABLE AS changed_rows",
    "update": " REFERENCING OLD TABLE AS before_rows NEW TABLE AS changed_rows",
    "delete": " REFERENCING OLD TABLE AS before_rows",
    "truncate": "",
}

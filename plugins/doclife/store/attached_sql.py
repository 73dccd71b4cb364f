"""The SQL that is made for one attached table: what is installed, and what takes rows over.

With attached_row.py the only SQL that is not in include/sql: it speaks of columns that nobody knew
before. It is made of fixed words, quoted names and quoted values; a mapping holds no expressions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from doclife.domain.table_mapping import TableMapping
from doclife.store.attached_row import MOMENT, RowSql

WRITTEN_TYPES: Mapping[str, tuple[str, ...]] = {
    "status": ("text", "character varying"),
    **dict.fromkeys(("archived_at", "deleted_at", "purged_at"), (MOMENT,)),
}
EVENTS: Mapping[str, LiteralString] = {
    "insert": "INSERT", "update": "UPDATE", "delete": "DELETE", "truncate": "TRUNCATE",
}  # fmt: skip
TRIGGERS: Mapping[str, LiteralString] = {
    "insert": " REFERENCING NEW TABLE AS changed_rows",
    "update": " REFERENCING OLD TABLE AS before_rows NEW TABLE AS changed_rows",
    "delete": " REFERENCING OLD TABLE AS before_rows",
    "truncate": "",
}


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
        self._reading = RowSql(mapping, types)
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
        key = sql.SQL("{} > {}::{}").format(
            self._key, sql.Literal(after), sql.SQL(self._reading.key_type)
        )
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
            row=self._reading.row(),
            table=self.table,
            where=sql.SQL("true") if after is None else key,
            size=sql.Literal(size),
            actor=sql.Literal(actor),
            is_baseline=sql.Literal(is_baseline),
            organizations=self._reading.organizations(),
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
            row=self._reading.row(),
            organizations=self._reading.organizations(),
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
            key_type=sql.SQL(self._reading.key_type),
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

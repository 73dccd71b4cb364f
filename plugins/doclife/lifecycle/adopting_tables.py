"""Adopts the documents that an application keeps in a table of its own, and follows the table.

The application changes nothing: triggers take over what it writes, in its own transaction, and a
row that cannot be taken over is listed instead of failing it. docs/adopt.md shows the whole way.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import errors

from doclife.domain.faults import did_you_mean
from doclife.domain.table_mapping import OrganizationByColumn, TableMapping
from doclife.errors import ConfigurationError, RefusedError, TryAgainLater
from doclife.storage import uris
from doclife.store import attaching, audit, organizations, stores
from doclife.store.attached_row import FIELD_TYPES, KEY_TYPES
from doclife.store.attached_sql import WRITTEN_TYPES, GeneratedSql, Writer
from doclife.store.attaching import AttachedTable, FoundColumn, RowProblem
from doclife.store.connection import Connection, limit_lock_wait

BATCH_ROWS = 5000
"""Some megabytes of a batch, and a second or less of work that a kill throws away."""
TRIES = 10
"""Of a batch whose rows the application changes at the same moment."""
PATIENT_TRIES = 3
"""After these nobody else may audit meanwhile: where many do, one of them always comes between."""

OnRows = Callable[[int], None]
"""Is told how many rows each batch had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachOutcome:
    """What attaching or reading again came to."""

    name: str
    rows: int
    """Rows read by this call."""
    documents: int
    """New or changed ones."""
    removed: int
    """Documents whose row was found to be gone."""
    problem_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestLine:
    """Where the bytes of a document are said to lie."""

    external_id: str
    uri: str
    modified_on: str


def preview(conn: Connection, mapping: TableMapping) -> list[str]:
    """Return the statements that attaching would run, and change nothing.

    :raises ConfigurationError: names every fault of the mapping.
    """
    generated = _generated(conn, mapping, attached_id=_known_id(conn, mapping))
    batch = generated.batch(after=None, size=BATCH_ROWS, actor="cli", is_baseline=True)
    return [each.as_string(conn) for each in (*generated.installed(), batch)]


def attach(
    conn: Connection,
    mapping: TableMapping,
    *,
    now: datetime,
    actor: str,
    on_rows: OnRows | None = None,
) -> AttachOutcome:
    """Follow a table from now on, and take over the rows that are there, as a first import.

    Killed, it is called again and goes on after the last whole batch. Called again with another
    mapping, it reads every row anew.

    :raises ConfigurationError: names every fault of the mapping.
    :raises TryAgainLater: somebody keeps the table locked.
    """
    _generated(conn, mapping, attached_id=0)
    try:
        with conn.transaction():
            # What waits behind us for the table is the application.
            limit_lock_wait(conn, seconds=5)
            attached_id = attaching.record_attached(conn, mapping, now=now, actor=actor)
            generated = _generated(conn, mapping, attached_id=attached_id)
            attaching.install(conn, generated.installed())
            for slug in _slugs(mapping):
                audit.record(
                    conn,
                    organization_id=organizations.find(conn, slug).id,
                    at=now,
                    actor=actor,
                    action="table.attached",
                    reason=f"{mapping.table} is followed as {mapping.attachment}",
                    details=mapping.model_dump(exclude_defaults=True),
                )
    except errors.LockNotAvailable:
        raise TryAgainLater(
            f"somebody keeps {mapping.table} locked, and attaching would have made the application "
            "wait. Nothing was changed; try again."
        ) from None
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"this login may not attach {mapping.table}: {_said(error)}. What write_back writes is "
            "written as the table's owner, so that the table's own triggers get no rights of "
            "doclife: GRANT the owner's role to this login, or leave write_back out."
        ) from None
    known = find(conn, mapping.attachment)
    rows = documents = 0
    if known.baseline_ended_at is None:
        rows, documents = _read_rows(
            conn,
            generated,
            attached_id=attached_id,
            after=known.baseline_key,
            actor=actor,
            is_baseline=True,
            now=now,
            on_rows=on_rows,
        )
    return AttachOutcome(
        name=mapping.attachment,
        rows=rows,
        documents=documents,
        removed=0,
        problem_count=find(conn, mapping.attachment).problem_count,
    )


def read_again(
    conn: Connection,
    name: str,
    *,
    now: datetime,
    actor: str,
    on_rows: OnRows | None = None,
) -> AttachOutcome:
    """Compare every row with its document: what the triggers missed is made up for.

    They miss what is written while they are off (a restore, ``session_replication_role``), and list
    what they could not take over. A second call finds nothing to do.

    :raises RefusedError: the table is not attached, or its first import has not ended.
    """
    attached, mapping = _attached(conn, name)
    if attached.baseline_ended_at is None:
        raise RefusedError(f"the first import of {name} has not ended: attach it again to go on.")
    generated = _generated(conn, mapping, attached_id=attached.attached_id)
    rows, documents = _read_rows(
        conn,
        generated,
        attached_id=attached.attached_id,
        after=None,
        actor=actor,
        is_baseline=False,
        now=now,
        on_rows=on_rows,
    )
    with conn.transaction():
        removed = attaching.note_removed(conn, generated, actor=actor)
        attaching.clear_statement_problem(conn, attached.attached_id)
    return AttachOutcome(
        name=name,
        rows=rows,
        documents=documents,
        removed=removed,
        problem_count=find(conn, name).problem_count,
    )


def detach(conn: Connection, name: str, *, now: datetime, actor: str) -> None:
    """Follow a table no more. Its documents stay as they are; so does the table.

    :raises RefusedError: it is not attached.
    """
    attached, mapping = _attached(conn, name)
    # Not checked: a table that has changed since, or has gone, must be possible to let go of.
    generated = GeneratedSql(mapping, {}, attached_id=attached.attached_id)
    with conn.transaction():
        is_there = attaching.find_table(conn, mapping) is not None
        attaching.install(conn, generated.removed(with_triggers=is_there))
        attaching.record_detached(conn, attached.attached_id, now=now)
        for slug in _slugs(mapping):
            audit.record(
                conn,
                organization_id=organizations.find(conn, slug).id,
                at=now,
                actor=actor,
                action="table.detached",
                reason=f"{mapping.table} is followed no more",
            )


def find(conn: Connection, name: str) -> AttachedTable:
    """Return what is known of a table that is or was attached.

    :raises RefusedError: there is none of that name.
    """
    found = attaching.list_attached(conn, name)
    if not found:
        names = [one.name for one in attaching.list_attached(conn)]
        raise RefusedError(
            f"no table is attached as {name!r}.{did_you_mean(name, names)} See: doclife tables list"
        )
    return found[0]


def list_attached(conn: Connection) -> list[AttachedTable]:
    """Return every table that is or was attached."""
    return attaching.list_attached(conn)


def list_problems(conn: Connection, name: str, *, size: int) -> list[RowProblem]:
    """Return rows that could not be taken over, the newest first."""
    return attaching.list_problems(conn, find(conn, name).attached_id, size=size)


def manifest(
    conn: Connection, name: str, *, organization: str
) -> Iterator[ManifestLine | RowProblem]:
    """Yield where the bytes lie that nobody has read yet, for ``doclife documents import``.

    A path that leads out of the store is yielded as a problem.

    :raises RefusedError: the table is not attached.
    :raises ConfigurationError: its mapping does not say where bytes are.
    """
    attached, mapping = _attached(conn, name)
    if mapping.bytes is None:
        raise ConfigurationError(f"the mapping of {name} has no `bytes:` and so no way to them.")
    generated = _generated(conn, mapping, attached_id=attached.attached_id)
    (root,) = (one.root_uri for one in stores.list_all(conn) if one.name == mapping.bytes.store)
    tenant = organizations.find(conn, organization)
    for unread in attaching.list_unread(conn, generated, organization_id=tenant.id):
        try:
            uri = uris.joined(root, *unread.path.strip("/").split("/"))
        except (ConfigurationError, ValueError) as error:
            yield RowProblem(
                row_key=unread.external_id, reason=str(error), noticed_at=attached.attached_at
            )
            continue
        yield ManifestLine(
            external_id=unread.external_id,
            uri=uri,
            modified_on=unread.modified_on.isoformat() if unread.modified_on else "",
        )


def _read_rows(
    conn: Connection,
    generated: GeneratedSql,
    *,
    attached_id: int,
    after: str | None,
    actor: str,
    is_baseline: bool,
    now: datetime,
    on_rows: OnRows | None,
) -> tuple[int, int]:
    rows = documents = tries = 0
    while True:
        try:
            taken = attaching.take_over(
                conn,
                generated,
                attached_id=attached_id,
                after=after,
                size=BATCH_ROWS,
                actor=actor,
                is_baseline=is_baseline,
                is_alone=tries >= PATIENT_TRIES,
                now=now,
            )
        except errors.SerializationFailure:
            tries += 1
            if tries > TRIES:
                raise TryAgainLater(
                    "the application changes the same rows over and over; what was read is kept, "
                    "the same command goes on"
                ) from None
            continue
        except errors.InsufficientPrivilege as error:
            raise ConfigurationError(f"the table cannot be read whole: {_said(error)}") from None
        tries = 0
        if taken.last_key is None:
            return rows, documents
        rows += taken.rows
        documents += taken.documents
        after = taken.last_key
        if on_rows is not None:
            on_rows(taken.rows)


def _generated(conn: Connection, mapping: TableMapping, *, attached_id: int) -> GeneratedSql:
    """Return the statements for a mapping that fits its table.

    :raises ConfigurationError: names everything that does not.
    """
    faults = []
    for slug in _slugs(mapping):
        try:
            organizations.find(conn, slug)
        except (ConfigurationError, RefusedError) as error:
            faults.append(str(error))
    if mapping.bytes and mapping.bytes.store not in [one.name for one in stores.list_all(conn)]:
        faults.append(
            f"there is no store {mapping.bytes.store!r}; register it first: doclife stores register"
        )
    other = [
        one
        for one in attaching.list_attached(conn, mapping.attachment)
        if (one.table_schema, one.table_name) != (mapping.schema_name, mapping.table_name)
    ]
    if other:
        faults.append(
            f"{other[0].table_schema}.{other[0].table_name} is attached as {mapping.attachment!r} "
            "already; give this one another `name:`"
        )
    table = attaching.find_table(conn, mapping)
    if table is None:
        raise ConfigurationError("\n".join([*faults, f"there is no table {mapping.table!r}."]))
    if not table.is_table:
        faults.append(f"{mapping.table} is a view or foreign table: attach the table behind it")
    if not table.may_read or not table.may_attach:
        faults.append(
            f"this login may not read or follow it: GRANT SELECT, TRIGGER ON {mapping.table} TO it"
        )
    if table.hides_rows:
        faults.append(
            "row-level security would hide rows: use the login that owns the table, or one with "
            "BYPASSRLS"
        )
    columns = {one.name: one for one in attaching.list_columns(conn, table.table_oid)}
    faults += _column_faults(mapping, columns)
    if faults:
        raise ConfigurationError("\n".join(faults))
    types = {name: column.type for name, column in columns.items()}
    writer = None
    if not table.is_own:
        writer = Writer(role=table.owner, may_create=table.owner_may_create)
    return GeneratedSql(mapping, types, attached_id=attached_id, writer=writer)


def _column_faults(mapping: TableMapping, columns: Mapping[str, FoundColumn]) -> Iterator[str]:
    key = columns.get(mapping.key)
    wanted = {f"fields.{field}": column for field, column in mapping.fields.given().items()}
    if isinstance(mapping.organization, OrganizationByColumn):
        wanted["organization.column"] = mapping.organization.column
    if mapping.bytes:
        wanted["bytes.path"] = mapping.bytes.path
        if mapping.bytes.bucket:
            wanted["bytes.bucket"] = mapping.bytes.bucket
    written = {f"write_back.{what}": column for what, column in mapping.write_back.given().items()}
    for where, name in {"key": mapping.key, **wanted, **written}.items():
        if name not in columns:
            yield f"{where}: there is no column {name!r}.{did_you_mean(name, columns)}"
            continue
        column, field = columns[name], where.rpartition(".")[2]
        allowed: tuple[str, ...] = ()
        if where.startswith("fields."):
            allowed = FIELD_TYPES[field]
        elif where.startswith("write_back."):
            allowed = WRITTEN_TYPES[field]
            if not column.may_write:
                yield f"{where}: GRANT UPDATE ({name}) ON {mapping.table} to this login first"
        if allowed and column.type not in allowed:
            yield f"{where}: {name} is {column.type}; it can be {', '.join(allowed)}"
    if key and (not key.is_key or key.type not in KEY_TYPES):
        yield (
            f"key: {mapping.key} must be unique and never NULL, and one of {', '.join(KEY_TYPES)}"
        )


def _attached(conn: Connection, name: str) -> tuple[AttachedTable, TableMapping]:
    attached = find(conn, name)
    if attached.detached_at is not None:
        raise RefusedError(f"{name} was detached on {attached.detached_at:%Y-%m-%d}.")
    return attached, TableMapping.model_validate(attached.mapping)


def _known_id(conn: Connection, mapping: TableMapping) -> int:
    found = attaching.list_attached(conn, mapping.attachment)
    return found[0].attached_id if found else 0


def _slugs(mapping: TableMapping) -> list[str]:
    if isinstance(mapping.organization, OrganizationByColumn):
        return sorted(set(mapping.organization.names.values()))
    return [mapping.organization]


def _said(error: psycopg.Error) -> str:
    return str(error.diag.message_primary)

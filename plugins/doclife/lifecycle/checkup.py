"""Looks at everything a deployment needs, and says what is not well and how to put it right.

Each part is looked at by itself: one that cannot be reached is a finding, and hides no other.
Nothing is changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import psycopg

from doclife.connections import Connections
from doclife.delivery.configuration import read_delivery_settings
from doclife.domain import checkup, checkup_running
from doclife.domain.actions import ArchiveAction
from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.domain.checkup_running import StoreState
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle.signing import CONNECTION as SIGNING_CONNECTION
from doclife.lifecycle.signing import read_signing_key
from doclife.lifecycle.stores import Options, StoreStatus, describe_stores
from doclife.storage import uris
from doclife.storage.local import room_in
from doclife.store import clock, doctor, organizations, rules, switches
from doclife.store.connection import Connection, one_line
from doclife.store.migrations import list_pending

Look = Callable[[], Iterator[Finding]]


def check_surroundings(
    environment: Mapping[str, str], *, connections: Connections
) -> list[Finding]:
    """Return what can be said without a database: the signing key and the mail service.

    :param environment: the variables of this process.
    """
    return _each(
        {
            "signing key": lambda: _signing_key(connections),
            "mail": lambda: _mail(environment, connections),
        }
    )


def check_database(
    conn: Connection,
    *,
    machine_now: Callable[[], datetime],
    connections: Connections,
    options: Options,
) -> list[Finding]:
    """Return what can be said of the database and of what it names.

    Of a database that is not migrated only the server, the clock and the migrations.

    :param machine_now: the present by this machine's clock, aware; compared with the database's.
    :param options: gives the credentials of stores.
    """
    found = _each(
        {
            "PostgreSQL": lambda: checkup.judge_server(doctor.describe_server(conn)),
            "clock": lambda: _clock(conn, machine_now),
            "migrations": lambda: checkup.judge_migrations(list_pending(conn)),
        }
    )
    if any(one.about == "migrations" and one.level is not checkup.Level.OK for one in found):
        return found
    now = clock.present(conn)
    return found + _each(
        {
            "rights": lambda: checkup.judge_rights(
                doctor.list_rights(conn), doctor.list_logins(conn)
            ),
            "guards": lambda: checkup.judge_triggers(doctor.list_disabled_triggers(conn)),
            "policies": lambda: checkup.judge_policies(doctor.list_open_tables(conn)),
            "indexes": lambda: checkup.judge_indexes(
                doctor.expected_indexes(), doctor.list_indexes(conn)
            ),
            "halt": lambda: _halt(conn),
            "stores": lambda: checkup_running.judge_stores(_stores(conn, options)),
            "connections": lambda: _connections(conn, connections),
            "nights": lambda: checkup_running.judge_nights(doctor.list_nights(conn), now=now),
            "plans": lambda: checkup_running.judge_plans(doctor.list_slow_plans(conn), now=now),
            "queue": lambda: checkup_running.judge_queue(
                doctor.describe_queue(conn, now=now), now=now
            ),
            "channels": lambda: checkup_running.judge_channels(
                doctor.list_channel_troubles(conn, now=now)
            ),
        }
    )


def unreachable(error: DoclifeError) -> Finding:
    """Return what a database that cannot be reached is told as."""
    return fault(
        "database",
        str(error),
        fix="start it, correct its address, or let this machine through (pg_hba.conf, firewall)",
    )


def _each(looks: Mapping[str, Look]) -> list[Finding]:
    found: list[Finding] = []
    for about, look in looks.items():
        try:
            found += look()
        except DoclifeError as error:
            found.append(fault(about, str(error), fix="correct what it names"))
        except psycopg.Error as error:
            found.append(
                fault(
                    about,
                    f"cannot be looked at: {one_line(error)}",
                    fix="use a login that is a member of doclife_reader, doclife_worker or the "
                    "owner; when the connection broke, look at the server's log",
                )
            )
    return found


def _clock(conn: Connection, machine_now: Callable[[], datetime]) -> Iterator[Finding]:
    before = machine_now()
    there = clock.present(conn)
    after = machine_now()
    # The database looked at its clock somewhere between the two: within that they agree.
    if before > there:
        apart = before - there
    elif after < there:
        apart = after - there
    else:
        apart = timedelta()
    yield from checkup.judge_clock(apart)


def _halt(conn: Connection) -> Iterator[Finding]:
    state = switches.read(conn)
    yield from checkup.judge_halt(reason=state.reason, is_adopted=state.is_adopted)


def _signing_key(connections: Connections) -> Iterator[Finding]:
    key = read_signing_key(connections)
    if key is None:
        yield warning(
            "signing key",
            f"Airflow Connection {SIGNING_CONNECTION} is not known here: what this process issues "
            "cannot be signed",
            fix=f"doclife signing-key new, or airflow connections get {SIGNING_CONNECTION} where "
            "it is kept in Airflow",
        )
    else:
        yield ok("signing key", f"fingerprint {key.fingerprint}")


def _mail(environment: Mapping[str, str], connections: Connections) -> Iterator[Finding]:
    settings = read_delivery_settings(environment)
    service = settings.mail_service(connections)
    if service is None:
        yield warning(
            "mail",
            f"no mail service is known here: neither EMAIL_PROVIDER nor Connection "
            f"{settings.email_connection} is set",
            fix="set it up (docs/channels.md), or look in Airflow, where it may be kept: mails "
            "wait until one is known to process_queue",
        )
    else:
        yield ok("mail", f"over {service.provider}; try it: doclife mail test ADDRESS")


def _connections(conn: Connection, connections: Connections) -> Iterator[Finding]:
    needed = doctor.list_named_connections(conn)
    known: set[str] = set()
    broken: dict[str, str] = {}
    for connection_id, _ in needed:
        try:
            if connections(connection_id) is not None:
                known.add(connection_id)
        except ConfigurationError as error:
            broken[connection_id] = str(error)
    yield from checkup.judge_connections(needed, known=frozenset(known), broken=broken)


def _stores(conn: Connection, options: Options) -> Sequence[StoreState]:
    archived_by: dict[str, list[str]] = defaultdict(list)
    for tenant in organizations.list_all(conn):
        for version in rules.list_current(conn, tenant.id):
            for action in version.rule.actions:
                if isinstance(action, ArchiveAction):
                    archived_by[action.with_.store].append(f"{tenant.slug}/{version.rule.name}")
    return [
        _state(store, archived_by=archived_by[store.name])
        for store in describe_stores(conn, options=options)
    ]


def _state(store: StoreStatus, *, archived_by: Sequence[str]) -> StoreState:
    is_looked_at = uris.scheme_of(store.root_uri) == "file" and store.marker == "ours"
    room = room_in(store.root_uri) if is_looked_at else None
    return StoreState(
        name=store.name,
        root_uri=store.root_uri,
        marker=store.marker,
        detail=store.detail,
        is_writable=None if room is None else room.is_writable,
        archived_by=archived_by,
        free_bytes=None if room is None else room.free_bytes,
        total_bytes=None if room is None else room.total_bytes,
    )

"""Looks at everything a deployment needs, and says what is not well and how to put it right.

Each part is looked at by itself: one that cannot be reached is a finding, and hides no other.
Nothing is changed, but for a file that is written into a store to see whether it can be, and
removed.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import psycopg

from doclife.connections import Connections
from doclife.delivery.configuration import read_delivery_settings
from doclife.domain import checkup, checkup_reach, checkup_running
from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.errors import DoclifeError
from doclife.lifecycle.checkup_beside import (
    look_at_connections,
    look_at_signing_key,
    look_at_stores,
)
from doclife.lifecycle.checkup_upkeep import (
    look_at_backup,
    look_at_partitions,
    look_at_proof,
    look_at_rights,
    look_at_vacuum,
)
from doclife.lifecycle.stores import Options
from doclife.settings import BACKUP_DAYS
from doclife.store import clock, doctor, switches
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
            "signing key": lambda: look_at_signing_key(connections),
            "mail": lambda: _mail(environment, connections),
        }
    )


def check_database(
    conn: Connection,
    *,
    machine_now: Callable[[], datetime],
    connections: Connections,
    options: Options,
    probe_token: str | None,
    probes_buckets: bool = False,
    backup_days: int = BACKUP_DAYS,
) -> list[Finding]:
    """Return what can be said of the database and of what it names.

    Of a database that is not migrated only the server, the clock and the migrations.

    :param machine_now: the present by this machine's clock, aware; compared with the database's.
    :param options: gives the credentials of stores.
    :param probe_token: names the file that is written into each store of a folder, and removed;
        one that nobody else has. None: none is.
    :param probes_buckets: also into each bucket.
    :param backup_days: from what age of the last backup on it is warned of; 0: never.
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
    return [
        *found,
        *check_structure(conn),
        *_each(
            {
                "halt": lambda: _halt(conn),
                "stores": lambda: look_at_stores(
                    conn, options=options, probe_token=probe_token, probes_buckets=probes_buckets
                ),
                "connections": lambda: look_at_connections(conn, connections),
                "nights": lambda: checkup_running.judge_nights(doctor.list_nights(conn), now=now),
                "plans": lambda: checkup_running.judge_plans(doctor.list_slow_plans(conn), now=now),
                "queue": lambda: checkup_running.judge_queue(
                    doctor.describe_queue(conn, now=now), now=now
                ),
                "channels": lambda: checkup_running.judge_channels(
                    doctor.list_channel_troubles(conn, now=now)
                ),
                "partitions": lambda: look_at_partitions(conn, now=now),
                "vacuum": lambda: look_at_vacuum(conn, now=now),
                "proof": lambda: look_at_proof(conn, now=now),
                "backup": lambda: look_at_backup(conn, now=now, warning_days=backup_days),
            }
        ),
    ]


def check_structure(conn: Connection) -> list[Finding]:
    """Return whether the database is made as the migrations make it; a restored one, too."""
    return _each(
        {
            "rights": lambda: look_at_rights(conn),
            "applications": lambda: checkup_reach.judge_reach(doctor.list_reach(conn)),
            "functions": lambda: checkup_reach.judge_functions(doctor.list_open_functions(conn)),
            "guards": lambda: checkup.judge_triggers(doctor.list_disabled_triggers(conn)),
            "policies": lambda: checkup.judge_policies(doctor.list_open_tables(conn)),
            "indexes": lambda: checkup.judge_indexes(
                doctor.expected_indexes(), doctor.list_indexes(conn)
            ),
        }
    )


def check_beside(conn: Connection, *, connections: Connections, options: Options) -> list[Finding]:
    """Return what can be said of what lies beside the database; nothing is written."""
    return _each(
        {
            "stores": lambda: look_at_stores(
                conn, options=options, probe_token=None, probes_buckets=False
            ),
            "connections": lambda: look_at_connections(conn, connections),
            "signing key": lambda: look_at_signing_key(connections),
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

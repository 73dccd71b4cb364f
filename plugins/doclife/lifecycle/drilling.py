"""The drill: restores a backup into a scratch database and proves what comes back from it.

The original is read in a session that cannot write. The backup is restored into a database that
the drill makes on another server and drops afterwards; the stores are read through
``RehearsalFilesystem``. So nothing of a drill remains but its report.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import conninfo

from doclife.connections import Connections
from doclife.domain import checkup, drill
from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.domain.drill import BackupRecord, DrillReport, Step
from doclife.errors import DoclifeError, RefusedError
from doclife.lifecycle import checkup as looks
from doclife.lifecycle.backing_up import list_chain_ends, read_record
from doclife.lifecycle.rehearsing import check_audit, compare_bytes, rehearse_replay
from doclife.lifecycle.signing import read_signing_key
from doclife.lifecycle.stores import Options, open_stores
from doclife.storage.rehearsal import RehearsalFilesystem
from doclife.storage.stores import Stores
from doclife.store import backups, clock, dumping, migrations, switches
from doclife.store.connection import Connection, connect, one_line
from doclife.store.scratch import (
    PREFIX,
    ServerFacts,
    borrowed_roles,
    connect_to_server,
    describe_server,
    scratch_database,
)

ABOUT_LOGINS = ("logins", "applications")


@dataclass(frozen=True, kw_only=True)
class DrillOrder:
    """What a drill is to do.

    :param folder: of the backup.
    :param server_url: a database of the server where the scratch one is made, as libpq takes it.
    :param may_use_same_server: also where the original lives.
    :param run_id: names the scratch database, with PREFIX before it, and chooses the sample.
    :param sample_size: how many of the bytes are compared, at most.
    :param heads: a folder of audit heads that somebody else keeps.
    :param keys: fingerprints of which every head must have been signed with one; none: any.
    :param jobs: how many tables and indexes are restored at a time.
    :param is_kept: the scratch database stays, for somebody to look at.
    """

    folder: Path
    server_url: str
    run_id: str
    may_use_same_server: bool = False
    sample_size: int = 100
    heads: Path | None = None
    keys: Sequence[str] = ()
    jobs: int = 2
    is_kept: bool = False


class _StoppedError(Exception):
    """A step found what makes the next ones impossible; it stands in the report."""


def run_drill(
    source: Connection,
    order: DrillOrder,
    *,
    connections: Connections,
    options: Options,
    stopwatch: Callable[[], float],
    on_step: Callable[[str], None],
) -> DrillReport:
    """Restore a backup into a scratch database, prove it, and drop the database.

    Killed, it leaves a database that the next drill drops. What is wrong stands in the report.

    :param source: the original; it can only read from now on.
    :param stopwatch: seconds since any moment.
    :param on_step: told the name of each step before it begins.
    :raises ConfigurationError: there is no backup in the folder, or the server cannot take it.
    :raises RefusedError: it is the server that the original lives on.
    """
    backups.only_read(source)
    backup = read_record(order.folder)
    now = clock.present(source)
    with ExitStack() as stack:
        server = stack.enter_context(connect_to_server(order.server_url))
        facts = describe_server(server)
        _refuse_original(source, facts, order)
        name = f"{PREFIX}{order.run_id}"
        report = DrillReport(
            backup=backup,
            started_at=now,
            server_version=facts.version,
            scratch=name,
            is_kept=order.is_kept,
            data_loss_seconds=(now - backup.taken_at).total_seconds(),
        )
        stack.enter_context(borrowed_roles(server, backup.roles, is_kept=order.is_kept))
        scratch_url = stack.enter_context(
            scratch_database(server, order.server_url, name=name, is_kept=order.is_kept)
        )
        course = _Course(stopwatch=stopwatch, on_step=on_step)
        try:
            course.must("restore", lambda: _restore(scratch_url, order, backup, facts))
            with connect(scratch_url, application_name="doclife drill") as scratch:
                _prove(source, scratch, order, backup, course, connections, options)
        except _StoppedError:
            return replace(report, steps=tuple(course.steps))
        return replace(report, steps=tuple(course.steps), is_whole=True)


def _prove(
    source: Connection,
    scratch: Connection,
    order: DrillOrder,
    backup: BackupRecord,
    course: "_Course",
    connections: Connections,
    options: Options,
) -> None:
    stores = open_stores(source, options=options).seen_through(RehearsalFilesystem)
    course.must("halted", lambda: _halted(scratch))
    course.step(
        "rows",
        lambda: [
            *drill.judge_rows(backup.rows, backups.count_rows(scratch)),
            *drill.judge_chain_ends(backup.chains, _chain_ends(scratch)),
        ],
    )
    course.must("migrations", lambda: _migrate(scratch, backup))
    # Who logs in is a matter of the server that one restores on in earnest.
    course.step(
        "structure",
        lambda: [one for one in looks.check_structure(scratch) if one.about not in ABOUT_LOGINS],
    )
    course.step(
        "audit",
        lambda: check_audit(
            scratch,
            stores=stores,
            outside=order.heads,
            keys=order.keys,
            backup=backup,
            now=clock.present(scratch),
        ),
    )
    course.step("queue", lambda: _queue(scratch))
    course.step("purges", lambda: _replay(source, scratch, stores, order, backup))
    course.step(
        "bytes",
        lambda: drill.judge_bytes(
            compare_bytes(scratch, stores=stores, seed=order.run_id, size=order.sample_size)
        ),
    )
    course.step("beside it", lambda: _beside(source, backup, connections, options))


class _Course:
    """Runs one step after another, and keeps what each found and how long it took."""

    def __init__(self, *, stopwatch: Callable[[], float], on_step: Callable[[str], None]) -> None:
        self.steps: list[Step] = []
        self._stopwatch = stopwatch
        self._on_step = on_step

    def step(self, name: str, look: Callable[[], Iterable[Finding]]) -> Step:
        """Run a step; what stops it is a finding, and hides no other step."""
        self._on_step(name)
        began = self._stopwatch()
        try:
            found = tuple(look())
        except DoclifeError as error:
            found = (fault(name, str(error), fix="correct what it names, and drill again"),)
        except psycopg.Error as error:
            found = (
                fault(
                    name,
                    # Its details quote rows, and so may it.
                    dumping.without_value(error.diag.message_primary or one_line(error)),
                    fix="look at the log of the scratch server, and drill again with --keep",
                ),
            )
        step = Step(name=name, seconds=round(self._stopwatch() - began, 3), findings=found)
        self.steps.append(step)
        return step

    def must(self, name: str, look: Callable[[], Iterable[Finding]]) -> None:
        """Run a step without which there is nothing more to look at."""
        if self.step(name, look).level is checkup.Level.FAULT:
            raise _StoppedError


def _refuse_original(source: Connection, facts: ServerFacts, order: DrillOrder) -> None:
    if describe_server(source).system_identifier != facts.system_identifier:
        return
    if not order.may_use_same_server:
        raise RefusedError(
            "--server is the server that the documents are on. A drill there proves little, and "
            "takes its memory and disk: name another one (./run drill brings its own), or add "
            "--same-server. Nothing was done."
        )


def _restore(
    url: str, order: DrillOrder, backup: BackupRecord, facts: ServerFacts
) -> Iterator[Finding]:
    major = backup.server_version // 10_000
    if facts.version // 10_000 != major:
        yield warning(
            "restore",
            f"the backup is of PostgreSQL {major}, the scratch server is {facts.version // 10_000}",
            fix="drill on the version that you would restore on",
        )
    dumping.restore(url, order.folder / backup.dump, server_version=facts.version, jobs=order.jobs)
    yield ok(
        "restore",
        f"{backup.size_bytes / 1e6:,.1f} MB of {backup.taken_at:%Y-%m-%d %H:%M} UTC are back, "
        f"into {conninfo.conninfo_to_dict(url)['dbname']}",
    )


def _halted(scratch: Connection) -> Iterator[Finding]:
    state = switches.read(scratch)
    yield from drill.judge_halt(is_adopted=state.is_adopted, reason=state.reason)


def _migrate(scratch: Connection, backup: BackupRecord) -> Iterator[Finding]:
    applied = migrations.migrate(scratch)
    if applied:
        yield ok("migrations", f"{len(applied)} newer than the backup were applied to it")
    else:
        yield ok("migrations", f"it is as new as the program: {backup.migration}")


def _chain_ends(scratch: Connection) -> dict[str, tuple[int, str]]:
    return {end.organization: (end.sequence, end.hash) for end in list_chain_ends(scratch)}


def _queue(scratch: Connection) -> Iterator[Finding]:
    queue = backups.describe_queue(scratch)
    yield ok(
        "queue",
        f"{queue.jobs} unfinished job(s) would be sent, {queue.leased} of them were under way: "
        "what was sent since the backup goes out once more, under the same id",
    )


def _replay(
    source: Connection,
    scratch: Connection,
    stores: Stores,
    order: DrillOrder,
    backup: BackupRecord,
) -> Iterator[Finding]:
    yield from drill.judge_replay(
        rehearse_replay(
            source,
            scratch,
            stores=stores,
            backup=backup,
            now=lambda: clock.present(scratch),
            run_id=order.run_id,
        )
    )


def _beside(
    source: Connection, backup: BackupRecord, connections: Connections, options: Options
) -> Iterator[Finding]:
    """Look for what a restored deployment needs and no dump of the database holds."""
    yield from looks.check_beside(source, connections=connections, options=options)
    key = read_signing_key(connections)
    if key is not None and backup.signing_keys and key.fingerprint not in backup.signing_keys:
        yield warning(
            "signing key",
            f"the key that is known here, {key.fingerprint[:16]}, has signed nothing of this "
            "backup",
            fix="keep the key that did: without it nothing more can be signed in its name",
        )

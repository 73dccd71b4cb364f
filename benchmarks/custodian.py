"""Conditions and daily digests beside Cloud Custodian's filters and mailer, on the same items.

**Conditions.** The peer (c7n) runs a policy's filters over items that it holds in memory, with
``or``, ``and``, ``in``, an age and an expiration. Ours is the same condition as a rule: compiled to
SQL, asked of the catalogue with PostgreSQL's parallel helpers off, every match fetched as a row.
Both must find the same number.

**Digests.** The peer (c7n-mailer) groups the items by owner, renders a template of ours with one
line each, and makes a MIME message. Ours collects what each owner's documents are about, renders
the real digest as HTML and as text, and stores it as a job: durable, once a day, with its audit
entry. Nothing is sent by either.
"""

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.benchmark import PEERS, Benchmark, run
from benchmarks.machine import processor_seconds, scratch
from benchmarks.peers import install_python
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.rule import Rule
from doclife.lifecycle.summarising import SECTION_ROWS, store_digests
from doclife.store import rule_tests
from doclife.store.connection import Connection

PACKAGES = ("c7n==0.9.53", "c7n-mailer==0.6.52")
SCRIPTS = Path(__file__).parent / "peers"
CONDITION = {
    "any": [
        {
            "all": [
                {"field": "document_type", "op": "in", "value": ["draft", "offer"]},
                {"field": "created_on", "op": "older_than", "value": "365d"},
            ]
        },
        {
            "all": [
                {"field": "size_bytes", "op": "gte", "value": 900_000},
                {"field": "expires_on", "op": "within_next", "value": "15d"},
            ]
        },
    ]
}
POLICY = {
    "policies": [
        {
            "name": "same-condition",
            "resource": "aws.ec2",
            "filters": [
                {
                    "or": [
                        {"and": [
                            {"type": "value", "key": "DocumentType", "op": "in",
                             "value": ["draft", "offer"]},
                            {"type": "value", "key": "CreatedOn", "value_type": "age",
                             "op": "gt", "value": 365},
                        ]},
                        {"and": [
                            {"type": "value", "key": "SizeBytes", "op": "gte", "value": 900_000},
                            {"type": "value", "key": "ExpiresOn", "value_type": "expiration",
                             "op": "lt", "value": 15},
                        ]},
                    ]
                }
            ],
        }
    ]
}  # fmt: skip
KINDS = ("contract", "draft", "invoice", "letter", "offer", "report")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    items: int = 100_000


@dataclass(frozen=True, kw_only=True)
class Took:
    """How many were found or made, and what that took."""

    count: int
    seconds: float
    processor: float
    """Seconds of the processor, PostgreSQL's included."""


def measure(sizes: Sizes) -> Iterator[Row]:
    python = install_python(PEERS / "custodian", PACKAGES)
    now = datetime.now(UTC)
    items = make_items(sizes.items, today=now.date())
    owners = len({each["owner"] for each in items})
    with (
        scratch() as folder,
        measured_server() as server,
        migrated_database(server, "custodian") as conn,
    ):
        fill(conn, items)
        peer = Peer(python, folder, items)
        found: dict[str, list[Took]] = {name: [] for name in ("ours", "c7n", "digest", "mailer")}
        for number in range(sizes.rounds):
            found["c7n"].append(peer.filter())
            found["ours"].append(match(conn, today=now.date()))
            found["mailer"].append(peer.mails())
            found["digest"].append(store(conn, now=now + timedelta(days=number)))
            print(f"round {number + 1}: {[each[-1] for each in found.values()]}", flush=True)
            for ours, theirs in (("ours", "c7n"), ("digest", "mailer")):
                assert found[ours][-1].count == found[theirs][-1].count, found
            assert found["digest"][-1].count == owners, owners
    matched = found["ours"][0].count
    yield from rows(
        f"a rule's condition asked of {sizes.items:,} documents, {matched:,} matches fetched",
        "c7n's filters on the same items in memory",
        found["ours"],
        found["c7n"],
    )
    yield from rows(
        f"{owners:,} digests of {sizes.items:,} documents: collected, rendered as HTML and text, "
        "stored as jobs",
        "c7n-mailer: grouped, rendered as HTML",
        found["digest"],
        found["mailer"],
    )


def rows(what: str, peer: str, ours: list[Took], theirs: list[Took]) -> Iterator[Row]:
    """Return the time, and what it cost: that says more where other things run too."""
    yield Row.of_rounds(
        what=what,
        peer=peer,
        of=Quantity.TIME,
        ours=[each.seconds for each in ours],
        theirs=[each.seconds for each in theirs],
        unit="s",
    )
    yield Row.of_rounds(
        what=f"the same, ours with PostgreSQL's share: {what}",
        peer=peer,
        of=Quantity.PROCESSOR,
        ours=[each.processor for each in ours],
        theirs=[each.processor for each in theirs],
        unit="s",
    )


def make_items(count: int, *, today: date) -> list[dict[str, Any]]:
    """Return documents of which each owner has as many as a digest shows.

    No date is near an edge of the condition, where a day of one is not quite that of the other.
    """
    chance = random.Random(1)
    ages = [days for days in range(1, 1500) if abs(days - 365) > 2]
    ahead = [days for days in range(8, 27) if abs(days - 15) > 2]
    return [
        {
            "id": f"document-{number:06}",
            "title": f"Minutes & notes, part {number}",
            "kind": chance.choice(KINDS),
            "owner": f"owner-{number // SECTION_ROWS}@example.org",
            "size": chance.randrange(1_000_000),
            "created_on": (today - timedelta(days=chance.choice(ages))).isoformat(),
            "expires_on": (today + timedelta(days=chance.choice(ahead))).isoformat(),
        }
        for number in range(count)
    ]


def fill(conn: Connection, items: list[dict[str, Any]]) -> None:
    """Make the items documents of the default organization."""
    conn.execute("SET session_replication_role = replica")
    with conn.cursor().copy(
        "COPY documents (organization_id, external_id, title, document_type, owner, size_bytes,"
        " created_on, expires_on) FROM STDIN"
    ) as copy:
        for each in items:
            copy.write_row((1, *(each[name] for name in COLUMNS)))
    conn.execute("SET session_replication_role = origin")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    conn.execute("VACUUM (ANALYZE)")


COLUMNS = ("id", "title", "kind", "owner", "size", "created_on", "expires_on")


class Peer:
    """Cloud Custodian, in a process of its own for each measurement."""

    def __init__(self, python: Path, folder: Path, items: list[dict[str, Any]]) -> None:
        self._python = python
        self._items = folder / "items.json"
        self._policy = folder / "policy.json"
        # Resources as its EC2 instances are: it knows no documents, and asks for the name of an id.
        as_resources = [
            {
                "InstanceId": each["id"],
                "Title": each["title"],
                "DocumentType": each["kind"],
                "SizeBytes": each["size"],
                "CreatedOn": each["created_on"],
                "ExpiresOn": each["expires_on"],
                "Tags": [{"Key": "OwnerContact", "Value": each["owner"]}],
            }
            for each in items
        ]
        self._items.write_text(json.dumps(as_resources))
        self._policy.write_text(json.dumps(POLICY))
        shutil.copy(SCRIPTS / "documents.html.j2", folder)
        self._folder = folder

    def filter(self) -> Took:
        return self._told("filter", self._policy)

    def mails(self) -> Took:
        return self._told("mails", self._folder)

    def _told(self, phase: str, configured: Path) -> Took:
        command = [self._python, SCRIPTS / "custodian_peer.py", phase, self._items, configured]
        return Took(**json.loads(subprocess.check_output(command).splitlines()[-1]))


def match(conn: Connection, *, today: date) -> Took:
    """Ask the catalogue for what matches, as a test of a rule does."""
    rule = Rule.from_document(
        {
            "name": "same-condition",
            "mode": "enforce",
            "trigger": {"type": "ON_SCHEDULE"},
            "when": CONDITION,
            "actions": [{"do": "DELETE"}],
        }
    )
    version = RuleVersion(
        rule_id=1, version_id=1, version=1, created_at=datetime.now(UTC), rule=rule
    )

    def work() -> int:
        compiler = Compiler(rule_version=version, metadata_types={}, time_zone="UTC", as_of=today)
        return len(rule_tests.list_hits(conn, compiler.hits(organization_id=1)))

    return metered(conn, work)


def store(conn: Connection, *, now: datetime) -> Took:
    """Store the digests of a day."""

    def work() -> int:
        outcome = store_digests(
            conn,
            now=now,
            as_of=now,
            actor="benchmark",
            dag_id="benchmark",
            run_id=now.isoformat(),
            is_early=True,
        )
        return outcome.jobs

    conn.execute("CHECKPOINT")
    return metered(conn, work)


def metered(conn: Connection, work: Callable[[], int]) -> Took:
    """Do something over this connection, and say what it took here and in PostgreSQL."""

    def spent() -> float:
        return time.process_time() + processor_seconds(conn.info.backend_pid)

    began, before = time.perf_counter(), spent()
    count = work()
    return Took(count=count, seconds=time.perf_counter() - began, processor=spent() - before)


BENCHMARK = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(rounds=1, items=2000))

if __name__ == "__main__":
    run(BENCHMARK, "custodian")

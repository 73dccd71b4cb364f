"""The audit chain: whoever writes lands in it, and whoever changes it afterwards is found.

Every kind of tampering is done by the superuser, with all triggers off, and must be named twice: by
the product, and by the auditors' file in a Python that has nothing installed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doclife.domain.signature import SigningKey
from doclife.errors import StorageError
from doclife.lifecycle import audit_heads, auditing
from doclife.store import audit, audit_chain, organizations
from doclife.store.connection import Connection, connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

from .conftest import ACTOR, NOW, World

KEY = SigningKey(seed=b"\x07" * 32)
STRANGER = SigningKey(seed=b"\x08" * 32)
Superuser = psycopg.Connection[Any]


@dataclass
class Chain:
    """A world with a chain of some batches, and whoever may do anything to it."""

    world: World
    superuser: Superuser

    def record(self, *reasons: str, organization_id: int = 1) -> None:
        """Commit one entry for each reason, together."""
        with self.world.conn.transaction():
            for reason in reasons:
                write(self.world.conn, reason, organization_id=organization_id)

    def entry(self, reason: str) -> int:
        """Return the number of an entry."""
        found = self.world.value("SELECT id FROM audit_entries WHERE reason = %s", reason)
        assert found is not None
        return int(found)

    def erase(self, document_id: int, **options: Any) -> int:
        """Erase what entries say about a document."""
        return int(
            self.world.value(
                "SELECT erase_audit_payload(1, ARRAY[%s], 'user:dpo', %s, 'request 5',"
                " erases_actors => %s)",
                document_id,
                NOW,
                options.get("erases_actors", False),
            )
        )

    def sign(self, key: SigningKey | None = KEY) -> audit_heads.SignedHeads:
        """Sign the heads of all chains."""
        return audit_heads.sign_heads(
            self.world.conn,
            key=key,
            stores=self.world.stores,
            now=self.world.now,
            actor="schedule",
        )

    @property
    def heads(self) -> Path:
        """Where the heads of the first organization left to."""
        return self.world.folder / "archive" / "heads" / "default"

    def verify(self, *, heads: Path | None = None) -> list[tuple[str, int | None, int | None]]:
        """Let both verifiers judge, which must agree; what they found, in one order."""
        tenant = organizations.find(self.world.conn, "default")
        ours = auditing.verify_chain(self.world.conn, tenant, heads=heads, now=NOW)
        found = sorted(
            ((one.kind, one.entry, one.batch) for one in ours.findings), key=str
        )  # None sorts with numbers
        theirs = offline(self.export(), heads=heads)
        assert theirs["fits"] is ours.fits
        assert sorted(map(spot, theirs["findings"]), key=str) == found
        assert theirs["erased"] == ours.erased
        return found

    def export(self) -> Path:
        """Write the chain of the first organization into a file."""
        file = self.world.folder / "export.jsonl"
        tenant = organizations.find(self.world.conn, "default")
        file.write_text(
            "".join(
                json.dumps(record) + "\n"
                for record in auditing.export_chain(self.world.conn, tenant, now=NOW)
            )
        )
        return file


def write(conn: Connection, reason: str, *, organization_id: int = 1) -> None:
    """Record one entry, in whatever transaction is under way."""
    audit.record(
        conn,
        organization_id=organization_id,
        at=NOW,
        actor=ACTOR,
        action="test.done",
        reason=reason,
        details={"note": "ä"},
    )


def spot(finding: dict[str, Any]) -> tuple[str, int | None, int | None]:
    return finding["kind"], finding["entry"], finding["batch"]


def offline(file: Path, *, heads: Path | None = None, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Let the auditors' file judge, without site packages and without our path."""
    options = [] if heads is None else ["--heads", str(heads)]
    options += [part for key in keys for part in ("--key", key)]
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            str(auditing.VERIFIER),
            "audit",
            str(file),
            "--json",
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["fits"] is (result.returncode == 0)
    return found


@pytest.fixture
def chain(world: World, postgres: Postgres) -> Iterator[Chain]:
    """Four batches: entries a1 and a2, b1 to b3, c1, and d1 with d2."""
    with psycopg.connect(postgres.url(world.conn.info.dbname), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("SET search_path = doclife")
        made = Chain(world, superuser)
        made.world.conn.execute(
            "INSERT INTO audit_entries (organization_id, at, actor, action, document_id, reason)"
            " SELECT 1, %s, %s, 'document.trashed', number, 'b' || number"
            " FROM generate_series(1, 3) AS number",
            (NOW, ACTOR),
        )
        made.record("a1", "a2")
        made.record("c1")
        made.record("d1", "d2")
        yield made


def last_sequence(chain: Chain) -> int:
    return int(chain.world.value("SELECT max(sequence) FROM audit_batches"))


def batch_of(chain: Chain, reason: str) -> int:
    return int(
        chain.world.value(
            "SELECT sequence FROM audit_batches AS batch INNER JOIN audit_commitments AS commitment"
            " ON commitment.id = commitments_id WHERE %s BETWEEN first_entry_id AND last_entry_id",
            chain.entry(reason),
        )
    )


def test_what_was_left_alone_fits(chain: Chain) -> None:
    assert chain.verify() == []
    assert chain.sign().signed == 1
    assert chain.verify(heads=chain.heads) == []


def test_every_entry_that_any_writer_left_is_in_a_batch(world: World, chain: Chain) -> None:
    documents = [world.add_document(f"one-{number}", document_type="x") for number in range(6)]
    world.enforce(
        when={"field": "document_type", "op": "eq", "value": "x"},
        actions=[{"do": "DELETE"}],
        grace="0d",
    )
    world.night()
    world.purge()

    actions = {
        action
        for (action,) in world.conn.execute("SELECT DISTINCT action FROM audit_entries").fetchall()
    }
    assert {"document.trashed", "document.purged"} <= actions
    assert world.status(documents[0]) == "purged"
    assert stray_entries(world.conn) == 0
    assert chain.verify() == []


def stray_entries(conn: Connection) -> int:
    """Return how many entries of any organization are in no batch."""
    return sum(len(audit_chain.list_strays(conn, one.id)) for one in organizations.list_all(conn))


EDIT = "UPDATE audit_entries SET reason = 'harmless' WHERE reason = 'b2'"
SWAP = """
UPDATE audit_entries AS entry SET actor = other.actor, reason = other.reason,
    document_id = other.document_id, action = other.action, at = other.at, details = other.details
FROM audit_entries AS other
WHERE (entry.reason, other.reason) IN (('b1', 'c1'), ('c1', 'b1'))
"""
RENUMBER = """
WITH gone AS (DELETE FROM audit_entries WHERE reason = 'b2' RETURNING *)
INSERT INTO audit_entries (
    id, organization_id, at, actor, rule, action, document_id, plan_id, reason, details
)
OVERRIDING SYSTEM VALUE
SELECT 1000, organization_id, at, actor, rule, action, document_id, plan_id, reason, details
FROM gone
"""
INSERT = """
INSERT INTO audit_entries (organization_id, actor, action, reason)
VALUES (1, 'user:olga', 'document.trashed', 'slipped in')
"""
REMOVE_BATCH = "DELETE FROM audit_batches WHERE sequence = %(batch)s"
EDIT_HEADER = (
    "UPDATE audit_batches SET created_at = created_at - interval '1 day' WHERE sequence = %(batch)s"
)
EDIT_LEAVES = """
UPDATE audit_commitments SET leaves = overlay(leaves PLACING '\\x00' FROM 20)
WHERE id = (SELECT commitments_id FROM audit_batches WHERE sequence = %(batch)s)
"""
MARK_ERASED = (
    "UPDATE audit_entries SET reason = 'erased', details = '{}', erased_by = 1 WHERE reason = 'b2'"
)


def test_an_edited_entry_is_named(chain: Chain) -> None:
    entry, batch = chain.entry("b2"), batch_of(chain, "b2")
    chain.superuser.execute(EDIT)
    assert chain.verify() == [("edited", entry, batch)]


def test_a_removed_entry_is_named(chain: Chain) -> None:
    entry, batch = chain.entry("b2"), batch_of(chain, "b2")
    chain.superuser.execute("DELETE FROM audit_entries WHERE reason = 'b2'")
    assert chain.verify() == [("removed", entry, batch)]


def test_an_inserted_entry_is_named(chain: Chain) -> None:
    chain.superuser.execute(INSERT)
    assert chain.verify() == [("inserted", chain.entry("slipped in"), None)]


def test_entries_that_changed_places_are_named_as_reordered(chain: Chain) -> None:
    here, there = chain.entry("b1"), chain.entry("c1")
    places = batch_of(chain, "b1"), batch_of(chain, "c1")
    chain.superuser.execute(SWAP)
    assert chain.verify() == sorted(
        [("reordered", here, places[0]), ("reordered", there, places[1])], key=str
    )


def test_an_entry_with_another_number_is_named_as_reordered(chain: Chain) -> None:
    chain.superuser.execute(RENUMBER)
    assert chain.verify() == [("reordered", 1000, None)]


def test_a_removed_batch_is_named_with_its_entries(chain: Chain) -> None:
    entry, batch = chain.entry("c1"), batch_of(chain, "c1")
    chain.superuser.execute(REMOVE_BATCH, {"batch": batch})
    assert chain.verify() == [("inserted", entry, None), ("removed", None, batch)]


@pytest.mark.parametrize("change", [EDIT_HEADER, EDIT_LEAVES], ids=["header", "leaves"])
def test_a_changed_batch_is_named(chain: Chain, change: str) -> None:
    batch = batch_of(chain, "b2")
    chain.superuser.execute(change, {"batch": batch})
    assert ("edited", None, batch) in chain.verify()


def test_a_batch_that_was_rewritten_whole_breaks_the_next_link(chain: Chain) -> None:
    batch = batch_of(chain, "b2")
    chain.superuser.execute(EDIT)
    rewrite(chain.superuser, batch)
    assert chain.verify() == [("edited", None, batch + 1)]


def test_a_chain_that_was_rewritten_to_its_end_does_not_fit_an_earlier_head(chain: Chain) -> None:
    chain.sign()
    head = last_sequence(chain)
    chain.superuser.execute(EDIT)
    for batch in range(batch_of(chain, "harmless"), head + 1):
        rewrite(chain.superuser, batch)
    assert chain.verify(heads=chain.heads) == [("edited", None, head)]
    assert chain.verify() == [("edited", None, head)]  # the heads in the database tell it too
    chain.superuser.execute("DELETE FROM audit_heads")
    assert chain.verify() == []  # why heads must leave
    assert chain.verify(heads=chain.heads) == [("edited", None, head)]


def rewrite(superuser: Superuser, sequence: int) -> None:
    """Make a batch fit what its entries say now, as one does who can do everything."""
    superuser.execute(
        "UPDATE audit_commitments AS c SET leaves = (SELECT string_agg(int8send(e.id) ||"
        " audit_commitment(audit_salt(c.secret, e.id), audit_payload(e.organization_id, e.at,"
        " e.actor, e.rule, e.action, e.document_id, e.plan_id, e.reason, e.details)), ''"
        " ORDER BY e.id) FROM audit_entries AS e JOIN audit_leaves(c.leaves) AS leaf"
        " ON leaf.entry_id = e.id) FROM audit_batches AS b"
        " WHERE b.commitments_id = c.id AND b.sequence = %s",
        (sequence,),
    )
    superuser.execute(
        "UPDATE audit_batches AS b SET root = sha256(c.leaves), previous_hash = coalesce((SELECT"
        " hash FROM audit_batches WHERE sequence = b.sequence - 1), audit_chain_start())"
        " FROM audit_commitments AS c WHERE b.commitments_id = c.id AND b.sequence = %s",
        (sequence,),
    )
    superuser.execute(
        "UPDATE audit_batches SET hash = audit_batch_hash(previous_hash, organization_id, sequence,"
        " entry_count, created_at, root) WHERE sequence = %s",
        (sequence,),
    )


def test_a_dropped_tail_is_seen_by_an_earlier_head(chain: Chain) -> None:
    chain.sign()
    head = last_sequence(chain)
    chain.superuser.execute("DELETE FROM audit_entries WHERE reason IN ('d1', 'd2')")
    for table in ("audit_heads", "audit_batches"):
        chain.superuser.execute(f"DELETE FROM {table} WHERE sequence >= %s", (head - 1,))
    assert chain.verify() == []
    assert chain.verify(heads=chain.heads) == [("dropped", None, head)]


def test_a_head_that_was_forged_is_named(chain: Chain) -> None:
    chain.sign(STRANGER)
    (file,) = chain.heads.iterdir()
    head = json.loads(file.read_text())

    assert offline(chain.export(), heads=chain.heads)["fits"]
    (found,) = offline(chain.export(), keys=[KEY.fingerprint])["findings"]
    assert found["kind"] == "forged"

    head["message"] = head["message"].replace('"sequence":', '"sequence":1')
    file.write_text(json.dumps(head))
    assert ("forged", None, None) in chain.verify(heads=chain.heads)


def test_after_a_new_key_heads_of_both_are_expected_however_they_are_written(chain: Chain) -> None:
    chain.sign()
    chain.record("one more")
    chain.sign(STRANGER)
    tenant = organizations.find(chain.world.conn, "default")

    def forged(*keys: str) -> list[str]:
        ours = auditing.verify_chain(chain.world.conn, tenant, keys=keys, now=NOW)
        theirs = offline(chain.export(), keys=keys)["findings"]
        assert [one["what"] for one in theirs] == [one.what for one in ours.findings]
        return [one["kind"] for one in theirs]

    both = (
        KEY.fingerprint.upper(),
        f" {STRANGER.public_key.hex()[:32]} {STRANGER.public_key.hex()[32:]}",
    )
    assert forged(*both) == []
    assert forged(both[0]) == forged(both[1]) == ["forged"]


def test_an_export_that_was_cut_or_shuffled_is_named(chain: Chain) -> None:
    file = chain.export()
    lines = file.read_text().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if r"\"b1\"" in line)
    second = first + 1

    def found(changed: list[str]) -> list[str]:
        file.write_text("".join(changed))
        return [one["kind"] for one in offline(file)["findings"]]

    shuffled = list(lines)
    shuffled[first], shuffled[second] = lines[second], lines[first]
    assert found(shuffled) == ["reordered"]
    assert found(lines[:first] + lines[first + 1 :]) == ["removed"]
    assert found(lines[:-1]) == ["dropped"]
    assert found(lines[: first + 2]) == ["removed", "dropped"]
    assert found(lines) == []


def test_what_is_no_export_is_refused(chain: Chain) -> None:
    file = chain.world.folder / "export.jsonl"
    for text in ("", "nonsense\n", "[]\n", '{"record": "batch"}\n', '{"record": "other"}\n'):
        file.write_text(text)
        result = subprocess.run(
            [sys.executable, "-I", "-S", str(auditing.VERIFIER), "audit", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr


def test_an_erased_entry_still_verifies_and_is_counted(chain: Chain) -> None:
    entry = chain.entry("b2")
    assert chain.erase(2) == 1
    assert chain.erase(2) == 0

    assert chain.verify() == []
    row = chain.world.conn.execute(
        "SELECT actor, action, document_id, reason, details FROM audit_entries WHERE id = %s",
        (entry,),
    ).fetchone()
    assert row == (ACTOR, "document.trashed", 2, "erased", {})
    assert offline(chain.export())["erased"] == [entry]
    assert r"\"b2\"" not in chain.export().read_text()

    assert chain.erase(2, erases_actors=True) == 1
    assert chain.verify() == []
    erased = chain.world.value("SELECT actor FROM audit_entries WHERE id = %s", entry)
    assert erased == "erased"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET action = 'document.restored' WHERE id = %s",
        "UPDATE audit_entries SET reason = 'because' WHERE id = %s",
        "UPDATE audit_entries SET erased_by = NULL WHERE id = %s",
        "UPDATE audit_entries SET erased_by = 1 WHERE id = %s",
        "UPDATE audit_entries SET document_id = 3 WHERE id = %s",
    ],
)
def test_what_is_left_of_an_erased_entry_cannot_be_edited(chain: Chain, change: Any) -> None:
    entry, batch = chain.entry("b2"), batch_of(chain, "b2")
    chain.erase(2)
    chain.superuser.execute(change, (entry,))
    assert chain.verify() == [("edited", entry, batch)]


def test_an_entry_that_only_says_it_was_erased_is_named(chain: Chain) -> None:
    entry, batch = chain.entry("b2"), batch_of(chain, "b2")
    chain.superuser.execute(MARK_ERASED)
    assert chain.verify() == [("edited", entry, batch)]


def test_an_entry_that_was_edited_before_it_was_erased_is_named(chain: Chain) -> None:
    entry = chain.entry("b2")
    chain.superuser.execute(EDIT)
    chain.erase(2)
    assert chain.verify() == [("edited", entry, None)]


def test_many_entries_are_erased_at_once_and_their_neighbours_still_verify(chain: Chain) -> None:
    chain.world.conn.execute(
        "INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)"
        " SELECT 1, 'schedule', 'document.trashed', 1 + number % 2 * 1000, 'text ' || number"
        " FROM generate_series(1, 5000) AS number"
    )
    assert chain.erase(1) == 2501
    assert chain.verify() == []
    left = chain.world.value(
        "SELECT count(*) FROM audit_entries WHERE starts_with(reason, 'text ')"
    )
    assert left == 2500
    assert (
        chain.world.value("SELECT count(*) FROM audit_entries WHERE action = 'audit.erased'") == 3
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET reason = 'erased', details = '{}' WHERE reason = 'b2'",
        "UPDATE audit_entries SET actor = 'user:nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_batches SET hash = root",
        "DELETE FROM audit_batches",
        "UPDATE audit_commitments SET leaves = leaves",
        "UPDATE audit_commitments SET secret = 'x'",
        "DELETE FROM audit_commitments",
    ],
)
def test_the_owner_changes_nothing_of_the_chain(chain: Chain, change: Any) -> None:
    with pytest.raises((psycopg.errors.RestrictViolation, psycopg.errors.FeatureNotSupported)):
        chain.world.conn.execute(change)
    assert chain.verify() == []


def test_a_transaction_in_part_or_whole_rolled_back_leaves_nothing(chain: Chain) -> None:
    before = last_sequence(chain)
    conn = chain.world.conn
    with conn.transaction():
        write(conn, "kept")
        with conn.transaction(force_rollback=True):
            write(conn, "not kept")
        write(conn, "kept too")
    with conn.transaction(force_rollback=True):
        write(conn, "never")

    assert last_sequence(chain) == before + 2
    assert chain.verify() == []
    assert stray_entries(conn) == 0


def test_a_writer_that_is_killed_before_its_commit_leaves_no_gap(chain: Chain) -> None:
    before = last_sequence(chain)
    writer = chain.world.another_connection()
    writer.execute("BEGIN")
    write(writer, "lost")
    writer.execute("SET CONSTRAINTS ALL IMMEDIATE")  # its link is there, and nobody sees it yet
    os.kill(writer.info.backend_pid, signal.SIGTERM)
    with pytest.raises(psycopg.OperationalError):
        writer.execute("COMMIT")
    chain.record("after")

    assert last_sequence(chain) == before + 1
    assert chain.verify() == []


def test_writers_at_once_never_wait_before_their_commits_and_leave_one_chain(chain: Chain) -> None:
    other = add_organization(chain)
    begun = threading.Barrier(4, timeout=60)
    faults: list[Exception] = []

    def work(number: int, first: int, second: int) -> None:
        try:
            with chain.world.another_connection() as conn:
                for turn in range(10):
                    with conn.transaction():
                        write(conn, f"{number} {turn} a", organization_id=first)
                        begun.wait()  # everybody has written, and nobody has committed
                        write(conn, f"{number} {turn} b", organization_id=second)
        except (psycopg.Error, threading.BrokenBarrierError) as fault:
            faults.append(fault)
            begun.abort()

    orders = [(1, other), (other, 1), (1, 1), (other, 1)]
    threads = [
        threading.Thread(target=work, args=(number, *order)) for number, order in enumerate(orders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert chain.verify() == []
    assert stray_entries(chain.world.conn) == 0
    sequences = chain.world.conn.execute(
        "SELECT organization_id, count(*), max(sequence) FROM audit_batches GROUP BY 1"
    ).fetchall()
    assert all(count == last for _, count, last in sequences)


def add_organization(chain: Chain) -> int:
    return int(
        chain.world.value(
            "INSERT INTO organizations (slug, name) VALUES ('other', 'Other') RETURNING id"
        )
    )


def test_a_chain_is_verified_while_others_append(chain: Chain) -> None:
    tenant = organizations.find(chain.world.conn, "default")
    with chain.world.another_connection() as conn:
        records = auditing.export_chain(conn, tenant, now=NOW)
        seen = [next(records), next(records)]
        chain.record("meanwhile")
        seen += list(records)
    assert "meanwhile" not in json.dumps(seen)
    assert seen[-1] == {"record": "end", "last_sequence": last_sequence(chain) - 1}
    assert auditing._verifier().verify_audit(seen)["fits"]


def test_who_reads_as_of_an_earlier_moment_is_told_to_try_again(chain: Chain) -> None:
    with chain.world.another_connection() as conn:
        conn.execute("BEGIN")
        audit_chain.read_as_of_now(conn)
        conn.execute("SELECT count(*) FROM audit_entries")
        chain.record("meanwhile")
        write(conn, "late")
        with pytest.raises(psycopg.errors.SerializationFailure):
            conn.execute("COMMIT")
    assert chain.verify() == []


def test_nobody_but_who_audits_locks_a_chain(chain: Chain) -> None:
    """Neither by an advisory lock nor by naming other organizations."""
    other = add_organization(chain)
    with chain.world.another_connection() as stranger, chain.world.another_connection() as conn:
        stranger.execute("SELECT pg_advisory_lock(hashtextextended('doclife audit chain', 1))")
        stranger.execute("BEGIN")
        stranger.execute(
            "SELECT set_config('doclife.audited_organizations', %s, true)", (f"1,{other}",)
        )
        write(stranger, "its own", organization_id=other)
        stranger.execute("SET CONSTRAINTS ALL IMMEDIATE")
        conn.execute("SET lock_timeout = '100ms'")
        write(conn, "of the first")
        stranger.execute("COMMIT")
    for group in ("doclife_application", "doclife_reader"):
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            query = "SELECT has_table_privilege(%s, 'doclife.audit_chains', %s)"
            assert not chain.world.value(query, group, right)
    assert chain.verify() == []


def test_who_holds_the_chains_reads_what_was_appended_before_and_appends_alone(
    chain: Chain,
) -> None:
    with chain.world.another_connection() as conn, chain.world.another_connection() as late:
        chain.record("before")
        with conn.transaction():
            audit_chain.read_as_of_now(conn)
            audit_chain.hold_chains(conn)
            late.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                write(late, "meanwhile")
            write(conn, "alone")
        write(late, "after")
    assert chain.verify() == []


def test_a_large_statement_leaves_commitments_each_of_which_is_erased_alone(chain: Chain) -> None:
    before = last_sequence(chain)
    chain.world.conn.execute(
        "INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)"
        " SELECT 1, 'x', 'document.expired', number, 'large ' || number"
        " FROM generate_series(1, 4500) AS number"
    )

    assert last_sequence(chain) == before + 3
    newest = (
        "FROM (SELECT * FROM audit_commitments ORDER BY id DESC LIMIT %s) AS newest"
        " WHERE entry_count > 1"
    )
    counts = f"SELECT array_agg(entry_count ORDER BY id) {newest}"
    assert chain.world.value(counts, 3) == [2000, 2000, 500]
    assert chain.world.value(f"SELECT count(DISTINCT secret) {newest}", 3) == 3
    chain.world.conn.execute(
        "SELECT erase_audit_payload(1, '{}', 'x', now(), 'asked', ARRAY[%s::bigint])",
        (chain.entry("large 2500"),),
    )
    assert chain.world.value(f"SELECT count(secret) {newest}", 4) == 2
    assert chain.verify() == []


def test_only_an_erasure_says_that_an_entry_was_erased(chain: Chain, postgres: Postgres) -> None:
    query = (
        "INSERT INTO doclife.audit_entries (organization_id, actor, action, reason)"
        " VALUES (1, 'x', 'audit.erased', 'not true')"
    )
    tasks = role_url(postgres, chain.world.conn.info.dbname, role=databases.TASKS)
    with connect(tasks) as conn, pytest.raises(psycopg.errors.RestrictViolation):
        conn.execute(query)
    with pytest.raises(psycopg.errors.RestrictViolation):
        chain.world.conn.execute(query)


def test_entries_that_are_copied_in_are_committed_to(chain: Chain) -> None:
    with (
        chain.world.conn.transaction(),
        chain.world.conn.cursor() as cursor,
        cursor.copy(
            "COPY audit_entries (organization_id, actor, action, reason) FROM STDIN"
        ) as copy,
    ):
        for number in range(100):
            copy.write_row((1, "cli:olga", "test.copied", str(number)))
    assert stray_entries(chain.world.conn) == 0
    assert chain.verify() == []


def test_a_head_is_signed_once_written_and_told(chain: Chain) -> None:
    first = chain.sign()
    assert (first.signed, first.written, first.unsigned) == (1, 1, 0)
    assert chain.sign().signed == 0
    chain.record("more")
    chain.world.later(days=1)
    assert chain.sign().signed == 1
    assert chain.sign(STRANGER).signed == 1  # a new key signs the same link again

    assert len(list(chain.heads.iterdir())) == 3
    events = chain.world.conn.execute(
        "SELECT subject, payload ->> 'signing_key' FROM events WHERE type = 'audit.head_signed'"
        " ORDER BY id"
    ).fetchall()
    assert [key for _, key in events] == [KEY.fingerprint, KEY.fingerprint, STRANGER.fingerprint]
    assert chain.verify(heads=chain.heads) == []


def test_without_a_key_nothing_is_signed_and_a_warning_says_so(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    assert chain.sign(None).unsigned == 1
    assert "doclife signing-key new" in caplog.text
    assert not chain.heads.exists()


def test_a_head_that_the_archive_did_not_take_is_signed_by_the_next_call(chain: Chain) -> None:
    marker = next((chain.world.folder / "archive").glob(".doclife-store*"))
    content = marker.read_bytes()
    marker.unlink()
    with pytest.raises(StorageError, match="the next run tries again"):
        chain.sign()
    marker.write_bytes(content)
    assert chain.sign().written == 1

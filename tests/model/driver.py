"""The real system under a history: the lifecycle functions, a real PostgreSQL and real files.

Two things are not as in production. The database's own clock, where triggers and defaults read
it, is the history's clock. And a connection can be made to die before its n-th statement
or write, the way a killed process dies: nothing it does afterwards reaches database or store.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.types.json import Jsonb

from doclife.domain.actions import ActionType
from doclife.domain.condition import Condition
from doclife.domain.review import Answer, Keeping
from doclife.domain.rule import Mode, Rule
from doclife.errors import RefusedError
from doclife.lifecycle import (
    applying,
    cleaning,
    deciding,
    expiring,
    halting,
    holding,
    matters,
    planning,
    reviewing,
    undo,
)
from doclife.storage.stores import StoreRecord, Stores
from doclife.store import organizations, rules
from doclife.store.connection import prepare
from tests.model.histories import METADATA
from tests.model.history_clock import set_clock, use_history_clock
from tests.model.mortality import Fuse, MortalCursor, MortalFilesystem

RUN = {"dag_id": "model_test", "requested_by": "schedule"}
ACTOR = "user:model"

NO_LIMITS = "UPDATE deployment SET max_documents_per_day = 1000000, max_fraction_per_day = 1"

# Everything a history leaves behind, referring rows first. Triggers are off while it goes.
LEFTOVERS = (
    "plan_shards", "plan_items", "plan_decisions", "plan_reviews", "plans", "matter_documents",
    "matters", "dispositions", "forecasts", "notices", "notifications", "events",
    "event_reactions", "audit_entries", "audit_batches", "audit_heads", "audit_commitments",
    "jobs", "certificates", "documents_to_check", "documents",
    "stored_objects", "archive_bags",
    "rule_versions", "rules", "metadata_fields", "expiry_watermarks", "job_keys",
)  # fmt: skip
# Deleting is quicker than truncating, until what was deleted lies about in heaps.
TRUNCATE_EVERY = 50


class System:
    """One migrated database and one folder of files, used by one history after the other."""

    def __init__(self, *, url: str, superuser_url: str, folder: Path) -> None:
        self.url, self.superuser_url, self.folder = url, superuser_url, folder
        self.numbers = itertools.count(1)
        self.forgotten = 0
        self.fuse = Fuse()
        self.moment = datetime.now(UTC)
        self.conn = self._connect()
        self.superuser = psycopg.connect(superuser_url, autocommit=True)
        use_history_clock(self.superuser)
        self.superuser.execute("SET session_replication_role = replica")
        self.superuser.execute("SET search_path = doclife")
        self.superuser.execute(NO_LIMITS)
        self.stores = self._make_stores()

    def _connect(self) -> psycopg.Connection[Any]:
        conn = psycopg.connect(self.url, autocommit=True, cursor_factory=MortalCursor)
        cast(Any, conn).fuse = self.fuse
        prepare(conn, application_name="doclife model test")
        self.backend = conn.info.backend_pid
        return conn

    def _make_stores(self) -> Stores:
        for name in ("documents", "archive"):
            root = self.folder / name
            root.mkdir()
            self.conn.execute(
                "INSERT INTO stores (name, root_uri) VALUES (%s, %s)", (name, f"file://{root}")
            )
        stores = open_stores(self.conn, self.fuse)
        for store in stores:
            store.claim()
        return stores

    def set_clock(self, now: datetime) -> None:
        self.moment = now
        set_clock(self.conn, now)

    def fresh_connection(self) -> None:
        """Somebody else takes over after the process died."""
        self.conn.close()
        # What the dead one held is free when its server process has gone, not a moment before.
        self.superuser.execute("SELECT pg_terminate_backend(%s, 10000)", (self.backend,))
        self.fuse.steps_left, self.fuse.is_blown = None, False
        self.conn = self._connect()
        self.set_clock(self.moment)

    def halt(self) -> None:
        halting.halt(self.conn, reason="the history says so", actor=ACTOR, now=self.moment)

    def resume(self) -> None:
        halting.resume(self.conn, actor=ACTOR, now=self.moment)

    def clone(self) -> None:
        self.superuser.execute("UPDATE deployment SET cluster_identity = 'another server'")

    def adopt(self) -> None:
        halting.adopt(self.conn, actor=ACTOR, now=self.moment, takes_over=True)

    def sweep(self) -> None:
        cleaning.sweep_bags(self.conn, now=self.moment, stores=self.stores)

    def forget(self) -> None:
        """Remove what the last history left, so that every history starts alike."""
        self.forgotten += 1
        if self.forgotten % TRUNCATE_EVERY == 0:
            # Not organizations: what refers to them goes too, and stores do.
            self.superuser.execute(f"TRUNCATE {', '.join(LEFTOVERS)} CASCADE")
        for table in (*LEFTOVERS, "organizations"):
            self.superuser.execute(f"DELETE FROM {table}")
        self.superuser.execute("UPDATE switches SET is_on = false, reason = NULL")
        self.superuser.execute("UPDATE deployment SET cluster_identity = cluster_identity()")


class Organization:
    """One organization of one history."""

    def __init__(self, system: System, setup: dict[str, Any], start: datetime) -> None:
        self.system, self.slug = system, f"model-{next(system.numbers)}"
        self.ids: dict[str, int] = {}
        self.versions: dict[str, int] = {}
        self.originals: dict[str, Path] = {}
        self.objects: dict[str, int] = {}
        self.folder = system.folder / "documents" / self.slug
        self.folder.mkdir()
        limits = setup["limits"]
        row = self.conn.execute(
            "INSERT INTO organizations (slug, name, time_zone, cooling_off_days, reprieve_days,"
            " max_documents_per_day, max_fraction_per_day) VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " RETURNING id",
            (self.slug, self.slug, setup["zone"], setup["cooling_off_days"], setup["reprieve_days"],
             limits["max_documents"], limits["max_fraction"]),
        ).fetchone()  # fmt: skip
        assert row is not None
        self.id: int = row[0]
        for name, kind in METADATA.items():
            self.conn.execute(
                "INSERT INTO metadata_fields VALUES (%s, %s, %s)", (self.id, name, kind)
            )

    @property
    def conn(self) -> psycopg.Connection[Any]:
        return self.system.conn

    # ------------------------------------------------------------------------------------- facts
    def register(
        self, name: str, file: str, values: dict[str, Any], registered_at: datetime
    ) -> None:
        if file not in self.objects:
            content = self.content(file)
            self.originals[file] = self.folder / file
            self.originals[file].write_bytes(content)
            row = self.conn.execute(
                "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
                " SELECT id, %s, %s, %s FROM stores WHERE name = 'documents' RETURNING id",
                (self.originals[file].as_uri(), len(content), hashlib.sha256(content).digest()),
            ).fetchone()
            assert row is not None
            self.objects[file] = row[0]
        plain = {field: value for field, value in values.items() if "." not in field}
        columns = {
            "organization_id": self.id, "external_id": name, "title": name,
            "stored_object_id": self.objects[file], "registered_at": registered_at,
            "metadata": Jsonb(metadata_of(values)), **plain,
        }  # fmt: skip
        places = ", ".join(["%s"] * len(columns))
        row = self.conn.execute(
            f"INSERT INTO documents ({', '.join(columns)}) VALUES ({places}) RETURNING id",
            list(columns.values()),
        ).fetchone()
        assert row is not None
        self.ids[name] = row[0]

    def change(self, name: str, field: str, value: Any) -> None:
        key = field.removeprefix("metadata.")
        if key != field:
            self.conn.execute(
                "UPDATE documents SET metadata = metadata || %s WHERE id = %s",
                (Jsonb({key: value}), self.ids[name]),
            )
        else:
            self.conn.execute(
                f"UPDATE documents SET {field} = %s WHERE id = %s", (value, self.ids[name])
            )

    def emit(self, name: str, event_type: str, on: date) -> int:
        row = self.conn.execute(
            "SELECT emit_event(%s, %s, organization => %s, occurred_on => %s)",
            (event_type, name, self.slug, on),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def withdraw(self, event_id: int, now: datetime) -> None:
        self.conn.execute(
            "UPDATE events SET withdrawn_at = %s, withdrawn_by = %s WHERE id = %s",
            (now, ACTOR, event_id),
        )

    def make_current(self, text: dict[str, Any], now: datetime) -> None:
        """Store a version; not by way of a rule file, reading YAML would take half the time."""
        with self.conn.transaction():
            organizations.lock_rules(self.conn, self.id, shared=False)
            version = rules.add_version(
                self.conn,
                organization_id=self.id,
                rule=Rule.from_document(text),
                source=json.dumps(text),
                author="model",
                commit=None,
                now=now,
            )
        self.versions[text["name"]] = version.version_id

    def remove_rule(self, name: str, now: datetime) -> None:
        with self.conn.transaction():
            organizations.lock_rules(self.conn, self.id, shared=False)
            rules.remove(self.conn, organization_id=self.id, name=name, now=now)

    def tamper(self, path: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(b"X" * path.stat().st_size)

    def hold(self, matter: str, name: str, now: datetime) -> None:
        holding.hold(
            self.conn, organization=self.slug, matter=matter, reason="a law suit",
            document_ids=[self.ids[name]], actor=ACTOR, now=now,
        )  # fmt: skip

    def release(self, matter: str, name: str, now: datetime) -> None:
        holding.release(
            self.conn, organization=self.slug, matter=matter, document_ids=[self.ids[name]],
            actor=ACTOR, now=now,
        )  # fmt: skip

    def open_matter(self, name: str, when: dict[str, Any], now: datetime) -> None:
        matters.open_matter(
            self.conn, organization=self.slug, name=name, reason="a law suit",
            condition=self.condition(when), actor=ACTOR, now=now,
        )  # fmt: skip

    def change_condition(self, name: str, when: dict[str, Any], now: datetime) -> None:
        matters.change_condition(
            self.conn, organization=self.slug, name=name, condition=self.condition(when),
            actor=ACTOR, now=now,
        )  # fmt: skip

    def close_matter(self, name: str, now: datetime) -> None:
        matters.close_matter(self.conn, organization=self.slug, name=name, actor=ACTOR, now=now)

    def condition(self, when: dict[str, Any]) -> Condition:
        return matters.read_condition_file(
            self.conn, organization=self.slug, text=json.dumps({"when": when}), file="history"
        )

    def decide(
        self, plan_id: int, name: str, answer: str, until: date, matter: str, now: datetime
    ) -> list[int]:
        return deciding.keep_documents(
            self.conn, plan_id=plan_id, document_ids=[self.ids[name]],
            keeping=Keeping(
                answer=Answer(answer), until=until if answer == "extend" else None, matter=matter
            ),
            actor=ACTOR, now=now,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------- deeds
    def restore(self, name: str, now: datetime) -> None:
        undo.restore_documents(
            self.conn, organization=self.slug, document_ids=[self.ids[name]], now=now, actor=ACTOR,
            reason="still needed", stores=self.system.stores,
        )  # fmt: skip

    def undo(self, plan_id: int, now: datetime) -> None:
        undo.undo_plan(self.conn, plan_id=plan_id, now=now, actor=ACTOR, stores=self.system.stores)

    def plan_night(self, run_id: str, now: datetime, as_of: datetime) -> list[Any]:
        expiring.expire(self.conn, now=now, as_of=as_of, actor="schedule", organization=self.slug)
        return planning.plan_due_rules(
            self.conn, now=now, as_of=as_of, run_id=run_id, organization=self.slug, **RUN
        )

    def plan_rule(self, name: str, run_id: str, now: datetime, as_of: datetime, mode: str) -> Any:
        return planning.plan_rule(
            self.conn, rule_version_id=self.versions[name], now=now, as_of=as_of, run_id=run_id,
            mode=Mode(mode), **RUN,
        )  # fmt: skip

    def plan_selection(self, run_id: str, names: list[str], action: str, now: datetime) -> Any:
        return planning.plan_selection(
            self.conn, organization=self.slug, action=ActionType(action),
            document_ids=[self.ids[name] for name in names], now=now, as_of=now, run_id=run_id,
            reason="spring cleaning", **RUN,
        )  # fmt: skip

    def plan_weekly(self, run_id: str, now: datetime) -> list[Any]:
        return planning.plan_purges(self.conn, now=now, run_id=run_id, **RUN)

    def answer(
        self, plan_id: int, answer: str, actor: str, until: date, matter: str, now: datetime
    ) -> str | None:
        """Answer the next question about a plan, as the review DAG does; None if there is none."""
        question = reviewing.find_question(self.conn, plan_id=plan_id, stage=None, attempt=None)
        if question is None:
            return None
        run = {"dag_id": "review", "run_id": f"{plan_id}-{question.stage}-{question.attempt}"}
        if reviewing.ask(self.conn, question, now=now, **run) is None:
            return None
        form = {"extend_until": until.isoformat(), "matter": matter}
        reviewing.receive_answer(
            self.conn, answer=answer, form=form, answered_by=actor, answered_at=now, **run
        )
        verdict = reviewing.decide_run(self.conn, now=now, **run)
        return verdict and str(verdict.outcome)

    def apply(self, plan_id: int, now: datetime) -> str | None:
        """Apply a plan; return why it was refused as a whole, None when it was not."""
        try:
            for shard in applying.start(self.conn, plan_id=plan_id, now=now):
                applying.apply_shard(
                    self.conn,
                    shard=shard,
                    now=lambda: now,
                    actor="schedule",
                    stores=self.system.stores,
                )
            applying.finish(self.conn, plan_id=plan_id, now=now)
        except RefusedError as refusal:
            return str(refusal)
        return None

    def plan_state(self, plan_id: int) -> str:
        row = self.conn.execute("SELECT state FROM plans WHERE id = %s", (plan_id,)).fetchone()
        assert row is not None
        return str(row[0])

    # ------------------------------------------------------------------------------ observations
    def content(self, file: str) -> bytes:
        return f"{self.slug}/{file}".encode()

    def contents(self) -> dict[bytes, Path]:
        """Everything that lies in this organization's part of the stores, and where."""
        folders = [self.system.folder / store / self.slug for store in ("documents", "archive")]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {path.read_bytes(): path for path in files}

    def documents(self) -> dict[str, dict[str, Any]]:
        cursor = self.conn.cursor(row_factory=psycopg.rows.dict_row)
        rows = cursor.execute(
            "SELECT document.id, document.status, document.status_before,"
            " document.hold_count, document.purge_after, document.original_until,"
            " document.reprieve_until, original.uri AS original, bag.uri AS bag"
            " FROM documents AS document"
            " LEFT JOIN stored_objects AS original ON original.id = document.stored_object_id"
            " LEFT JOIN stored_objects AS bag ON bag.id = document.archived_object_id"
            " WHERE document.organization_id = %s", (self.id,),
        )  # fmt: skip
        return {self.name(row["id"]): row for row in rows}

    def name(self, document_id: int) -> str:
        """What the history calls a document; a purged one does not know it any more."""
        return next(name for name, each in self.ids.items() if each == document_id)

    def holds(self) -> list[tuple[str, str]]:
        """Every matter with the name of a document that it holds."""
        rows = self.conn.execute(
            "SELECT matter.name, held.document_id FROM matter_documents AS held"
            " INNER JOIN matters AS matter ON matter.id = held.matter_id"
            " WHERE matter.organization_id = %s"
            " AND held.released_at IS NULL AND held.too_late_since IS NULL", (self.id,),
        )  # fmt: skip
        return [(matter, self.name(document_id)) for matter, document_id in rows]

    def items(self, plan_id: int) -> dict[tuple[str, str], tuple[str, str | None]]:
        rows = self.conn.execute(
            "SELECT item.document_id, item.action, item.state, item.reason_code"
            " FROM plan_items AS item"
            " WHERE item.plan_id = %s AND item.action NOT IN ('NOTIFY', 'WEBHOOK')", (plan_id,),
        )  # fmt: skip
        return {
            (self.name(document_id), action): (state, reason)
            for document_id, action, state, reason in rows
        }


def metadata_of(values: dict[str, Any]) -> dict[str, Any]:
    return {
        field.removeprefix("metadata."): value
        for field, value in values.items()
        if field.startswith("metadata.")
    }


def open_stores(conn: psycopg.Connection[Any], fuse: Fuse) -> Stores:
    found = conn.execute(
        "SELECT id, name, root_uri, marker_id, deployment_id FROM stores, deployment"
    ).fetchall()
    return Stores(
        [
            StoreRecord(store_id=id_, name=name, root_uri=uri, marker_id=marker)
            for id_, name, uri, marker, _ in found
        ],
        deployment_id=found[0][4],
        open_filesystem=lambda root_uri, options: MortalFilesystem(fuse),
    )

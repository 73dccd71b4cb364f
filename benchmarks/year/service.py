"""One release of doclife as a process of its own: it does what the DAGs do, and may be killed.

    python -m benchmarks.year.service SETTINGS

Reads one command a line from standard input and answers each with a line. What it imports of
doclife lies where PYTHONPATH says: the files of that release, old or new. What only newer ones have
(certificates, audit heads, fixity checks) is done as soon as there is a release that has it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

import psycopg

from doclife.connections import ServiceConnection
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.guard import Guard, read_networks
from doclife.delivery.mail import Sender
from doclife.delivery.mail_service import MailService, Provider, Security
from doclife.domain.rule import Rule
from doclife.errors import DoclifeError, RefusedError
from doclife.lifecycle import (
    applying,
    cleaning,
    endpoints,
    expiring,
    forecasting,
    halting,
    holding,
    matters,
    planning,
    registering,
    reviewing,
    running,
    summarising,
    undo,
)
from doclife.lifecycle.draining import DrainSettings
from doclife.lifecycle.sending import drain_queue
from doclife.lifecycle.stores import open_stores, register_store
from doclife.storage.stores import Stores
from doclife.store import organizations, reviews, rules
from doclife.store.connection import Connection, connect
from doclife.store.migrations import migrate
from tests.model.history_clock import read_history_clock, set_clock

Answer = dict[str, Any]
SCHEDULE = "schedule"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LEASE_SECONDS = 2
"""Of a process that drains; a short one, because it is waited for when one was killed."""
CHANGES_OF_FILES = ("fsync", "link", "rename", "replace", "unlink", "rmdir")


def die_after(steps: int) -> None:
    """Be killed before so many words with the database and changes of files have been had."""
    left = count(steps, -1)

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if next(left) <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counted

    psycopg.Connection.wait = dying(psycopg.Connection.wait)
    for name in CHANGES_OF_FILES:
        setattr(os, name, dying(getattr(os, name)))


def newer(module: str) -> Any:
    """Return a module of doclife that this release may not have; None then."""
    try:
        return importlib.import_module(f"doclife.{module}")
    except ModuleNotFoundError:
        return None


class Service:
    """What the DAGs, the command line and the dashboard do, at the moment of each command."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.url: str = settings["url"]
        self.now: datetime = datetime.fromisoformat(settings["now"])
        self.chance = random.Random(settings["seed"])
        self.dies_applying: int | None = None
        self._conn: Connection | None = None

    @property
    def conn(self) -> Connection:
        if self._conn is None:
            self._conn = self.connect()
        return self._conn

    @property
    def stores(self) -> Stores:
        return open_stores(self.conn, options=lambda _connection_id: {})

    @property
    def key(self) -> Any:
        return newer("domain.signature").key_of_text(self.settings["signing_key"])

    def connect(self) -> Connection:
        conn = connect(self.url, application_name="doclife year")
        read_history_clock(conn)
        set_clock(conn, self.now)
        return conn

    def obey(self, command: dict[str, Any]) -> Answer:
        self.now = datetime.fromisoformat(command.pop("now"))
        steps = command.pop("dies_after", None)
        self.dies_applying = command.pop("dies_applying", None)
        if self._conn is not None:
            set_clock(self._conn, self.now)
        if steps is not None:
            die_after(steps)
        return getattr(self, f"do_{command.pop('do')}")(**command) or {}

    # ------------------------------------------------------------------------------- the install
    def do_migrate(self, url: str) -> Answer:
        with psycopg.connect(url, autocommit=True) as owner:
            return {"applied": migrate(owner)}

    def do_set_up(self, stores: dict[str, str], hooks: str, texts: list[dict[str, Any]]) -> None:
        for name, root in stores.items():
            register_store(
                self.conn, name=name, root=root, connection_id=None, now=self.now,
                actor="cli:year", options=lambda _connection_id: {},
            )  # fmt: skip
        for name, event_types in (("erp", ["document.*"]), ("crm", [])):
            endpoints.add_endpoint(
                self.conn, organization=organizations.find(self.conn, "default"), name=name,
                settings=endpoints.EndpointSettings(url=f"{hooks}/{name}", event_types=event_types),
                guard=self._delivery().guard, now=self.now, actor="cli:year",
            )  # fmt: skip
        for text in texts:
            self.do_rule(text)

    def do_enable(self, name: str) -> None:
        endpoints.set_state(
            self.conn, organization=organizations.find(self.conn, "default"), name=name,
            state="enabled", now=self.now, actor="user:officer",
        )  # fmt: skip

    def do_rule(self, text: dict[str, Any]) -> None:
        with self.conn.transaction():
            organizations.lock_rules(self.conn, 1, shared=False)
            rules.add_version(
                self.conn, organization_id=1, rule=Rule.from_document(text),
                source=json.dumps(text), author="user:author", commit=None, now=self.now,
            )  # fmt: skip

    # -------------------------------------------------------------------------------- the nights
    def do_check_expired(self) -> Answer:
        found = expiring.expire(self.conn, now=self.now, as_of=self.now, actor=SCHEDULE)
        if heads := newer("lifecycle.audit_heads"):
            heads.sign_heads(
                self.conn, key=self.key, stores=self.stores, now=self.now, actor=SCHEDULE
            )
        return {"expired": found.expired}

    def do_rules(self, run_id: str) -> Answer:
        expiring.expire(self.conn, now=self.now, as_of=self.now, actor=SCHEDULE)
        plans = planning.plan_due_rules(
            self.conn, now=self.now, as_of=self.now, dag_id="execute_automation_rules",
            run_id=run_id, requested_by=SCHEDULE,
        )  # fmt: skip
        answer = self._apply(
            [plan.plan_id for plan in plans], ["ARCHIVE", "DELETE", "NOTIFY", "WEBHOOK"]
        )
        forecasting.rebuild_dispositions(self.conn, now=self.now, as_of=self.now)
        return answer

    def do_weekly(self, run_id: str) -> Answer:
        try:
            plans = planning.plan_purges(
                self.conn, now=self.now, dag_id="weekly_cleanup", run_id=run_id,
                requested_by=SCHEDULE,
            )  # fmt: skip
            answer = self._apply([plan.plan_id for plan in plans], ["PURGE", "REMOVE_ORIGINAL"])
        except RefusedError as refusal:  # all is halted; the other tasks do what they can
            answer = {"refused": [str(refusal)]}
        run = {"dag_id": "weekly_cleanup", "run_id": run_id, "actor": SCHEDULE}
        if settling := newer("lifecycle.settling"):
            settled = settling.settle(self.conn, stores=self.stores, now=lambda: self.now, **run)
            answer["faults"] = list(settled.faults)
        if certifying := newer("lifecycle.certifying"):
            certifying.issue_certificates(
                self.conn, key=self.key, stores=self.stores, now=self.now, actor=SCHEDULE
            )
        if fixity := newer("lifecycle.fixity"):
            found = fixity.check_fixity(self.conn, stores=self.stores, now=lambda: self.now, **run)
            answer["damaged"] = found.check.damaged_count
        cleaning.sweep_bags(self.conn, now=self.now, stores=self.stores)
        cleaning.prune_history(self.conn, now=self.now)
        return answer

    def do_digests(self, run_id: str) -> Answer:
        stored = summarising.store_digests(
            self.conn, now=self.now, as_of=self.now, actor=SCHEDULE,
            dag_id="send_daily_summaries", run_id=run_id,
        )  # fmt: skip
        return {"digests": stored.jobs}

    def do_drain(self, linger_seconds: float = 0.0) -> Answer:
        drained = asyncio.run(
            drain_queue(
                connect=self.connect,
                delivery=self._delivery(),
                connections=self._secret_of,
                open_stores=lambda conn: open_stores(conn, options=lambda _connection_id: {}),
                name=f"year {os.getpid()}",
                present=lambda: self.now,
                chance=self.chance.random,
                settings=DrainSettings(linger_seconds=linger_seconds, lease_seconds=LEASE_SECONDS),
            )
        )
        return {
            "sent": drained.sent,
            "retried": drained.retried,
            "failed": drained.failed,
            "rescued": drained.rescued,
        }

    # --------------------------------------------------------------------------------- the people
    def do_import(self, manifest: str, is_first: bool = False) -> Answer:
        done = registering.import_documents(
            self.conn, source=manifest, now=self.now, actor="cli:year",
            settings=registering.ImportSettings(baseline=is_first),
            options=lambda _connection_id: {},
        )  # fmt: skip
        return {"new": done.new, "refused": done.refused_count}

    def do_hold(self, matter: str, document_ids: list[int]) -> None:
        holding.hold(
            self.conn, organization="default", matter=matter, reason="a law suit",
            document_ids=document_ids, actor="user:counsel", now=self.now,
        )  # fmt: skip

    def do_open_matter(self, matter: str, when: dict[str, Any]) -> None:
        matters.open_matter(
            self.conn, organization="default", name=matter, reason="an audit",
            condition=matters.read_condition_file(
                self.conn, organization="default", text=json.dumps({"when": when}), file="year"
            ),
            actor="user:counsel", now=self.now,
        )  # fmt: skip

    def do_close_matter(self, matter: str) -> None:
        matters.close_matter(
            self.conn, organization="default", name=matter, actor="user:counsel", now=self.now
        )

    def do_restore(self, document_ids: list[int]) -> None:
        undo.restore_documents(
            self.conn, organization="default", document_ids=document_ids, now=self.now,
            actor="user:owner", reason="still needed", stores=self.stores,
        )  # fmt: skip

    def do_ask(self) -> Answer:
        """Put every question that is to be put; as StartReviewsOperator lets review_plan do."""
        asked = []
        for question in reviews.list_wanted(self.conn):
            run = {"dag_id": "review_plan", "run_id": question.run_id}
            if reviewing.ask(self.conn, question, now=self.now, **run) is not None:
                asked.append({"run_id": question.run_id, "plan_id": question.plan_id})
        for question, _dag_id, _run_id in reviews.list_moot(self.conn):
            reviewing.close_moot(self.conn, question, now=self.now)
        return {"asked": asked}

    def do_answer(self, run_id: str, answer: str) -> Answer:
        run = {"dag_id": "review_plan", "run_id": run_id}
        reviewing.receive_answer(
            self.conn, answer=answer, form={}, answered_by="user:approver", answered_at=self.now,
            **run,
        )  # fmt: skip
        verdict = reviewing.decide_run(self.conn, now=self.now, **run)
        return {"outcome": verdict and str(verdict.outcome)}

    def do_apply_approved(self) -> Answer:
        done, refused = 0, []
        for plan_id in reviews.list_approved(self.conn):
            try:
                done += applying.apply_plan(
                    self.conn, plan_id=plan_id, now=lambda: self.now, actor="user:approver",
                    stores=self.stores,
                ).done  # fmt: skip
            except DoclifeError as refusal:
                refused.append(str(refusal))
        return {"done": done, "refused": refused}

    def do_halt(self, is_on: bool) -> None:
        if is_on:
            halting.halt(self.conn, reason="an audit", actor="user:officer", now=self.now)
        else:
            halting.resume(self.conn, actor="user:officer", now=self.now)

    def do_verify_audit(self) -> Answer:
        """Verify the chain as ``doclife audit verify`` does; nothing where there is none yet."""
        auditing = newer("lifecycle.auditing")
        if auditing is None:
            return {}
        tenant = organizations.find(self.conn, "default")
        found = auditing.verify_chain(self.conn, tenant, now=self.now)
        return {
            "fits": found.fits,
            "findings": [str(finding) for finding in found.findings],
            "entries": found.entries,
        }

    # -------------------------------------------------------------------------------------- parts
    def _apply(self, plan_ids: list[int], actions: list[str]) -> Answer:
        refused = []
        try:
            running.start_plans(self.conn, plan_ids=plan_ids, now=self.now)
        except RefusedError as refusal:  # all is halted; what else there is to do goes on
            refused.append(str(refusal))
        stores = self.stores
        if self.dies_applying is not None:
            die_after(self.dies_applying)
        for action in actions:
            for shard in running.list_shards(self.conn, plan_ids=plan_ids, actions=[action]):
                applying.apply_shard(
                    self.conn, shard=shard, now=lambda: self.now, actor=SCHEDULE, stores=stores
                )
        done = running.conclude(self.conn, plan_ids=plan_ids, now=self.now)
        return {
            "outcomes": done.outcomes,
            "waiting": list(done.waiting),
            "unfinished": list(done.unfinished),
            "failing": list(done.failing),
            "refused": refused,
        }

    def _delivery(self) -> DeliverySettings:
        return DeliverySettings(
            guard=Guard(allowed=read_networks("127.0.0.1"), allows_http=True),
            email_connection="doclife_email",
            slack_connection="doclife_slack",
            mail_variables=MailService(
                provider=Provider.SMTP,
                sender=Sender(address="records@example.org", name="Records"),
                host="127.0.0.1",
                port=self.settings["mail_port"],
                security=Security.NONE,
            ),
        )

    def _secret_of(self, connection_id: str) -> ServiceConnection | None:
        if not connection_id.startswith("doclife_endpoint_"):
            return None
        return ServiceConnection(id=connection_id, type="http", password=WEBHOOK_SECRET)


def main() -> None:
    service = Service(json.loads(sys.argv[1]))
    for line in sys.stdin:
        try:
            answer = service.obey(json.loads(line))
        except DoclifeError as refusal:
            answer = {"refused": str(refusal)}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()

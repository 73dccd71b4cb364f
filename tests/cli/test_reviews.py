"""doclife plans approve, reject and decide without Airflow; tests/e2e answers in one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.conftest import Cli

RULES = """
rules:
  - name: drafts
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: draft}
    review: {stages: [records]}
    limits: {max_documents: 100, max_fraction: 1.0}
    actions:
      - {do: DELETE}
"""


@pytest.fixture
def waiting(cli: Cli, conn, tmp_path) -> int:
    """Number of a plan over three drafts that waits for a person."""
    conn.execute("UPDATE organizations SET max_fraction_per_day = 1, cooling_off_days = 0")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, document_type)"
        " SELECT 1, name, 'draft' FROM unnest(ARRAY['a', 'b', 'c']) AS name"
    )
    (tmp_path / "rules.yaml").write_text(RULES)
    cli("rules", "apply", tmp_path / "rules.yaml")
    [plan] = cli.json("plans", "create", "--rule", "drafts")["plans"]
    assert plan["state"] == "needs_approval"
    return int(plan["plan_id"])


def test_single_documents_are_taken_out_of_a_plan(cli, waiting, conn):
    said = cli("plans", "decide", waiting, "--document", "a", "--reject", "-m", "mine").output
    assert "Taken out of plan" in said
    cli("plans", "decide", waiting, "--document", "b", "--extend-until", "2030-01-31")

    shown = cli.json("plans", "show", waiting, "--items")
    assert {item["external_id"]: item["reason_code"] for item in shown["items"]} == {
        "a": "rejected",
        "b": "extended",
        "c": None,
    }
    actors = conn.execute("SELECT DISTINCT decided_by FROM plan_decisions").fetchall()
    assert len(actors) == 1
    assert actors[0][0].startswith("cli:")


def test_what_the_plan_would_not_destroy_is_said(cli, waiting):
    cli("plans", "decide", waiting, "--document", "a", "--reject")

    found = cli.json(
        "plans", "decide", waiting, "--document", "a", "--document", "b", "--reject", exit_code=3
    )
    assert found["missed"] == ["a"]


@pytest.mark.parametrize("options", [[], ["--reject", "--hold", "Case 1"]])
def test_a_decision_is_exactly_one(cli, waiting, options):
    cli("plans", "decide", waiting, "--document", "a", *options, exit_code=2)


def test_approving_needs_airflow_and_never_writes_an_approval(cli, waiting, conn, monkeypatch):
    monkeypatch.delenv("DOCLIFE_AIRFLOW_URL", raising=False)
    said = cli("plans", "approve", waiting, exit_code=1).errors
    assert "DOCLIFE_AIRFLOW_URL" in said

    for name, value in {
        "DOCLIFE_AIRFLOW_URL": "http://127.0.0.1:9",
        "DOCLIFE_AIRFLOW_USER": "boss",
        "DOCLIFE_AIRFLOW_PASSWORD": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    said = cli("plans", "approve", waiting, exit_code=1).errors
    assert "Airflow does not answer at http://127.0.0.1:9" in said
    assert "secret" not in said
    assert conn.execute("SELECT count(*) FROM plan_decisions").fetchone()[0] == 0


def test_an_address_that_is_none_is_refused(cli, waiting, monkeypatch):
    monkeypatch.setenv("DOCLIFE_AIRFLOW_URL", "localhost:8080")

    assert "is no address" in cli("plans", "approve", waiting, exit_code=1).errors


def test_a_plan_that_waits_for_nobody_is_not_approved(cli, waiting, conn):
    conn.execute("UPDATE plans SET state = 'superseded'")

    assert "waits for nobody" in cli("plans", "approve", waiting, exit_code=1).errors
    assert "there is no plan 999" in cli("plans", "reject", 999, exit_code=1).errors


def test_a_waiting_plan_shows_the_ids_by_which_airflow_asks(cli, waiting, conn):
    ids = [str(id_) for (id_,) in conn.execute("SELECT id FROM documents ORDER BY id")]

    shown = cli("plans", "show", waiting, "--items").output

    _, _, documents = shown.partition("Documents\n")
    assert [line.split()[0] for line in documents.splitlines() if "DELETE" in line] == ids
    assert "breaker" not in shown


def test_a_waiting_plan_says_how_it_is_answered(cli, waiting):
    assert f"doclife plans approve {waiting}" in cli("plans", "show", waiting).output


class Airflow(BaseHTTPRequestHandler):
    """Puts the question when it is looked for the second time, and takes no answer."""

    looked_for = 0
    asked_at: datetime
    answered_after: float | None = None

    def do_POST(self) -> None:
        self._answer(201, {"access_token": "t", "dag_run_id": "r"})

    def do_GET(self) -> None:
        Airflow.looked_for += 1
        if Airflow.looked_for == 1:
            return self._answer(404, {"detail": "not yet"})
        Airflow.asked_at = datetime.now(UTC)
        return self._answer(200, {"created_at": Airflow.asked_at.isoformat()})

    def do_PATCH(self) -> None:
        Airflow.answered_after = (datetime.now(UTC) - Airflow.asked_at).total_seconds()
        self._answer(403, {"detail": "not you"})

    def _answer(self, status: int, content: dict[str, str]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Airflow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DOCLIFE_AIRFLOW_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("DOCLIFE_AIRFLOW_USER", "boss")
    monkeypatch.setenv("DOCLIFE_AIRFLOW_PASSWORD", "secret")
    yield
    server.shutdown()
    server.server_close()


def test_a_question_stands_for_a_moment_before_it_is_answered(cli, waiting, airflow):
    # Else Airflow takes the task for a failed one, because it goes on before it was seen to wait.
    began = time.monotonic()

    assert "not you" in cli("plans", "approve", waiting, exit_code=1).errors

    assert Airflow.answered_after is not None
    assert Airflow.answered_after > 2.9
    assert time.monotonic() - began < 60

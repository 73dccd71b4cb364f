"""./run drill: one command, a server of its own, and nothing left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doclife.lifecycle.backing_up import make_backup, read_record
from doclife.store import clock
from doclife.store.connection import connect
from local.drill import drill
from local.errors import LocalError
from local.state import State

STEPS = {"restore", "halted", "rows", "audit", "purges", "bytes"}


def test_a_backup_is_made_restored_on_a_fresh_server_and_proven(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DOCLIFE_DATABASE_URL", database)
    state = State(tmp_path / ".local")

    assert drill(state, []) == 0

    said = capfd.readouterr().out
    assert "Airflow's own database and its Fernet key" in said
    assert {line.split()[1] for line in said.splitlines() if len(line.split()) > 1} >= STEPS
    assert "It can be restored." in said
    assert not (state.folder / "drill").exists()


def test_a_backup_of_before_is_proven_to_a_program(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DOCLIFE_DATABASE_URL", database)
    folder = tmp_path / "backup"
    with connect(database) as conn:
        make_backup(conn, url=database, folder=folder, actor="cli:test", now=clock.present(conn))

    assert drill(State(tmp_path / ".local"), [str(folder), "--json"]) == 0

    report = json.loads(capfd.readouterr().out)
    assert report["is_whole"] is True
    assert {step["step"] for step in report["steps"]} >= STEPS
    assert report["backup"]["sha256"] == read_record(folder).sha256


def test_without_documents_it_says_how_to_start_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCLIFE_DATABASE_URL", raising=False)
    monkeypatch.delenv("AIRFLOW_CONN_DOCUMENTS", raising=False)

    with pytest.raises(LocalError, match=r"Nothing runs. Start it with: ./run"):
        drill(State(tmp_path / ".local"), [])

"""./run drill: one command, a server of its own, and nothing left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.drill import drill
from local.errors import LocalError
from local.state import State


def test_a_backup_is_made_restored_on_a_fresh_server_and_proven(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DOCLIFE_DATABASE_URL", database)
    state = State(tmp_path / ".local")

    assert drill(state, ["--json"]) == 0

    report = json.loads(capfd.readouterr().out)
    assert report["is_whole"] is True
    assert report["state"] in ("ok", "warning")
    assert {"restore", "halted", "rows", "audit", "purges"} <= {
        step["step"] for step in report["steps"]
    }
    assert not (state.folder / "drill").exists()


def test_without_documents_it_says_how_to_start_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCLIFE_DATABASE_URL", raising=False)
    monkeypatch.delenv("AIRFLOW_CONN_DOCUMENTS", raising=False)

    with pytest.raises(LocalError, match=r"Nothing runs. Start it with: ./run"):
        drill(State(tmp_path / ".local"), [])

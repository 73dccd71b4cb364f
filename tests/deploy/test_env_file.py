"""./run env writes what docker-compose.yaml is told, and takes nothing away from anybody."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from deploy.prepare import FIT_FOR_AN_ADDRESS, PASSWORDS
from doclife.connections import from_environment
from doclife.lifecycle.signing import require_signing_key
from local.env_file import EXAMPLE, LINE, SECRETS, write_env
from local.state import ROOT
from tests.deploy.compose import COMPOSE_FILE


def values(folder: Path) -> dict[str, str]:
    return dict(LINE.findall((folder / ".env").read_text()))


def test_it_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    for name in ("run", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "local", tmp_path / "local", ignore=shutil.ignore_patterns("*.pyc"))

    # -S: without any package beside the standard library.
    command = [sys.executable, "-S", "-E", "run", "env"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "is written" in done.stdout
    assert values(tmp_path).keys() >= SECRETS.keys()
    assert not (tmp_path / ".venv").exists()
    assert not any(value in done.stdout for value in values(tmp_path).values() if len(value) > 10)


def test_every_secret_has_a_value_of_its_own_that_only_the_owner_can_read(tmp_path: Path) -> None:
    write_env(tmp_path)

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    made = {name: values(tmp_path)[name] for name in SECRETS}
    assert all(len(value) >= 20 for value in made.values())
    assert len(set(made.values())) == len(made)


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    write_env(tmp_path)
    before = (tmp_path / ".env").read_bytes()

    assert write_env(tmp_path) == 0
    assert (tmp_path / ".env").read_bytes() == before


def test_secrets_that_others_can_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_env(tmp_path)
    (tmp_path / ".env").chmod(0o644)
    capsys.readouterr()

    assert write_env(tmp_path) == 0
    assert f"chmod 600 {tmp_path / '.env'}" in capsys.readouterr().out


def test_only_what_is_missing_is_added(tmp_path: Path) -> None:
    own = "# ours\nBASE_URL=https://documents.example.com\nFERNET_KEY=kept\nJWT_SECRET=\nOWN=1\n"
    (tmp_path / ".env").write_text(own)
    (tmp_path / ".env").chmod(0o644)

    write_env(tmp_path)

    assert values(tmp_path)["BASE_URL"] == "https://documents.example.com"
    assert values(tmp_path)["FERNET_KEY"] == "kept"
    assert values(tmp_path)["OWN"] == "1"
    assert values(tmp_path)["JWT_SECRET"]
    assert values(tmp_path).keys() >= SECRETS.keys()
    text = (tmp_path / ".env").read_text()
    assert text.startswith("# ours\n")
    assert len(re.findall(r"^JWT_SECRET=", text, re.MULTILINE)) == 1
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_write_that_is_cut_short_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("FERNET_KEY=kept\n")
    with monkeypatch.context() as cut_short:
        cut_short.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(OSError, match="no space"):
            write_env(tmp_path)

    assert (tmp_path / ".env").read_text() == "FERNET_KEY=kept\n"
    write_env(tmp_path)
    assert values(tmp_path)["FERNET_KEY"] == "kept"


def test_keys_are_what_airflow_and_doclife_take(tmp_path: Path) -> None:
    write_env(tmp_path)
    made = values(tmp_path)

    Fernet(made["FERNET_KEY"])
    signing = f'{{"conn_type": "generic", "password": "{made["SIGNING_KEY"]}"}}'
    require_signing_key(from_environment({"AIRFLOW_CONN_DOCLIFE_SIGNING": signing}))
    assert len(made["JWT_SECRET"]) >= 64
    for name in (*PASSWORDS.values(), "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert FIT_FOR_AN_ADDRESS.fullmatch(made[name]), name


def test_the_example_names_what_the_compose_file_takes_and_holds_no_secret() -> None:
    example = EXAMPLE.read_text()
    explained = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    taken = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE_FILE.read_text()))

    assert taken <= explained, taken - explained
    assert all(not value for name, value in LINE.findall(example) if name in SECRETS)


@pytest.mark.parametrize(
    "line", ["export FERNET_KEY=mine", "FERNET_KEY = mine", " FERNET_KEY: mine"]
)
def test_what_compose_reads_is_there_and_is_not_made_anew(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")

    write_env(tmp_path)

    assert (tmp_path / ".env").read_text().count("FERNET_KEY") == 1

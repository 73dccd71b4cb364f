"""What cannot work is refused at once, in one sentence, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.errors import LocalError
from local.system_programs import SystemProgram, require_system_programs
from tests.local.checkout import Checkout, zone_of_night, zone_of_noon

# Runs ./run as if by a Python of another version.
AS_VERSION = """
import runpy, sys
sys.version_info = {version}
sys.argv = [{run!r}]
runpy.run_path({run!r}, run_name="__main__")
"""


def refusal(checkout: Checkout, *arguments: str, **env: str) -> str:
    done = checkout.call(*arguments, env=env)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert checkout.processes() == []
    assert not (checkout.folder / ".local" / "postgres").exists()
    return done.stderr.strip()


def test_a_taken_port_is_refused_with_another_to_try(checkout):
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = str(other_program.getsockname()[1])

        assert f"Port {port} is taken by another program" in refusal(checkout, PORT=port)


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_is_refused(checkout, port):
    assert f"PORT='{port}' is no port" in refusal(checkout, PORT=port)


def test_a_time_zone_that_is_none_is_refused(checkout):
    assert "TIME_ZONE='Mars/Olympus' is no time zone" in refusal(checkout, TIME_ZONE="Mars/Olympus")


@pytest.mark.parametrize("hour", range(24))
def test_the_tests_run_far_from_every_schedule(hour):
    now = datetime(2026, 11, 22, hour, 59, tzinfo=UTC)

    assert now.astimezone(ZoneInfo(zone_of_noon(now))).hour == 12
    assert now.astimezone(ZoneInfo(zone_of_night(now))).hour == 3


def test_one_url_without_the_other_is_refused(checkout):
    said = refusal(checkout, DATABASE_URL="postgresql://u:p@127.0.0.1/airflow")

    assert said.startswith("DOCUMENTS_URL is missing")


def test_one_database_for_both_is_refused(checkout):
    url = "postgresql://u:p@127.0.0.1/one"

    assert "name the same database" in refusal(checkout, DATABASE_URL=url, DOCUMENTS_URL=url)


def test_a_server_that_does_not_answer_is_named(checkout):
    said = refusal(
        checkout,
        DATABASE_URL="postgresql://u:p@127.0.0.1:1/airflow",
        DOCUMENTS_URL="postgresql://u:p@127.0.0.1:1/documents",
    )

    assert said.startswith("DATABASE_URL cannot be reached")


@pytest.mark.parametrize("url", ["u:sec%zzret@h/x", "postgresql://u:sec%zzret@127.0.0.1/x"])
def test_a_url_that_cannot_be_read_is_named_and_not_quoted(checkout, url):
    said = refusal(
        checkout, DATABASE_URL=url, DOCUMENTS_URL="postgresql://u:p@127.0.0.1:1/documents"
    )

    assert said.startswith("DATABASE_URL")
    assert "zzret" not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="PG_OS_USER is only for root")
def test_a_system_user_that_is_none_is_named(checkout):
    done = checkout.call(env={"PG_OS_USER": "nosuch"})

    assert done.returncode == 1
    assert "PG_OS_USER='nosuch'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_refused(checkout):
    assert "There is no './run strat'" in refusal(checkout, "strat")


@pytest.mark.parametrize("version", ["(3, 8, 10)", "(3, 10, 13)", "(3, 14, 0)"])
def test_a_wrong_python_with_no_other_on_the_path_is_refused(bare_checkout, tmp_path, version):
    script = tmp_path / "as_version.py"
    script.write_text(AS_VERSION.format(version=version, run=str(bare_checkout.folder / "run")))

    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PATH": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert not (bare_checkout.folder / ".venv").exists()


def test_a_failed_installation_keeps_nothing_of_it(bare_checkout, tmp_path):
    (bare_checkout.folder / "requirements-local.txt").write_text(
        "no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"
    )

    done = bare_checkout.call(env={"PATH": str(tmp_path), "PIP_NO_INDEX": "1"})

    assert done.returncode == 1
    assert "The installation failed, see above; nothing of it was kept." in done.stderr
    assert not (bare_checkout.folder / ".venv").exists()


@pytest.mark.parametrize(("command", "code"), [("stop", 0), ("reset", 0), ("status", 1)])
def test_looking_at_what_was_never_started_installs_nothing(bare_checkout, command, code):
    done = bare_checkout.call(command)

    assert done.returncode == code
    assert "Nothing was ever started here" in done.stdout
    assert not (bare_checkout.folder / ".venv").exists()


def test_env_refuses_what_it_does_not_know_before_anything_is_installed(bare_checkout):
    done = bare_checkout.call("env", "--force")

    assert done.returncode == 1
    assert done.stderr.strip() == "./run env takes nothing more, and got: --force"
    assert not (bare_checkout.folder / ".venv").exists()
    assert not (bare_checkout.folder / ".env").exists()


def test_missing_system_programs_are_named_with_the_way_to_get_them():
    browser = SystemProgram(
        path=Path("/nowhere/chromium"), package="chromium", needed_for="the browser tests"
    )

    with pytest.raises(LocalError, match=r"/nowhere/chromium .*apt-get install chromium"):
        require_system_programs([browser])

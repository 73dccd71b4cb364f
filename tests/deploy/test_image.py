"""The image holds all that is needed, and nothing else: judged without building it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.state import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.M)).splitlines()
COPIED = [line.split()[1:] for line in LINES if line.startswith("COPY ") and "--from" not in line]

ONLY_LOCKED = """
import sys
from importlib.metadata import packages_distributions
import re
locked = {re.sub("[-_.]+", "-", line.split("==")[0].lower())
          for line in open(sys.argv[1]) if "==" in line and not line.startswith((" ", "#"))}
unlocked = {name for name, owners in packages_distributions().items()
            if not any(re.sub("[-_.]+", "-", owner.lower()) in locked for owner in owners)}
class OnlyLocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in unlocked:
            raise ModuleNotFoundError(f"{name} is not in the image's lock", name=name)
sys.meta_path.insert(0, OnlyLocked())
try:
    import pytest
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the hook does not work")
"""
LOOK = """
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
home = Path(sys.argv[2])
bag = DagBag(home / "dags")
assert not bag.import_errors, bag.import_errors
print("dags:", *sorted(bag.dags))
import doclife_plugin
plugin = doclife_plugin.DoclifePlugin()
print("pages:", len(plugin.fastapi_apps[0]["app"].routes))
import doclife.cli.app, deploy.prepare, deploy.health, doclife.delivery.rendering
from doclife.store.sql import SQL_DIR
assert SQL_DIR.is_relative_to(home) and SQL_DIR.is_dir(), SQL_DIR
config = {}
exec((home / "deploy/webserver_config.py").read_text(), config)
assert config["AUTH_TYPE"] == 1
import airflow.providers.celery.executors.celery_executor, redis, authlib, statsd
from airflow.providers.cncf.kubernetes.executors.kubernetes_executor import KubernetesExecutor
"""


def copy_as_the_image_does(target: Path) -> None:
    """Copy what the Dockerfile copies, without what .dockerignore keeps out."""
    for *sources, place in COPIED:
        to = target / Path(place).relative_to("/")
        for source in sources:
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=ignored, dirs_exist_ok=True)
            else:
                file = to / source.rpartition("/")[2] if place.endswith("/") else to
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, file)


def test_the_locked_packages_and_the_copied_files_are_all_that_is_needed(tmp_path: Path) -> None:
    copy_as_the_image_does(tmp_path)
    home = tmp_path / "opt" / "airflow"

    done = subprocess.run(
        [sys.executable, "-c", ONLY_LOCKED + LOOK, ROOT / "requirements.txt", home],
        cwd=home,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": f"{home}:{home / 'plugins'}",
            "AIRFLOW_HOME": str(tmp_path / "airflow-home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    dags = {path.stem for path in (ROOT / "dags").glob("*.py")}
    assert set(re.search(r"^dags: (.*)$", done.stdout, re.M)[1].split()) == dags


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    sources = {source for *sources, _ in COPIED for source in sources}

    assert all((ROOT / source).exists() for source in sources)
    assert {source for source in sources if source != "deploy/doclife"} == let_through
    # Secrets, logs, data and git's history are kept out by naming what comes in.
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_image_is_made_from_the_lock_on_a_pinned_base() -> None:
    bases = {line.split()[1] for line in LINES if line.startswith("FROM")}
    base = next(line.partition("=")[2] for line in LINES if line.startswith("ARG BASE="))

    assert bases == {"${BASE}"}
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-bookworm", base)
    assert version
    assert version[1] in {"3.11", "3.12", "3.13"}
    install = next(line for line in LINES if "pip install" in line)
    assert all(flag in install for flag in ("--require-hashes", "--no-deps", "--only-binary :all:"))
    assert "-r /tmp/requirements.txt" in install
    # No compiler, and nothing that was installed only to build.
    assert not re.search(r"\b(gcc|build-essential|python3?-dev)\b", DOCKERFILE)


def test_what_runs_is_nobody_special_and_hears_when_it_has_to_stop() -> None:
    last = LINES[max(i for i, line in enumerate(LINES) if line.startswith("FROM")) :]

    assert [line for line in last if line.startswith("USER")] == ["USER 50000"]
    # A list, not a shell: signals reach what was started.
    assert 'ENTRYPOINT ["/usr/bin/tini", "--"]' in last
    assert not any(re.search(r"--chown=(?!root)", line) for line in last)
    # Nothing secret is baked in.
    assert not re.search(r"(ENV|ARG).*(PASSWORD|SECRET|FERNET)", DOCKERFILE)


@pytest.mark.parametrize("name", ["deploy/doclife", "run"])
def test_programs_may_be_executed(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111

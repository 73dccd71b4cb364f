"""./run drill: a backup restored on a fresh server of the wheel, which goes afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError
from local.guard import Guard
from local.postgres import Postgres, hidden_place
from local.processes import find
from local.state import ROOT, State


def drill(state: State, arguments: list[str]) -> int:
    """Drill with a backup, and make one first unless a folder of one is given.

    :param arguments: a folder, and options of ``doclife backup drill``.
    """
    env = doclife_environment(state)
    require_documents(env)
    with _fresh_server(state) as (home, server):
        env["DOCLIFE_DRILL_SERVER_URL"] = server.url()
        if not arguments or arguments[0].startswith("-"):
            arguments = [str(home / "backup"), *arguments]
            code = _doclife(env, "backup", "make", arguments[0], quiet="--json" in arguments)
            if code:
                return code
        return _doclife(env, "backup", "drill", *arguments)


def doclife_environment(state: State) -> dict[str, str]:
    """Return what the doclife command line needs to work on the documents of what runs here."""
    env = dict(os.environ)
    plugins = str(ROOT / "plugins")
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [plugins, env.get("PYTHONPATH")]))
    running = state.running()
    if running and find(running.supervisor):
        env.setdefault("DOCLIFE_DATABASE_URL", running.documents_url)
        env.setdefault("DOCLIFE_AIRFLOW_URL", f"http://127.0.0.1:{running.port}")
        for name, value in running.variables.items():
            env.setdefault(name, value)
    return env


def require_documents(env: Mapping[str, str]) -> None:
    """Raise LocalError unless the environment says where the documents are."""
    if not {"DOCLIFE_DATABASE_URL", "AIRFLOW_CONN_DOCUMENTS"} & env.keys():
        raise LocalError("Nothing runs. Start it with: ./run")


def _doclife(env: Mapping[str, str], *arguments: str, quiet: bool = False) -> int:
    return subprocess.run(
        [sys.executable, "-m", "doclife.cli", *arguments],
        env=dict(env),
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    ).returncode


@contextmanager
def _fresh_server(state: State) -> Iterator[tuple[Path, Postgres]]:
    """Run an empty server, and delete all of it afterwards; it ends with us, however we end."""
    home = state.folder / "drill"
    with (state.folder / "drill.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LocalError("Another drill is at work here. Wait for its end.") from None
        # What one left that was killed.
        for folder in (home, hidden_place(home)):
            shutil.rmtree(folder, ignore_errors=True)
        guard = Guard()
        server = Postgres(home, watch=guard.watch_database)
        try:
            server.start()
            yield home, server
        finally:
            server.remove()
            guard.dismiss()

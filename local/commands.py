"""The commands of ./run (its own docstring is their help)."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import deque
from pathlib import Path

from local.airflow_api import AirflowApi
from local.deliveries import find_catcher
from local.drill import doclife_environment, drill, require_documents
from local.errors import LocalError
from local.postgres import end_of, hidden_place
from local.processes import find
from local.state import ROOT, State
from local.supervisor import COMPONENTS, end_leftovers
from local.system_programs import require_system_programs
from local.up import up

# A little more than the supervisor itself allows its children.
STOP_WITHIN_SECONDS = 60.0


def run(arguments: list[str]) -> int:
    """Carry out one command and return the exit code."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("up", [])
    try:
        match name, rest:
            case "up", []:
                return up(State(), with_samples=True)
            case "--no-samples", []:
                return up(State(), with_samples=False)
            case "stop", []:
                return stop(State())
            case "status", []:
                return status(State())
            case "logs", _:
                return logs(State(), rest)
            case "reset", [] | ["--yes"]:
                return reset(State(), is_sure=bool(rest))
            case "doclife", _:
                doclife(State(), rest)
            case "drill", _:
                return drill(State(), rest)
            case "bench", _:
                bench(rest)
            case "test", _:
                test(rest)
            case _:
                raise LocalError(f"There is no './run {' '.join(arguments)}'. See: ./run --help")
    except LocalError as error:
        print(error, file=sys.stderr)
    except PermissionError as error:
        print(
            f"{error.filename}: permission denied. If another user started this copy before "
            "(sudo?), start it as that user, or delete its data with: sudo ./run reset",
            file=sys.stderr,
        )
    return 1


def stop(state: State) -> int:
    """Stop what runs, and wait until it has."""
    running = state.running()
    if running is None:
        print("Nothing runs.")
        return 0
    if supervisor := find(running.supervisor):
        supervisor.terminate()
        gives_up_at = time.monotonic() + STOP_WITHIN_SECONDS
        # Not psutil's wait: it would also wait for somebody to reap the zombie.
        while find(running.supervisor):
            if time.monotonic() > gives_up_at:
                supervisor.kill()
            time.sleep(0.1)
    end_leftovers(state)
    print("Stopped.")
    return 0


def status(state: State) -> int:
    """Say what runs and how it is; 0 if everything is healthy, else 1."""
    running = state.running()
    if running is None or find(running.supervisor) is None:
        print("Nothing runs. Start it with: ./run")
        return 1
    processes = dict(running.components)
    if running.database:
        processes["postgres"] = running.database
    health = AirflowApi(running.port).health()
    said = {"api-server": "metadatabase", "dag-processor": "dag_processor"}
    healthy = bool(health)
    for name, identity in processes.items():
        alive = find(identity) is not None
        state_of = health.get(said.get(name, name), "starting" if name in COMPONENTS else "")
        what = (state_of or "running") if alive else "dead"
        healthy = healthy and what in ("healthy", "running")
        print(f"  {name:<14} {what:<10} pid {identity.pid}")
    print(f"  http://127.0.0.1:{running.port}   logins: {state.folder / 'logins.json'}")
    if catcher := find_catcher(state):
        print(f"  {catcher.page}   what was sent")
    return 0 if healthy else 1


def logs(state: State, arguments: list[str]) -> int:
    """Print the last lines of every log, or more of one, and go on with it after -f."""
    follow = "-f" in arguments
    names = [argument for argument in arguments if argument != "-f"]
    files = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    server = state.folder / "postgres" / "postgres.log"
    if server.exists():
        files["postgres"] = server
    if not names and not follow:
        for name, path in files.items():
            print(f"---- {name}: {path}\n{end_of(path, lines=15)}\n")
        print(f"The tasks' logs are in {state.logs / 'tasks'}")
        return 0
    if len(names) != 1 or names[0] not in files:
        raise LocalError(f"Name one log: {', '.join(files) or 'there is none yet'}")
    _print_log(files[names[0]], follow=follow)
    return 0


def _print_log(path: Path, *, follow: bool) -> None:
    with path.open(errors="replace") as log:
        print("".join(deque(log, maxlen=200)), end="", flush=True)
        try:
            while follow:
                print(log.read(), end="", flush=True)
                time.sleep(0.3)
        except KeyboardInterrupt:
            pass


def reset(state: State, *, is_sure: bool) -> int:
    """Stop, and delete all local data; asks first, and where nobody can answer wants --yes.

    :param is_sure: ``--yes`` was given: do not ask.
    """
    if not is_sure:
        archived = sum(1 for path in state.folder.glob("archive/**/data/**/*") if path.is_file())
        if archived:
            print(
                f"{archived:,} archived documents are in {state.folder / 'archive'}; where the "
                "original is gone already, that is the only copy."
            )
        if not sys.stdin.isatty():
            raise LocalError(
                "Nobody can be asked here. To delete all local data: ./run reset --yes"
            )
        answer = input(f"Delete all documents, logs and passwords in {state.folder}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            print("Nothing was deleted.")
            return 1
    stop(state)
    shutil.rmtree(state.folder)
    # As root the server's data may be elsewhere, see Postgres.
    elsewhere = hidden_place(state.folder / "postgres")
    if elsewhere.exists():
        shutil.rmtree(elsewhere)
    print("All local data is deleted.")
    return 0


def doclife(state: State, arguments: list[str]) -> None:
    """Become the doclife command line, on the documents of what runs here."""
    env = doclife_environment(state)
    # Rules are written, validated and tested without a database too; keys are made, and what a
    # certificate says is verified, anywhere.
    is_offline = (
        not arguments
        or arguments[0] == "rules"
        or arguments[:2] in (["signing-key", "new"], ["certificates", "verify"])
        or "--help" in arguments
    )
    if not is_offline:
        require_documents(env)
    os.execve(sys.executable, [sys.executable, "-m", "doclife.cli", *arguments], env)


def bench(arguments: list[str]) -> None:
    """Become what runs the benchmarks, which import this project and its tests."""
    found = [str(ROOT / "plugins"), str(ROOT), os.environ.get("PYTHONPATH")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))}
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *arguments], env)


def test(arguments: list[str]) -> None:
    """Become pytest: all tests after ``full``, else those that need only the lock."""
    selection = ["-m", "not full"]
    if arguments[:1] == ["full"]:
        require_system_programs()
        selection, arguments = [], arguments[1:]
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *selection, *arguments])

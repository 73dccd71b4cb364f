"""./run env: writes .env, what docker-compose.yaml is told, with secrets of its own.

It runs before anything is installed, on any Python 3.11: only the standard library.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from local import keys

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / ".env.example"
LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*[=:](.*)$", re.MULTILINE)
"""As Docker Compose reads it, where the last of two lines of one name counts."""
TO_FILL_IN = ("BASE_URL", "ADMIN_EMAIL", "TIME_ZONE")

SECRETS: Mapping[str, Callable[[], str]] = {
    "ADMIN_PASSWORD": lambda: keys.token(15),
    "POSTGRES_PASSWORD": lambda: keys.token(24),
    "AIRFLOW_DB_PASSWORD": lambda: keys.token(24),
    "DOCLIFE_ADMIN_PASSWORD": lambda: keys.token(24),
    "DOCLIFE_AIRFLOW_PASSWORD": lambda: keys.token(24),
    "REDIS_PASSWORD": lambda: keys.token(24),
    "FERNET_KEY": keys.encryption_key,
    "JWT_SECRET": lambda: keys.token(64),
    "API_SECRET_KEY": lambda: keys.token(48),
    "SIGNING_KEY": keys.signing_key,
    "LINKS_KEY": lambda: keys.token(48),
}


def write_env(folder: Path = ROOT) -> int:
    """Write .env, or add to it what is missing; nothing that is there is ever changed.

    A name without a value (``JWT_SECRET=``) is missing. A second call finds nothing to do.

    :param folder: where .env is, or will be.
    """
    path = folder / ".env"
    is_new = not path.exists()
    text = EXAMPLE.read_text() if is_new else path.read_text()
    given = {name for name, value in LINE.findall(text) if value.strip()}
    missing = [name for name, _ in LINE.findall(EXAMPLE.read_text()) if name not in given]
    if not missing and not is_new:
        print(f"{path} has everything already; nothing was changed.")
        if path.stat().st_mode & 0o077:
            print(
                f"Others on this machine can read its secrets: chmod 600 {shlex.quote(str(path))}"
            )
        return 0
    defaults = dict(LINE.findall(EXAMPLE.read_text()))
    made = {name: SECRETS[name]() if name in SECRETS else defaults[name] for name in missing}
    _replace(path, _with_values(text, made))
    print(f"{path} {'is written' if is_new else 'has now also'}: {', '.join(made)}")
    print("Only you can read it. Keep a copy in a safe: some of it cannot be made again.")
    print(f"Look at {', '.join(TO_FILL_IN)} in it, then: docker compose up -d --build --wait")
    return 0


def _with_values(text: str, made: Mapping[str, str]) -> str:
    """Put values where their names stand, or else at the end; none of them holds a backslash."""
    for name, value in made.items():
        place = re.compile(rf"^{name}=[ \t]*$", re.MULTILINE)
        if place.search(text):
            text = place.sub(f"{name}={value}", text, count=1)
        else:
            text = f"{text.rstrip()}\n{name}={value}\n"
    return text


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all, for its owner's eyes only."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    unfinished.replace(path)

"""docs/integrate.md, as it is written: an application with its own table, and webhooks to it."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from standardwebhooks import Webhook

from local.postgres import Postgres
from local.state import ROOT
from tests.cli.conftest import Cli

PAGE = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
FILES = {
    "table:": "documents.yaml",
    "organization:": "cases.yaml",
    '"""receiver.py': "receiver.py",
}
OWNER, APPLICATION = "-- as the owner of the database\n", "-- as the application\n"
ADDRESS = "https://portal.example.com"
SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
CLAIM, WILL = (f"d0000000-0000-4000-8000-00000000000{number}" for number in (1, 3))


def steps() -> Iterator[tuple[str, str]]:
    for step in re.finditer(
        r"^```(sql|yaml|python)\n(.*?)^```|^    (doclife [^\n]*)$", PAGE, re.MULTILINE | re.DOTALL
    ):
        kind, text, command = step.groups()
        yield (kind, text) if kind else ("command", command)


@dataclass
class Walk:
    """What the page came to."""

    cli: Cli
    port: int
    said: list[tuple[str, str]] = field(default_factory=list)
    """Each command with what it printed."""
    told: list[tuple[str, int]] = field(default_factory=list)
    """What the application says it was told."""

    def of(self, command: str) -> list[str]:
        return [output for said, output in self.said if said == command]


@pytest.fixture
def portal(database: str, postgres: Postgres) -> Iterator[str]:
    """The URL of the application's login, which the page makes."""
    yield make_conninfo(database, user="portal", password="portal-secret")
    name = conninfo_to_dict(database)["dbname"]
    with psycopg.connect(make_conninfo(postgres.url(), dbname=name)) as superuser:
        if superuser.execute("SELECT 1 FROM pg_roles WHERE rolname = 'portal'").fetchone():
            superuser.execute("DROP OWNED BY portal")
            superuser.execute("DROP ROLE portal")


@contextmanager
def receiving(program: Path, portal: str) -> Iterator[int]:
    """Run the page's receiver; yield its port."""
    variables = {"WEBHOOK_SECRET": SECRET, "DATABASE_URL": portal, "PORT": "0"}
    with subprocess.Popen(
        [sys.executable, program],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().split()[-1])
        finally:
            process.kill()


@pytest.fixture
def walk(database: str, portal: str, tmp_path: Path, monkeypatch) -> Iterator[Walk]:
    monkeypatch.chdir(tmp_path)
    uploads = tmp_path / "storage" / "uploads"
    uploads.mkdir(parents=True)
    for name in ("claim", "reply", "will", "list"):
        (uploads / f"{name}.txt").write_text("Content.")
    program = next(text for kind, text in steps() if kind == "python")
    (tmp_path / "receiver.py").write_text(program)
    environment = {
        "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DOCLIFE_ALLOW_HTTP": "true",
        "AIRFLOW_CONN_PORTAL_HOOK": json.dumps({"conn_type": "http", "password": SECRET}),
    }
    with receiving(tmp_path / "receiver.py", portal) as port:
        walk = Walk(Cli(database, environment), port)
        for kind, text in steps():
            if kind == "yaml":
                name = next(name for start, name in FILES.items() if text.startswith(start))
                (tmp_path / name).write_text(text)
            elif kind == "sql":
                _run(walk, text, owner=database, application=portal)
            elif kind == "command":
                typed = text.replace(ADDRESS, f"http://127.0.0.1:{port}")
                walk.said.append((text, walk.cli(*shlex.split(typed)[1:]).output))
        yield walk


def _run(walk: Walk, text: str, *, owner: str, application: str) -> None:
    is_owner = text.startswith(OWNER)
    assert is_owner or text.startswith(APPLICATION), text
    with psycopg.connect(owner if is_owner else application, autocommit=True) as conn:
        cursor = conn.execute(text)
        if "FROM public.timeline" in text:
            walk.told = cursor.fetchall()


def test_the_page_works_as_it_is_written(walk: Walk) -> None:
    expected = dict(re.findall(r"^\| `([a-z.]+)` \| (\d) \|", PAGE, re.MULTILINE))
    assert expected
    assert {kind: str(calls) for kind, calls in walk.told} == expected

    closed, reopened = walk.of(f"doclife documents explain {CLAIM} -o acme")
    (open_case,) = walk.of(f"doclife documents explain {WILL} -o acme")
    end = f"{datetime.now(ZoneInfo('Europe/Berlin')).year + 2}-12-31"
    assert end in closed
    assert end not in reopened
    assert end not in open_case
    (deliveries,) = walk.of("doclife deliveries list --endpoint portal -o acme")
    assert "204" in deliveries
    assert walk.of("doclife rules lint cases.yaml") == ["1 file: nothing found\n"]
    (doctor,) = walk.of("doclife doctor")
    assert re.search(r"ok +connections", doctor)


def test_the_receiver_refuses_what_is_not_signed_and_keeps_what_comes_twice_once(
    database: str, tmp_path: Path
) -> None:
    program = next(text for kind, text in steps() if kind == "python")
    (tmp_path / "receiver.py").write_text(program)
    table = next(text for kind, text in steps() if "CREATE TABLE public.timeline" in text)
    now = datetime.now(UTC)
    body = json.dumps({"type": "case.closed", "timestamp": now.isoformat(), "data": {}})
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
    }
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(table.split("GRANT")[0])
        with receiving(tmp_path / "receiver.py", database) as port:
            answers = [_post(port, body, headers) for _ in range(2)]
            forged = {**headers, "webhook-id": "msg_2"}

            assert answers == [204, 204]
            assert _post(port, body, forged) == 401
            assert _post(port, body.replace("closed", "opened"), headers) == 401
        assert owner.execute("SELECT call_id, type FROM public.timeline").fetchall() == [
            ("msg_1", "case.closed")
        ]


def _post(port: int, body: str, headers: dict[str, str]) -> int:
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/doclife", data=body.encode(), headers=headers
    )
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code

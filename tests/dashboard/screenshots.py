"""Takes the pictures of README and docs from the running dashboard, so that they stay true.

Run: PYTHONPATH=plugins .venv/bin/python -m tests.dashboard.screenshots [FOLDER]
"""

from __future__ import annotations

from tests import airflow_environment as environment  # first: Airflow reads it when imported

# isort: split
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from airflow.utils.db import initdb

from doclife.lifecycle.erasure_requests import request_erasure
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.store import clock, organizations
from doclife.store.connection import Connection, connect
from local import databases
from local.guard import Guard
from tests.conftest import _copy, _migrated, _server, role_url
from tests.dags.airflow_runs import read_dags, register_bundle
from tests.dashboard.api_server import serving
from tests.dashboard.chromium import chromium, framed, logged_in
from tests.dashboard.scene import LENA, set_scene

IMAGES = environment.ROOT / "docs" / "images"
SETTLES_MILLISECONDS = 1500
PICTURES = (
    # name, page, theme, width, height
    ("overview", "/", "light", 1280, 800),
    ("overview-dark", "/", "dark", 1280, 800),
    ("rules", "/rules", "light", 1280, 800),
    ("plan", "/plans/1", "light", 1280, 800),
    ("why", "/documents/1", "light", 1280, 800),
    ("erasure", "/erasure/1", "dark", 1280, 800),
    ("phone", "/", "light", 390, 844),
)


def take(folder: Path) -> None:
    """Take every picture into a folder."""
    initdb()
    register_bundle()
    read_dags(environment.DAGS_FOLDER)
    guard = Guard()
    try:
        with contextmanager(_server)(guard, programs=None) as postgres:
            owner = _copy(postgres, _migrated(postgres, "template_of_pictures"), "pictures")
            url = role_url(postgres, "pictures", role=databases.TASKS)
            with tempfile.TemporaryDirectory(prefix="doclife-pictures-") as home:
                (Path(home) / "files").mkdir()
                with connect(owner) as conn:
                    set_scene(conn, Path(home) / "files")
                    ask_for_erasure(conn)
                    now = clock.present(conn)
                    rebuild_dispositions(conn, now=now, as_of=now)
                with (
                    serving(Path(home), documents_url=url, guard=guard) as server,
                    chromium() as browser,
                ):
                    for name, path, theme, width, height in PICTURES:
                        context = logged_in(browser, server, "olga", width=width, theme=theme)
                        page = context.new_page()
                        page.set_viewport_size({"width": width, "height": height})
                        page.goto(server.framed(path))
                        framed(page)
                        page.wait_for_timeout(SETTLES_MILLISECONDS)
                        page.screenshot(path=folder / f"{name}.png")
                        context.close()
    finally:
        guard.dismiss()


def ask_for_erasure(conn: Connection) -> None:
    """Let a person of the scene have asked, on the command line; so olga may approve."""
    request_erasure(
        conn,
        organization=organizations.find(conn, "default"),
        person=LENA,
        now=clock.present(conn),
        dag_id="cli",
        run_id="pictures",
        actor="cli:maria",
    )


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)

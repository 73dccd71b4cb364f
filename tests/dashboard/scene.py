"""A catalogue in which something has happened: for browsers and pictures."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from doclife.lifecycle.reporting import make_report
from doclife.lifecycle.stores import register_store
from doclife.store import clock
from doclife.store.connection import Connection
from tests.lifecycle.conftest import World

CONTRACTS = {"field": "document_type", "op": "eq", "value": "contract"}
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
REPORT_JOB = 4711
"""The job that made the report, long forgotten."""
OWNER = "owner@example.org"
LENA = "lena.ott@example.org"
"""Who owns the newest contracts, and may ask that her documents be destroyed."""
TITLES = ("Framework agreement", "Lease, Hafenstraße 12", "Supply contract", "Service agreement")


def set_scene(conn: Connection, folder: Path) -> World:
    """Fill an empty catalogue: what was archived, what waits, what simulates, what comes."""
    now = clock.present(conn)
    conn.execute("UPDATE organizations SET max_fraction_per_day = 1")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    for name in ("documents", "archive"):
        (folder / name).mkdir()
        register_store(
            conn,
            name=name,
            root=str(folder / name),
            connection_id=None,
            now=now,
            actor="user:olga",
            options=lambda _connection_id: {},
        )
    world = World(conn=conn, folder=folder, now=now)
    today = now.date()
    for number in range(12):
        world.add_document(
            f"contract-{number}",
            title=f"{TITLES[number % 4]} {2010 + number}",
            document_type="contract",
            owner=LENA if number >= 9 else OWNER,
            created_on=today - timedelta(days=4000 - 200 * number),
            expires_on=today - timedelta(days=300 - 30 * number),
        )
        world.add_document(
            f"draft-{number}",
            title=f"Draft {number} <script>alert(1)</script>",
            document_type="draft",
            created_on=today - timedelta(days=800),
        )
    world.enforce(
        "archive-contracts",
        when={"all": [CONTRACTS, {"field": "expires_on", "op": "older_than", "value": "1d"}]},
        actions=[{"do": "ARCHIVE"}],
    )
    world.night()
    world.enforce(
        "delete-drafts",
        when=DRAFTS,
        actions=[{"do": "DELETE"}],
        limits={"max_documents": 5, "max_fraction": 1.0},
    )
    world.enforce("look-at-contracts", mode="simulate", when=CONTRACTS, actions=[{"do": "DELETE"}])
    world.plan()
    make_report(
        conn,
        job_id=REPORT_JOB,
        organization="default",
        payload={"days": 7, "send": "none"},
        stores=world.stores,
        now=now,
    )
    return world

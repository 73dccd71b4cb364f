"""The Batch jobs page shows imports: those that run with their pace, and how the others ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from doclife.dashboard.jobs.importing import pace_of, pill_of
from doclife.store import import_runs
from doclife.store.import_runs import ImportRun

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
EVIL = "/inbox/<script>alert(1)</script>"


def run_of(**facts) -> ImportRun:
    return ImportRun(
        **{
            "run_id": 1, "source": "/inbox", "requested_by": "cli:olga",
            "started_at": NOW - timedelta(seconds=20), "reading_at": NOW - timedelta(seconds=10),
            "file_count": 1000, "total_bytes": 5000, "done_count": 500, "done_bytes": 1250,
            "new_count": 500, "changed_count": 0, "refused_count": None, "finished_at": None,
            "error": None, "is_alive": True, **facts,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        # A quarter of the bytes took 10 s: three quarters take 30 s, though half the files are in.
        ({}, "50 files a second, about 30 s left"),
        ({"total_bytes": 0, "done_bytes": 0}, "50 files a second, about 10 s left"),
        ({"done_count": 2, "file_count": 4, "total_bytes": 0},
         "12.0 files a minute, about 10 s left"),
        ({"done_count": 0}, ""),
        ({"reading_at": None}, ""),
        ({"is_alive": False}, ""),
    ],
)  # fmt: skip
def test_the_pace_is_since_reading_began_and_time_left_goes_by_what_is_slower(facts, words):
    assert pace_of(run_of(**facts), now=NOW) == words


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({}, "Running"),
        ({"is_alive": False}, "Stopped"),
        ({"is_alive": False, "finished_at": NOW}, "Done"),
        ({"is_alive": False, "finished_at": NOW, "error": "no"}, "Failed"),
    ],
)
def test_a_killed_import_is_stopped_and_not_running_for_ever(facts, word):
    assert pill_of(run_of(**facts))[1] == word


def test_a_running_import_is_shown_live_with_how_far_it_is(world, olga):
    importing = world.another_connection()
    try:
        run_id = import_runs.begin(importing, organization_id=1, source=EVIL, actor="cli:olga")
        assert "Counting what there is" in olga.text("/jobs/running")
        import_runs.expect(importing, run_id, file_count=40, total_bytes=400)
        import_runs.advance(
            importing, run_id, done_count=10, done_bytes=100, new_count=10, changed_count=0
        )

        page = olga.get("/jobs").text
        assert 'data-refresh="/doclife/jobs/running"' in page
        assert "<script>alert" not in page
        part = olga.text("/jobs/running")
        assert "25 % 10 of 40 files" in part
        assert "left" in part
        # Killed: a session that closes by itself takes a moment until its lock is gone.
        backend = importing.info.backend_pid
        assert world.conn.execute("SELECT pg_terminate_backend(%s, 60000)", (backend,)).fetchone()[
            0
        ]
    finally:
        importing.close()

    assert "data-done" in olga.get("/jobs/running").text
    said = olga.text("/jobs")
    assert "Stopped" in said
    assert "Import again: it goes on where it was" in said


def test_imports_of_another_organization_are_not_shown(world, conn, olga):
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    with world.another_connection() as importing:
        import_runs.begin(importing, organization_id=2, source="/theirs", actor="cli:x")
        assert "/theirs" not in olga.text("/jobs?organization=default")

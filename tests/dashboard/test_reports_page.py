"""The pages of reports: asked for, listed, shown; their files come as they were written."""

from __future__ import annotations

import re
from pathlib import Path

from doclife.dashboard.app import PREFIX
from doclife.lifecycle.reporting import ReportRow, make_report


def made(world, here_and_now) -> ReportRow:
    world.now = here_and_now
    job_id = world.value("SELECT enqueue_job('report', '{\"days\": 7}')")
    return make_report(
        world.conn,
        job_id=job_id,
        organization="default",
        payload={"days": 7},
        stores=world.stores,
        now=world.now,
    )


def test_a_report_is_asked_for_by_those_who_may(world, olga, vic):
    words = olga.follow(olga.post("/reports", days="30"))

    assert "The report is asked for" in words
    payload = world.value("SELECT payload::jsonb FROM jobs WHERE kind = 'report'")
    assert payload == {"days": 30, "send": "none"}
    assert world.value("SELECT requested_by FROM jobs WHERE kind = 'report'") == "user:olga"
    assert vic.post("/reports", days="30").status_code == 403
    assert "Make a report" not in vic.text("/reports")


def test_its_numbers_and_files_are_shown_and_handed_out(world, here_and_now, vic):
    assert "No report was made" in vic.text("/reports")
    report = made(world, here_and_now)

    assert f"{report.starts_on} to {report.ends_on}" in vic.text("/reports")
    assert "Under legal hold" in vic.text(f"/reports/{report.report_id}")
    page = vic.get(f"/reports/{report.report_id}/page")
    assert page.content == Path(report.html_uri.removeprefix("file://")).read_bytes()
    assert page.headers["content-disposition"].startswith("attachment; ")
    assert "sandbox" in page.headers["content-security-policy"]
    table = vic.get(f"/reports/{report.report_id}/table")
    assert table.content == Path(report.csv_uri.removeprefix("file://")).read_bytes()
    assert vic.get(f"/reports/{report.report_id}/pdf").content.startswith(b"%PDF-")
    assert vic.get(f"/reports/{report.report_id}/else").status_code == 404


def test_reports_are_reached_from_history_before_anything_was_planned(world, vic):
    page = vic.get("/history").text

    address = re.search(r'href="([^"]*)">(?:<svg.*?</svg>)?Reports', page)[1]
    assert "No report was made" in vic.text(address.removeprefix(PREFIX))


def test_what_is_not_there_or_not_ours_is_not_found(world, here_and_now, olga):
    report = made(world, here_and_now)
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")
    world.conn.execute("UPDATE reports SET organization_id = 2")

    assert olga.get(f"/reports/{report.report_id}").status_code == 404
    assert olga.get("/reports/99").status_code == 404
    assert olga.get("/reports?cursor=x").status_code == 422

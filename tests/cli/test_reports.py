"""doclife reports, from the wish to the file."""

from pathlib import Path


def test_a_report_is_asked_for_made_listed_and_shown(acme, tmp_path: Path):
    (tmp_path / "archive").mkdir()
    acme("stores", "register", "archive", tmp_path / "archive")
    job_id = acme.json("reports", "make", "--from", "2026-01-01", "--send", "none")["job_id"]

    drained = acme.json("jobs", "drain", "--linger", "0")
    [made] = acme.json("reports", "list")["reports"]

    assert drained["sent"] == 1
    assert (made["job_id"], made["starts_on"]) == (job_id, "2026-01-01")
    files = [tmp_path / "page.html", tmp_path / "table.csv", tmp_path / "paper.pdf"]
    shown = acme(
        *("reports", "show", str(made["report_id"])),
        *("--html", files[0], "--csv", files[1], "--pdf", files[2]),
    ).output
    assert "asked for by" in shown
    assert files[0].read_text().startswith("<!DOCTYPE html>")
    assert files[1].read_text("utf-8-sig").startswith("section,rule,action")
    assert files[2].read_bytes().startswith(b"%PDF-")
    assert "no report 99" in acme("reports", "show", "99", exit_code=1).errors


def test_every_week_is_a_schedule(cli):
    stored = cli.json("reports", "weekly", "--to", "ann@example.org")["schedule"]

    assert (stored["name"], stored["kind"], stored["cron"]) == (
        "weekly-report",
        "report",
        "0 7 * * mon",
    )
    assert stored["payload"] == {"to": ["ann@example.org"], "send": "attachment"}
    assert "weekly-report" in cli("schedules", "list").output


def test_what_cannot_be_is_refused_at_once(cli):
    wrong = ("reports", "make", "--from", "2026-02-02", "--until", "2026-02-01")

    assert "has no day" in cli(*wrong, exit_code=1).errors
    assert "attachment, link or none" in cli("reports", "make", "--send", "fax", exit_code=1).errors

"""A report as pages to print, made of its table when somebody asks: nothing more is kept."""

import csv
import io
from itertools import groupby
from pathlib import Path

from doclife.delivery.paper import Paper
from doclife.store.activity import ReportRow

LISTED_AT_MOST = 500
"""Lines of a section on paper; the table has every one."""
SECTIONS = {
    "holdings": "What there is",
    "done": "What was done",
    "failed": "What failed",
    "purged": "What was destroyed",
    "overdue": "What is overdue",
    "held": "Under legal hold",
    "expiring": "What expires soon",
    "decisions": "Who decided",
    "undelivered": "What was not delivered",
}
_NUMBERS = ("documents", "bytes", "document")


def report_pdf(report: ReportRow, table: bytes, *, organization: str, font: Path | None) -> bytes:
    """Return a report as PDF.

    :param table: its CSV, as it was written.
    :param organization: its name for people.
    """
    paper = Paper(
        f"Report {report.starts_on} to {report.ends_on}", made_at=report.made_at, font=font
    )
    paper.facts(
        {
            "Organization": organization,
            "Made": f"{report.made_at:%Y-%m-%d %H:%M %Z}",
            "Asked for by": report.requested_by,
            **{name.capitalize(): count for name, count in report.summary.items()},
        }
    )
    lines = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    for section, rows in groupby(lines, key=lambda line: line["section"]):
        paper.heading(SECTIONS.get(section, section))
        every = list(rows)
        listed = every[:LISTED_AT_MOST]
        columns = [
            name for name in listed[0] if name != "section" and any(line[name] for line in listed)
        ]
        paper.table(columns, [[_value(name, line[name]) for name in columns] for line in listed])
        if len(every) > len(listed):
            paper.paragraph(f"{len(every) - len(listed)} more are in the table (CSV).")
    return paper.finish()


def _value(name: str, text: str) -> object:
    return int(text) if name in _NUMBERS and text.isdecimal() else text or None

"""Every message with made-up contents: to look at, and to find out which own templates work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from doclife.delivery.rendering import (
    LOCALES,
    NAMES,
    TEMPLATES_DIR,
    Email,
    SlackMessage,
    Templates,
    templates,
)
from doclife.delivery.template_files import TemplateFault
from doclife.domain.faults import did_you_mean
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.lifecycle.branding import branding
from doclife.lifecycle.report_contents import SHOWN
from doclife.store.activity import (
    DecisionCount,
    DoneCount,
    ExpiringCount,
    HeldCount,
    Holding,
    UndeliveredCount,
)
from doclife.store.overdue import OverdueCount

PAGE = "report-page"
"""The page of a report, which is a template without a mail."""
PREVIEWS = (*NAMES, PAGE)
WITHOUT_SLACK = ("report",)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """How a message looks with made-up contents."""

    email: Email | None
    slack: SlackMessage | None
    page: str | None


@dataclass(frozen=True, kw_only=True)
class TemplateFile:
    """One template, and where it comes from."""

    path: str
    """As in the folders: ``email/en/notice.txt.j2``."""
    file: Path
    is_own: bool


def preview(name: str, *, organization: Organization, locale: str | None, today: date) -> Preview:
    """Render one template as it would be for an organization.

    :param locale: None for the organization's.
    :raises ConfigurationError: there is no template of that name.
    """
    if name not in PREVIEWS:
        raise ConfigurationError(
            f"there is no template {name!r}.{did_you_mean(name, PREVIEWS)} "
            f"Templates: {', '.join(PREVIEWS)}"
        )
    found, language = templates(organization.slug), locale or organization.locale
    return _render(found, name, organization=organization, language=language, today=today)


def check(*, organization: Organization, today: date) -> list[TemplateFault]:
    """Render every message in every language, and return what is wrong with own templates."""
    found = Templates(templates(organization.slug).own)
    for language in LOCALES:
        for name in PREVIEWS:
            _render(found, name, organization=organization, language=language, today=today)
    known = {one.path for one in _files(TEMPLATES_DIR, is_own=False)}
    strangers = [
        TemplateFault(
            place=str(one.file),
            reason=f"ours has no file {one.path}, so nobody asks for it."
            f"{did_you_mean(one.path, known)}",
        )
        for folder in found.own
        for one in _files(folder, is_own=True)
        if one.path not in known
    ]
    return [*found.faults.take(), *strangers]


def list_files(*, organization: Organization) -> list[TemplateFile]:
    """Return every template with the file that is used for it, by path."""
    used = {one.path: one for one in _files(TEMPLATES_DIR, is_own=False)}
    for folder in reversed(templates(organization.slug).own):
        used |= {one.path: one for one in _files(folder, is_own=True) if one.path in used}
    return [used[path] for path in sorted(used)]


def _files(folder: Path, *, is_own: bool) -> Iterator[TemplateFile]:
    for way in ("email", "slack", "report"):
        for file in sorted((folder / way).rglob("*.j2")):
            yield TemplateFile(path=str(file.relative_to(folder)), file=file, is_own=is_own)


def _render(
    found: Templates, name: str, *, organization: Organization, language: str, today: date
) -> Preview:
    context = {**_context(today), **branding(organization)}
    if name == PAGE:
        page = found.page(locale=language, context={**context, **_report_page(today)})
        return Preview(email=None, slack=None, page=page)
    email = found.email(name, locale=language, context=context)
    slack = None
    if name not in WITHOUT_SLACK:
        slack = found.slack(name, locale=language, context=context)
    return Preview(email=email, slack=slack, page=None)


def _context(today: date) -> Mapping[str, Any]:
    soon = today + timedelta(days=7)
    line = {"title": "Lease of the north wing", "external_id": "contract-4711", "reason": None}
    return {
        "document": {
            **line,
            "document_type": "contract",
            "owner": "ann@example.org",
            "expires_on": soon,
        },
        "rule": {
            "name": "contracts-7y",
            "version": "3",
            "description": "Contracts are kept for seven years.",
            "authority": "HGB s. 257",
        },
        "contact": "records@example.org",
        "action": "DELETE",
        "anchor_on": today - timedelta(days=7 * 365),
        "due_on": soon,
        "days_left": 7,
        "document_url": "https://airflow.example.org/doclife/documents/1",
        "start_url": "https://airflow.example.org/doclife/",
        "keep_url": "https://documents.example.org/doclife/public/keep/a-sealed-link",
        "keep_until": soon + timedelta(days=30),
        "unsubscribe_url": None,
        "today": today,
        "is_overview": True,
        "audit_head": {"sequence": 1204, "hash": "5f" * 32, "on": today},
        "plans": {"rows": [_plan(today)], "total": 1, "more": 0},
        "sections": [
            _section("failed", {**line, "on": None, "action": "ARCHIVE", "reason": "no bytes"}),
            _section("tonight", {**line, "on": soon, "action": "ARCHIVE"}),
            _section("expiring", {**line, "on": soon, "action": None}),
            _section("done", {**line, "on": None, "action": "DELETE"}),
        ],
        "starts_on": today - timedelta(days=7),
        "ends_on": today - timedelta(days=1),
        "summary": {
            "archived": 1200,
            "trashed": 80,
            "purged": 12,
            "failed": 1,
            "overdue": 3,
            "held": 45,
            "expiring": 230,
        },
        "is_attached": True,
        "report_url": "https://airflow.example.org/doclife/reports/1",
        "store": "archive",
        "html_uri": "file:///srv/archive/reports/default/2027/report.html",
        "csv_uri": "file:///srv/archive/reports/default/2027/report.csv",
    }


def _plan(today: date) -> dict[str, object]:
    return {
        "plan_id": 12,
        "rule": "contracts-7y@3",
        "document_count": 80,
        "reason": "the rule asks for review",
        "stage": "records",
        "since": today - timedelta(days=2),
        "until": today + timedelta(days=12),
        "is_late": True,
        "url": "https://airflow.example.org/doclife/plans/12",
    }


def _section(kind: str, row: Mapping[str, object]) -> dict[str, object]:
    return {"kind": kind, "total": 21, "more": 20, "rows": [row]}


def _report_page(today: date) -> dict[str, object]:
    item = {
        "total": 1,
        "document_id": 4711,
        "rule": "contracts-7y",
        "external_id": "contract-4711",
        "finished_at": today - timedelta(days=2),
        "size_bytes": 120_000,
    }
    return {
        "made_on": today,
        "requested_by": "user:olga",
        "shown": SHOWN,
        "holdings": [
            Holding(status=status, documents=1200, size_bytes=3_400_000_000)
            for status in ("active", "archived", "deleted", "purged")
        ],
        "done": [
            DoneCount(
                rule="contracts-7y",
                action="ARCHIVE",
                state="done",
                documents=1200,
                size_bytes=2_300_000_000,
            )
        ],
        "purged": [{**item, "action": "PURGE", "title": None, "reason": None}],
        "failed": [{**item, "action": "ARCHIVE", "title": "Lease", "reason": "no bytes"}],
        "overdue": [
            OverdueCount(
                code="held",
                rule="contracts-7y@3",
                action="DELETE",
                documents=3,
                size_bytes=50_000,
                due_since=today - timedelta(days=40),
            )
        ],
        "held": [HeldCount(matter="Smith v. us", documents=45, size_bytes=9_000_000)],
        "expiring": [
            ExpiringCount(
                document_type="contract", documents=230, size_bytes=80_000_000, first_on=today
            )
        ],
        "people": [DecisionCount(decision="approve", decided_by="user:olga", plans=2, documents=0)],
        "undelivered": [UndeliveredCount(kind="email", jobs=1, last_error="550 no such user")],
    }

"""Reports: made of a job, kept in the archive store, sent by mail.

A job makes one report, however often it is tried: its files have the job's number in their names,
and its row and its mails are stored in one transaction.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from doclife.delivery.links import NO_LINKS, Links
from doclife.delivery.rendering import templates
from doclife.domain.address import is_address
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.alerting import alert_of_templates
from doclife.lifecycle.branding import branding
from doclife.lifecycle.queue import add, add_many
from doclife.lifecycle.report_contents import Contents, gather
from doclife.lifecycle.report_pages import report_pdf
from doclife.storage import uris
from doclife.storage.reading import HashingReader, explained
from doclife.storage.stores import Store, Stores
from doclife.store import activity, audit, organizations
from doclife.store.activity import ReportRow
from doclife.store.connection import Connection

__all__ = ["ReportRow"]

STORE = "archive"
"""Where reports are kept unless the job names another store."""
FOLDER = "reports"
DAYS = 7
"""A report is about the last whole days unless the job says otherwise."""
ATTACHED_BYTES = 2_000_000
"""Larger ones are not attached: a mail says where they lie. Mail servers take 10 MB or more, but
every recipient's mail waits in the queue with its attachment."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a job of kind ``report`` asks for.

    :param recipients: None for the organization's fallback recipient; empty for nobody.
    :param send: ``attachment``, ``link`` or ``none``.
    """

    starts_on: date
    ends_on: date
    recipients: Sequence[str] | None
    send: str
    store: str


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file of a report, as it was stored."""

    name: str
    media_type: str
    uri: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


def ask_for_report(
    conn: Connection, *, organization: str, payload: Mapping[str, Any], actor: str, now: datetime
) -> int:
    """Store the job that makes a report; return its id.

    :param payload: what docs/queue.md says of the kind ``report``.
    :raises ConfigurationError: it asks for what cannot be.
    """
    read_wanted(payload, organization=organizations.find(conn, organization), now=now)
    return add(conn, kind="report", payload=payload, requested_by=actor, organization=organization)


def read_wanted(payload: Mapping[str, Any], *, organization: Organization, now: datetime) -> Wanted:
    """Return what a job asks for, with the days that it is about.

    :raises ConfigurationError: the days are none, or the wrong way round.
    """
    yesterday = organization.date_of(now) - timedelta(days=1)
    try:
        ends_on = date.fromisoformat(payload["until"]) if "until" in payload else yesterday
        starts_on = (
            date.fromisoformat(payload["from"])
            if "from" in payload
            else ends_on - timedelta(days=int(payload.get("days", DAYS)) - 1)
        )
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"the report's days are none: {error}") from None
    if ends_on < starts_on:
        raise ConfigurationError(f"a report from {starts_on} until {ends_on} has no day")
    return Wanted(
        starts_on=starts_on,
        ends_on=ends_on,
        recipients=payload.get("to"),
        send=str(payload.get("send", "attachment")),
        store=str(payload.get("store", STORE)),
    )


def make_report(
    conn: Connection,
    *,
    job_id: int,
    organization: str,
    payload: Mapping[str, Any],
    stores: Stores,
    now: datetime,
    links: Links = NO_LINKS,
) -> ReportRow:
    """Make the report that a job asks for, keep it and send it; a second call returns the first.

    :raises ConfigurationError: what is asked for cannot be.
    :raises StorageError: the store cannot be written to.
    """
    tenant = organizations.find(conn, organization)
    if made := activity.list_reports(conn, organization_id=tenant.id, job_id=job_id, size=1):
        return made[0]
    wanted = read_wanted(payload, organization=tenant, now=now)
    contents = gather(
        conn,
        organization=tenant,
        starts_on=wanted.starts_on,
        ends_on=wanted.ends_on,
        now=now,
        requested_by=activity.find_asker(conn, job_id) or "event",
    )
    store = stores.named(wanted.store)
    files = _files(contents, store, job_id=job_id)
    for file in files:
        _keep(store, file)
    with conn.transaction():
        return _record(conn, contents, wanted, files, job_id=job_id, now=now, links=links)


def list_reports(
    conn: Connection, *, organization: Organization, before: int | None = None, size: int = 50
) -> Sequence[ReportRow]:
    """Return the reports of an organization, the newest first.

    :param before: the last ``report_id`` of the page before.
    """
    return activity.list_reports(conn, organization_id=organization.id, before=before, size=size)


def find_report(conn: Connection, *, organization: Organization, report_id: int) -> ReportRow:
    """Return one report.

    :raises ConfigurationError: there is none of that number.
    """
    found = activity.list_reports(
        conn, organization_id=organization.id, report_id=report_id, size=1
    )
    if not found:
        raise ConfigurationError(
            f"organization {organization.slug} has no report {report_id}. See: doclife reports list"
        )
    return found[0]


def read_report(report: ReportRow, *, is_table: bool, stores: Stores) -> bytes:
    """Return one file of a report: the page, or the table.

    :raises StorageError: it is not there, cannot be read, or is not what was written.
    """
    uri = report.csv_uri if is_table else report.html_uri
    reader = HashingReader(stores.at(uri).filesystem, uri)
    try:
        content = b"".join(bytes(chunk) for chunk in reader)
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {explained(error)}") from error
    if reader.digest.sha256 != (report.csv_sha256 if is_table else report.html_sha256):
        raise StorageError(f"{uri} is not what was written: somebody changed it")
    return content


def print_report(
    report: ReportRow, *, organization: Organization, stores: Stores, font: Path | None
) -> bytes:
    """Return a report as PDF, made of its table now.

    :param font: for letters that are not Western European; ``paper.read_font`` finds it.
    :raises StorageError: the table is not there, cannot be read, or is not what was written.
    """
    table = read_report(report, is_table=True, stores=stores)
    return report_pdf(report, table, organization=organization.name, font=font)


def _files(contents: Contents, store: Store, *, job_id: int) -> list[_File]:
    tenant = contents.organization
    folder = (FOLDER, tenant.slug, str(contents.ends_on.year))
    name = f"{tenant.slug}_{contents.starts_on}_{contents.ends_on}_{job_id}"
    return [
        _File(
            name=f"{name}.{ending}",
            media_type=media_type,
            uri=uris.joined(store.record.root_uri, *folder, f"{name}.{ending}"),
            content=content,
        )
        for ending, media_type, content in (
            ("html", "text/html", contents.html()),
            ("csv", "text/csv", contents.csv()),
        )
    ]


def _keep(store: Store, file: _File) -> None:
    """Write a file for good; what an attempt that died left in its place is replaced."""
    store.require_ours()
    try:
        try:
            store.filesystem.create(file.uri, [file.content], is_durable=True)
        except FileExistsError:
            store.filesystem.replace(file.uri, file.content)
    except OSError as error:
        raise StorageError(
            f"{file.uri} cannot be written: {explained(error)}. Check that the store has room and "
            "that we may write to it."
        ) from error


def _record(
    conn: Connection,
    contents: Contents,
    wanted: Wanted,
    files: Sequence[_File],
    *,
    job_id: int,
    now: datetime,
    links: Links,
) -> ReportRow:
    tenant = contents.organization
    page, table = files
    report_id = activity.insert_report(
        conn,
        {
            "organization_id": tenant.id,
            "job_id": job_id,
            "starts_on": wanted.starts_on,
            "ends_on": wanted.ends_on,
            "now": now,
            "requested_by": contents.requested_by,
            "store_name": wanted.store,
            "html_uri": page.uri,
            "html_bytes": len(page.content),
            "html_sha256": page.sha256,
            "csv_uri": table.uri,
            "csv_bytes": len(table.content),
            "csv_sha256": table.sha256,
        },
        summary=contents.summary(),
    )
    [row] = activity.list_reports(conn, organization_id=tenant.id, job_id=job_id, size=1)
    if report_id is None:
        return row
    recipients = _recipients(wanted, tenant)
    if recipients and wanted.send != "none":
        mail = _mail(contents, wanted, files, url=links.report(row.report_id))
        add_many(
            conn,
            kind="email",
            payloads=[{"to": recipient, **mail} for recipient in recipients],
            unique_keys=[f"report:{job_id}:{recipient.lower()}" for recipient in recipients],
            requested_by=row.requested_by,
            organization=tenant.slug,
        )
    alert_of_templates(conn, now=now)
    audit.record(
        conn,
        organization_id=tenant.id,
        at=now,
        actor=row.requested_by,
        action="report.made",
        reason=f"report {row.report_id} of {wanted.starts_on} to {wanted.ends_on}",
        details={"report_id": row.report_id, "sent_to": len(recipients), "send": wanted.send},
    )
    return row


def _recipients(wanted: Wanted, tenant: Organization) -> list[str]:
    if wanted.recipients is not None:
        return list(dict.fromkeys(wanted.recipients))
    fallback = (tenant.fallback_recipient or "").strip()
    return [fallback] if is_address(fallback) else []


def _mail(
    contents: Contents, wanted: Wanted, files: Sequence[_File], *, url: str | None
) -> dict[str, Any]:
    tenant = contents.organization
    is_attached = wanted.send == "attachment" and (
        sum(len(file.content) for file in files) <= ATTACHED_BYTES
    )
    email = templates(tenant.slug).email(
        "report",
        locale=tenant.locale,
        context={
            **branding(tenant),
            "starts_on": wanted.starts_on,
            "ends_on": wanted.ends_on,
            "summary": contents.summary(),
            "is_attached": is_attached,
            "report_url": url,
            "store": wanted.store,
            "html_uri": files[0].uri,
            "csv_uri": files[1].uri,
        },
    )
    return {
        "subject": email.subject,
        "text": email.text,
        "html": email.html,
        "template": "report",
        # By these it is found when one of them is purged.
        "document_ids": sorted({row["document_id"] for row in contents.failed}),
        "headers": {"Auto-Submitted": "auto-generated"},
        "attachments": [
            {
                "name": file.name,
                "media_type": file.media_type,
                "content": b64encode(file.content).decode(),
            }
            for file in files
            if is_attached
        ],
    }

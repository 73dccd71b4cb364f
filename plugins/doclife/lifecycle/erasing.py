"""What stays of a document after its purge: the tombstone. Everything else is erased here.

What is found by the document goes in the transaction that makes the tombstone. Messages and
reports name many documents and are found by reading them: the purge notes which documents are to be
swept, and ``sweep`` reads every store of messages once for all of them. docs/erasure.md says what
may stay.
"""

import csv
import hashlib
import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from doclife.errors import StorageError, TryAgainLater
from doclife.lifecycle.batch import Work
from doclife.lifecycle.repeating import forget_old_keys
from doclife.lifecycle.report_contents import CSV_COLUMNS
from doclife.storage.reading import HashingReader, explained
from doclife.storage.stores import Stores
from doclife.store import residue
from doclife.store.connection import Connection
from doclife.store.residue import NamingReport

logger = logging.getLogger(__name__)

SWEEP_SIZE = 10_000
"""Documents of one transaction of a sweep: the stores of messages are read once for each."""
ERASED = "[erased]"
"""Stands in a report where the name of a purged document stood."""
_BOM = "\ufeff"
_LINE = re.compile(r'(?P<head><tr data-document="(?P<document>[0-9]+)">).*?</tr>', flags=re.DOTALL)
"""What the page of a report says of one document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What a sweep did."""

    documents: int = 0
    """Purged documents that nothing names any more."""
    withdrawn: int = 0
    """Messages about them that were taken back before they were sent."""
    reports: int = 0
    """Reports that were written again without them."""
    waiting: int = 0
    """Documents that a message still names which is being sent: the next sweep looks again."""


@contextmanager
def residue_erased(
    conn: Connection, work: Work, document_ids: Sequence[int], *, now: datetime
) -> Iterator[None]:
    """Erase what other tables say of documents that become tombstones within.

    Call it in the transaction that purges: what documents are called is noted before, and erased
    after, so that a kill leaves both or neither.
    """
    if not document_ids:
        yield
        return
    residue.collect(conn, document_ids)
    yield
    residue.erase_collected(
        conn,
        organization_id=work.organization.id,
        plan_id=work.shard.plan_id,
        actor=work.actor,
        now=now,
    )


def sweep(conn: Connection, *, stores: Stores, now: datetime) -> Swept:
    """Erase what messages and reports say of purged documents, until nothing is left.

    Killed anywhere and called again, it goes on; called once more, it does nothing. A message to a
    person that has not begun to be sent is taken back; a call to an application keeps the number.
    What was sent, was sent.

    :raises TryAgainLater: a report's files could not be written again; all else is done.
    """
    forget_old_keys(conn, now=now)
    total = Swept()
    failures: list[str] = []
    seen: set[int] = set()
    while document_ids := [
        each for each in residue.list_unswept(conn, size=SWEEP_SIZE + len(seen)) if each not in seen
    ]:
        seen.update(document_ids)
        rewritten, unwritten = _rewrite_reports(conn, stores)
        failures += unwritten
        with conn.transaction():
            residue.collect_named(conn)
            withdrawn = residue.erase_named(conn)
            if not unwritten:
                residue.end_sweep(conn, document_ids)
        left = set(residue.list_unswept(conn, size=SWEEP_SIZE + len(seen)))
        total = Swept(
            documents=total.documents + len(set(document_ids) - left),
            withdrawn=total.withdrawn + withdrawn,
            reports=total.reports + rewritten,
            waiting=len(left & seen),
        )
    if failures:
        raise TryAgainLater(
            "reports still name purged documents: " + "; ".join(sorted(set(failures)))
        )
    if seen:
        logger.info(
            "Swept %s purged document(s); %s wait for a message that is being sent",
            total.documents,
            total.waiting,
        )
    return total


def _rewrite_reports(conn: Connection, stores: Stores) -> tuple[int, list[str]]:
    """Write reports again that list documents to be swept; return how many, and the failures."""
    rewritten, failures = 0, []
    for report in residue.list_reports(conn):
        try:
            rewritten += _rewrite(conn, report, stores)
        except StorageError as error:
            failures.append(f"report {report.report_id}: {error}")
    return rewritten, failures


def _rewrite(conn: Connection, report: NamingReport, stores: Stores) -> bool:
    # Each file by itself: one that somebody removed names nobody, and the other one still may.
    page = _read(stores, report.html_uri)
    table = _read(stores, report.csv_uri)
    new_page = page and erase_from_page(page, report.document_ids)
    new_table = table and erase_from_table(table, report.document_ids)
    if (new_page, new_table) == (page, table):
        return False
    # Before the files: whoever dies in between leaves old files whose erasure fits the record.
    # What somebody else changed is erased, too, and stays recognisable as changed.
    with conn.transaction():
        residue.record_report(
            conn,
            report.report_id,
            html=_record(page, new_page, recorded=report.html_sha256),
            csv=_record(table, new_table, recorded=report.csv_sha256),
        )
    for uri, old, new in (
        (report.html_uri, page, new_page),
        (report.csv_uri, table, new_table),
    ):
        if new is None or new == old:
            continue
        try:
            stores.at(uri).filesystem.replace(uri, new)
        except OSError as error:
            raise StorageError(f"{uri} cannot be written: {explained(error)}") from error
    return True


def _record(old: bytes | None, new: bytes | None, *, recorded: bytes) -> tuple[int, bytes] | None:
    """Return size and SHA-256 of a file as it will be; None where the record stays as it is."""
    if old is None or new is None or _sha256(old) != recorded:
        return None
    return len(new), _sha256(new)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _read(stores: Stores, uri: str) -> bytes | None:
    store = stores.at(uri)
    store.require_ours()
    try:
        return b"".join(bytes(chunk) for chunk in HashingReader(store.filesystem, uri))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {explained(error)}") from error


def erase_from_page(page: bytes, document_ids: Sequence[int]) -> bytes:
    """Return a report's page without what it says of some documents; their numbers stay."""
    wanted = {str(document_id) for document_id in document_ids}

    def without(line: re.Match[str]) -> str:
        if line["document"] not in wanted:
            return line[0]
        return f'{line["head"]}<td colspan="5">#{line["document"]} {ERASED}</td></tr>'

    # Once over the page, however many documents are gone.
    return _LINE.sub(without, page.decode()).encode()


def erase_from_table(table: bytes, document_ids: Sequence[int]) -> bytes:
    """Return a report's table without what it says of some documents; their numbers stay."""
    wanted = {str(document_id) for document_id in document_ids}
    rows = list(csv.DictReader(io.StringIO(table.decode().removeprefix(_BOM), newline="")))
    if not any(row.get("document") in wanted for row in rows):
        return table
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="")
    writer.writeheader()
    for row in rows:
        if row.get("document") in wanted:
            row |= {"name": f"#{row['document']}", "title": "", "reason": ERASED}
        writer.writerow(row)
    return text.getvalue().encode("utf-8-sig")

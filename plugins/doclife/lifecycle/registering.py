"""Registers documents where they lie: ``doclife documents import``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from doclife.domain.fields import MetadataType
from doclife.domain.organization import Organization
from doclife.lifecycle.import_manifest import Manifest, checked_metadata, guessed_media_type
from doclife.lifecycle.import_places import Places, Registrar, find_places
from doclife.lifecycle.import_progress import Problem, ProblemKind, Progress, Silent
from doclife.lifecycle.import_reading import ReadFile, read_all
from doclife.lifecycle.import_running import RunningImport, running
from doclife.lifecycle.import_sources import (
    Given,
    external_id_of,
    printable_place,
)
from doclife.lifecycle.import_writing import BatchWriter, Written
from doclife.lifecycle.stores import Options
from doclife.storage import uris
from doclife.store import import_runs, importing, organizations
from doclife.store.connection import Connection
from doclife.store.importing import ImportContext, ImportRow

__all__ = [
    "ImportResult",
    "ImportSettings",
    "Problem",
    "ProblemKind",
    "Progress",
    "Silent",
    "import_documents",
]

BATCH_ROWS = 2000
"""Documents per transaction at most: bounds memory, locks, and what a killed import repeats."""
EARLY_ROWS = 250
"""Enough to give to a database that has nothing to do: where writing takes longer than reading, as
with small files, it must not wait until so many as BATCH_ROWS are read."""
KEPT_PROBLEMS = 1000
"""The result lists so many; all of them are counted and reported to the progress."""
HUGE_BYTES = 256 * 1024 * 1024
"""From here on a document is mentioned: it is archived in a bag of its own."""
_LEFT_ALONE: Mapping[str, tuple[ProblemKind, str]] = {
    "in_trash": (
        ProblemKind.IN_TRASH,
        "the document is in the trash and stays there; restore it if it is needed",
    ),
    "changed_in_trash": (
        ProblemKind.CHANGED_IN_TRASH,
        "the document is in the trash, and its file has changed since; neither is touched",
    ),
    "purged": (
        ProblemKind.PURGED,
        "the document of this external id was purged; give the file another id in a manifest",
    ),
    "changed_after_archiving": (
        ProblemKind.CHANGED_AFTER_ARCHIVING,
        "the document is archived, and this is not the file that was; restore it first, or give "
        "the file another id in a manifest",
    ),
    "being_destroyed": (
        ProblemKind.BEING_DESTROYED,
        "what lies there is being destroyed by a purge; import again afterwards",
    ),
}


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What is said about every document of an import; None says nothing.

    On a second import what is said is set, and what is not said stays as it is.

    :param store_name: name for the store if the source is a new one; default: its folder's.
    :param connection_id: Airflow Connection with the credentials of a new store.
    :param metadata: values of declared keys, as text.
    :param baseline: a first import of what was there before: no events and no notices, and one
        audit entry per batch instead of one per document.
    :param quick: trust size and time (in S3: size and etag) instead of reading every file again.
    """

    organization: str = "default"
    store_name: str | None = None
    connection_id: str | None = None
    document_type: str | None = None
    owner: str | None = None
    tags: list[str] | None = None
    expires_on: date | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    baseline: bool = False
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What became of every file.

    :param unchanged: documents as the catalogue knows them, those in the trash included.
    :param size_bytes: of the files that were read or trusted.
    :param problem_count: every file that is mentioned, imported or not.
    :param refused_count: those that were not imported.
    :param problems: the first KEPT_PROBLEMS of them, those not imported first.
    :param notes: what concerns the whole import.
    """

    new: int
    changed: int
    unchanged: int
    size_bytes: int
    problem_count: int
    refused_count: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    store_name: str
    is_read_only: bool


def import_documents(
    conn: Connection,
    *,
    source: str,
    settings: ImportSettings,
    now: datetime,
    actor: str,
    options: Options,
    progress: Progress | None = None,
) -> ImportResult:
    """Register every document of a folder, a file, an ``s3://`` prefix or a CSV manifest.

    Nothing is copied, and nothing at the source is changed but for the marker of a new store. A
    file that cannot be registered is a problem with a reason; the rest goes on. Documents are
    committed in batches of BATCH_ROWS; importing again changes only what changed, so a killed
    import is just run again.

    :param now: when this is; also the moment of registration.
    :param progress: told how far it is, also from other threads. Default: nobody watches.
    :raises ConfigurationError: source, settings or manifest are wrong; nothing was registered.
    :raises StorageError: a store cannot be reached.
    """
    tenant = organizations.find(conn, settings.organization)
    declared = organizations.metadata_types(conn, tenant.id)
    given = Given(
        document_type=settings.document_type,
        owner=settings.owner,
        tags=None if settings.tags is None else tuple(dict.fromkeys(settings.tags)),
        metadata=checked_metadata(settings.metadata, declared),
        expires_on=settings.expires_on,
    )
    importing.create_rows(conn)
    database = Lock()
    places = find_places(
        Registrar(
            conn=conn,
            store_name=settings.store_name,
            connection_id=settings.connection_id,
            now=now,
            actor=actor,
            options=options,
            database=database,
        ),
        source=source,
        manifest=_manifest(source, given, declared),
        given=given,
    )
    run = _Import(
        conn=conn,
        tenant=tenant,
        context=ImportContext(
            organization_id=tenant.id,
            today=tenant.date_of(now),
            actor=actor,
            source=printable_place(uris.normalised(source)),
            is_baseline=settings.baseline,
            began_at=now,
        ),
        progress=progress or Silent(),
        database=database,
        is_quick=settings.quick,
    )
    return run.carry_out(places)


def _manifest(source: str, given: Given, declared: Mapping[str, MetadataType]) -> Manifest | None:
    if "://" in source and not source.startswith("file://"):
        return None
    path = Path(uris.local_path(uris.normalised(source)))
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    return Manifest(path=path, declared=declared, common=given)


class _Import:
    """One import while it runs."""

    def __init__(
        self,
        *,
        conn: Connection,
        tenant: Organization,
        context: ImportContext,
        progress: Progress,
        database: Lock,
        is_quick: bool,
    ) -> None:
        self._conn = conn
        self._database = database
        self._tenant = tenant
        self._zone = ZoneInfo(tenant.time_zone)
        self._context = context
        self._progress = progress
        self._is_quick = is_quick
        self._counts: Counter[str] = Counter()
        self._refused: list[Problem] = []
        self._mentioned: list[Problem] = []

    def carry_out(self, places: Places) -> ImportResult:
        with running(
            self._conn,
            tenant=self._tenant,
            source=self._context.source,
            actor=self._context.actor,
            database=self._database,
        ) as run:
            self._work_through(places, run)
            run.refused_count = self._counts["refused"]
        return self._result(places)

    def _work_through(self, places: Places, run: RunningImport) -> None:
        files, size_bytes = places.count()
        self._progress.expect(files=files, size_bytes=size_bytes)
        with self._database:
            import_runs.expect(self._conn, run.run_id, file_count=files, total_bytes=size_bytes)
        found = read_all(
            places.found(),
            progress=self._progress,
            find_facts=self._find_facts if self._is_quick else None,
        )
        batch: list[ImportRow] = []
        with BatchWriter(
            self._conn,
            self._tenant,
            self._context,
            run_id=run.run_id,
            database=self._database,
        ) as writer:
            for each in found:
                if isinstance(each, Problem):
                    self._report(each)
                    continue
                if len(batch) == BATCH_ROWS or (len(batch) >= EARLY_ROWS and writer.is_idle):
                    self._note(writer.hand_over(batch, is_last=False))
                    batch = []
                batch.append(self._row(each, line=len(batch)))
            if batch:
                self._note(writer.hand_over(batch, is_last=True))
            self._note(writer.wait())

    def _find_facts(self, wanted: Sequence[str]) -> Mapping[str, importing.RecordedFacts]:
        with self._database:
            return importing.find_facts(self._conn, wanted)

    def _report(self, problem: Problem) -> None:
        kept = self._mentioned if problem.is_imported else self._refused
        self._counts["mentioned" if problem.is_imported else "refused"] += 1
        if len(kept) < KEPT_PROBLEMS:
            kept.append(problem)
        self._progress.report(problem)

    def _row(self, read: ReadFile, *, line: int) -> ImportRow:
        candidate, found = read.candidate, read.digest.stat
        given = candidate.given
        name = uris.file_name(candidate.uri)
        self._mention_oddities(candidate.uri, name, found.size_bytes)
        self._counts["size_bytes"] += found.size_bytes
        written = found.modified_at
        return ImportRow(
            line=line,
            external_id=given.external_id or external_id_of(candidate.uri, candidate.store),
            uri=candidate.uri,
            store_id=candidate.store.record.store_id,
            size_bytes=found.size_bytes,
            sha256=read.digest.sha256,
            etag=found.etag,
            version_id=found.version_id,
            modified_at=written,
            written_on=None if written is None else written.astimezone(self._zone).date(),
            default_title=uris.printable(name),
            default_media_type=guessed_media_type(candidate.uri),
            title=given.title,
            document_type=given.document_type,
            owner=given.owner,
            tags=None if given.tags is None else list(given.tags),
            media_type=given.media_type,
            metadata=Jsonb(given.metadata) if given.metadata else None,
            created_on=given.created_on,
            modified_on=given.modified_on,
            last_accessed_on=given.last_accessed_on,
            expires_on=given.expires_on,
        )

    def _mention_oddities(self, uri: str, name: str, size_bytes: int) -> None:
        if not name.isprintable():
            kind, reason = ProblemKind.ODD_NAME, "control characters or bytes that are not UTF-8"
        elif size_bytes == 0:
            kind, reason = ProblemKind.EMPTY, "a file of 0 bytes"
        elif size_bytes > HUGE_BYTES:
            kind, reason = ProblemKind.HUGE, "larger than a bag: it is archived in one of its own"
        else:
            return
        self._report(Problem(path=printable_place(uri), kind=kind, reason=reason))

    def _note(self, written: Written | None) -> None:
        """Count what became of a batch."""
        if written is None:
            return
        self._counts["new"] += written.outcome.new
        self._counts["changed"] += written.outcome.changed
        for row in written.outcome.left_alone:
            kind, reason = _LEFT_ALONE[row.outcome]
            problem = Problem(path=printable_place(row.uri), kind=kind, reason=reason)
            self._counts["not_taken"] += not problem.is_imported
            self._report(problem)
        self._counts["rows"] += written.row_count

    def _result(self, places: Places) -> ImportResult:
        counts = self._counts
        taken = counts["rows"] - counts["not_taken"]
        return ImportResult(
            new=counts["new"],
            changed=counts["changed"],
            unchanged=taken - counts["new"] - counts["changed"],
            size_bytes=counts["size_bytes"],
            problem_count=counts["mentioned"] + counts["refused"],
            refused_count=counts["refused"],
            problems=(*self._refused, *self._mentioned)[:KEPT_PROBLEMS],
            notes=places.notes,
            store_name=", ".join(places.store_names),
            is_read_only=places.is_read_only,
        )

"""Hashes the files of an import, several at a time, in the order they were found."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from doclife.errors import ChangedBytes
from doclife.lifecycle.import_progress import Problem, ProblemKind, Progress
from doclife.lifecycle.import_sources import Candidate, Found, printable_place
from doclife.storage import uris
from doclife.storage.filesystem import Stat
from doclife.storage.reading import Digest, explained, hashed
from doclife.store.importing import RecordedFacts

CHUNK_FILES = 64
"""Handed to a thread at a time: few enough that large files spread, many enough to cost nothing."""
AHEAD_FILES = 10_000
"""Read ahead of the database at most: a few of its batches."""
_LOCAL_THREADS = 3
"""One more than the usual two cores: somebody is always waiting for the disk."""
_REMOTE_THREADS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadFile:
    """A file whose bytes are known."""

    candidate: Candidate
    digest: Digest


FindFacts = Callable[[Sequence[str]], Mapping[str, RecordedFacts]]


def read_all(
    found: Iterable[Found], *, progress: Progress, find_facts: FindFacts | None
) -> Iterator[ReadFile | Problem]:
    """Yield what was read and what could not be, in the order it was found.

    :param find_facts: what the catalogue knows; a file whose size and time (in S3: size and etag)
        are still those is not read again. None reads everything.
    """
    threads = _LOCAL_THREADS
    waiting: deque[Future[list[ReadFile | Problem]]] = deque()
    chunks = _chunks(found)
    first = next(chunks, ())
    if any(isinstance(each, Candidate) and uris.scheme_of(each.uri) != "file" for each in first):
        threads = _REMOTE_THREADS
    pool = ThreadPoolExecutor(threads, thread_name_prefix="import")
    try:
        for chunk in itertools.chain([first], chunks):
            facts: Mapping[str, RecordedFacts] = {}
            if find_facts is not None:
                facts = find_facts([each.uri for each in chunk if isinstance(each, Candidate)])
            waiting.append(pool.submit(_read_chunk, chunk, facts, progress))
            while waiting and (waiting[0].done() or len(waiting) > AHEAD_FILES // CHUNK_FILES):
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(found: Iterable[Found]) -> Iterator[tuple[Found, ...]]:
    iterator = iter(found)
    while chunk := tuple(itertools.islice(iterator, CHUNK_FILES)):
        yield chunk


def _read_chunk(
    chunk: Sequence[Found], facts: Mapping[str, RecordedFacts], progress: Progress
) -> list[ReadFile | Problem]:
    return [
        each if isinstance(each, Problem) else _read(each, facts.get(each.uri), progress)
        for each in chunk
    ]


def _read(
    candidate: Candidate, facts: RecordedFacts | None, progress: Progress
) -> ReadFile | Problem:
    def advance(size_bytes: int) -> None:
        progress.advance(files=0, size_bytes=size_bytes)

    filesystem = candidate.store.filesystem
    try:
        digest = None if facts is None else _trusted(candidate, facts)
        if digest is None:
            digest = hashed(filesystem, candidate.uri, advance=advance)
        else:
            advance(digest.size_bytes)
        progress.advance(files=1, size_bytes=0)
        return ReadFile(candidate=candidate, digest=digest)
    except FileNotFoundError:
        kind, reason = ProblemKind.VANISHED, "it was there when the folder was listed"
    except ChangedBytes:
        kind, reason = ProblemKind.CHANGING, "it changed while it was read; import it again"
    except OSError as error:
        kind, reason = ProblemKind.UNREADABLE, explained(error)
    return Problem(path=printable_place(candidate.uri), kind=kind, reason=reason)


def _trusted(candidate: Candidate, facts: RecordedFacts) -> Digest | None:
    """Return what is recorded if the store says that nothing has changed since."""
    found = candidate.stat or candidate.store.filesystem.stat(candidate.uri)
    if found.size_bytes != facts.size_bytes or found.etag != facts.etag:
        return None
    # An etag says enough, and S3 rounds times in some answers and not in others.
    if found.etag is None and found.modified_at != facts.modified_at:
        return None
    recorded = Stat(
        size_bytes=facts.size_bytes,
        modified_at=facts.modified_at,
        etag=facts.etag,
        version_id=facts.version_id,
    )
    return Digest(sha256=facts.sha256, stat=recorded)

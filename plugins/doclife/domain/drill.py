"""What goes with a dump of the database, and what restoring one has proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from doclife.domain.checkup import Finding, Level, fault, ok, warning

FORMAT = 1
MOST_NAMED = 5
"""Of many of one kind only so many are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainEnd:
    """Where an organization's audit chain ended."""

    organization: str
    sequence: int
    hash: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedStore:
    """A store whose bytes the documents stand on, and which has backups of its own."""

    name: str
    root_uri: str
    marker_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupRecord:
    """What a backup is, written beside its dump; all of it as of the moment of the dump.

    It holds numbers, places and names of Connections, and no document's.
    """

    format: int = FORMAT
    taken_at: datetime
    """By the database's clock."""
    deployment_id: UUID
    server_version: int
    """As 180000."""
    migration: str
    """The last one that was applied."""
    dump: str
    """Name of the file."""
    size_bytes: int
    sha256: str
    rows: Mapping[str, int]
    """By table."""
    chains: Sequence[ChainEnd]
    roles: Sequence[str]
    """Which the dump names, and does not bring."""
    stores: Sequence[NamedStore]
    connections: Sequence[str]
    """Ids of Airflow Connections, which no backup of this database holds."""
    signing_keys: Sequence[str]
    """Fingerprints of the keys that have signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One part of a drill: what it found, and how long it took."""

    name: str
    seconds: float
    findings: Sequence[Finding]

    @property
    def level(self) -> Level:
        """The worst of what was found."""
        levels = {one.level for one in self.findings}
        return next((each for each in (Level.FAULT, Level.WARNING) if each in levels), Level.OK)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillReport:
    """What a drill has proven.

    :param is_whole: every step was done; else the last one says what stopped it.
    :param data_loss_seconds: the backup's age: what was written since would be lost.
    """

    backup: BackupRecord
    started_at: datetime
    server_version: int
    """Of the server that it was restored on, as 180000."""
    scratch: str
    """Name of the database that it was restored into."""
    is_kept: bool
    data_loss_seconds: float
    steps: Sequence[Step] = field(default_factory=tuple)
    is_whole: bool = False

    @property
    def level(self) -> Level:
        """The worst of all steps; a drill that was not done whole is a fault."""
        levels = {step.level for step in self.steps}
        if not self.is_whole or Level.FAULT in levels:
            return Level.FAULT
        return Level.WARNING if Level.WARNING in levels else Level.OK

    @property
    def seconds(self) -> float:
        """How long all of it took: the least time until a restored database is in service."""
        return sum(step.seconds for step in self.steps)


def judge_rows(expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[Finding]:
    """Judge whether every row is there, and none that was not."""
    different = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    for name in different:
        yield fault(
            "rows",
            f"{name} has {found.get(name, 'no table')} rows and had {expected.get(name, 'none')}",
            fix="this backup is not whole: make another one at once, and find out why",
        )
    if not different:
        yield ok("rows", f"{sum(found.values()):,} in {len(found)} tables, as at the backup")


def judge_chain_ends(
    expected: Sequence[ChainEnd], found: Mapping[str, tuple[int, str]]
) -> Iterator[Finding]:
    """Judge whether every audit chain ends where it ended when the backup was made.

    :param found: sequence and hash of the last link, by organization.
    """
    for end in expected:
        if found.get(end.organization) != (end.sequence, end.hash):
            there = found.get(end.organization)
            yield fault(
                "audit",
                f"the chain of {end.organization} ended at batch {end.sequence} and ends at "
                f"{'none' if there is None else there[0]}, or another hash",
                fix="do not use this backup; compare with the heads that left (docs/trust.md)",
            )


def judge_halt(*, is_adopted: bool, reason: str | None) -> Iterator[Finding]:
    """Judge whether the restored database stands still until somebody says what it is."""
    if is_adopted or reason is None:
        yield fault(
            "halt",
            "the restored database is not halted: it would purge and mail as the original does",
            fix="tell nobody its address; was it restored over the original?",
        )
    else:
        yield ok("halt", "it starts halted, until doclife adopt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What the replay of purge manifests came to, in the scratch database.

    :param manifests: files that the restored database did not know.
    :param destroyed: documents that the original has destroyed since the backup.
    :param returned: of the documents that manifests name, those that came back.
    :param left: documents that are destroyed in the original and are here after the replay, each
        with the reason.
    :param unknown: organizations that are not in the backup, of which manifests speak.
    """

    manifests: int
    destroyed: int
    returned: int
    left: Sequence[str]
    unknown: Sequence[str]


def judge_replay(replay: Replay) -> Iterator[Finding]:
    """Judge whether what was destroyed since the backup is destroyed again."""
    if replay.left:
        named = "; ".join(replay.left[:MOST_NAMED])
        yield fault(
            "purges",
            f"{len(replay.left)} document(s) were destroyed since the backup and would be back: "
            f"{named}",
            fix="a purge without manifest: doclife erasure settle writes it. One that a hold or "
            "another retention of the time of the backup keeps: end that, then replay once more",
        )
    for organization in replay.unknown:
        yield warning(
            "purges",
            f"manifests of organization {organization}, which is not in the backup, were not "
            "looked at",
            fix="nothing, where it came after the backup",
        )
    if not replay.left:
        yield ok(
            "purges",
            f"{replay.destroyed} document(s) were destroyed since the backup; {replay.returned} "
            f"of them came back, and the replay of {replay.manifests} manifest(s) has destroyed "
            "them again (in rehearsal: no store was changed)",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledBytes:
    """What became of some bytes that the restored catalogue stands on.

    :param damaged: each with what is wrong.
    :param unknown: each with why nobody can say.
    """

    sound: int
    damaged: Sequence[str]
    unknown: Sequence[str]


def judge_bytes(sample: SampledBytes) -> Iterator[Finding]:
    """Judge whether the bytes that the restored catalogue names are the recorded ones."""
    if sample.damaged:
        yield fault(
            "bytes",
            f"{len(sample.damaged)} of {sample.sound + len(sample.damaged)} are not as recorded: "
            f"{'; '.join(sample.damaged[:MOST_NAMED])}",
            fix="what was archived since lies in a bag that the backup does not know "
            "(docs/backup.md); else look at the store: doclife fixity",
        )
    if sample.unknown:
        yield warning(
            "bytes",
            f"{len(sample.unknown)} could not be read: {'; '.join(sample.unknown[:MOST_NAMED])}",
            fix="let this process reach the stores; bytes in a cold tier are not read",
        )
    if not sample.damaged and sample.sound:
        yield ok("bytes", f"{sample.sound} that were chosen by chance are as recorded")
    if not (sample.sound or sample.damaged or sample.unknown):
        yield ok("bytes", "none are recorded, or none were asked for")

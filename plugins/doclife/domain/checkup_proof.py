"""Whether what proves and what saves is made: signed heads, manifests of purges, backups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from doclife.domain.checkup import Finding, ok, warning
from doclife.domain.checkup_running import NIGHT_WARNING, in_words


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadState:
    """How far the audit chain of an organization was signed."""

    organization: str
    unsigned_since: datetime | None
    """When the oldest batch was sealed that no signed head covers; None when all are."""
    signed_at: datetime | None
    """Of the newest head; None without any."""
    has_left: bool
    """The newest head was written into the archive store."""


def judge_heads(heads: Sequence[HeadState], *, now: datetime) -> Iterator[Finding]:
    """Judge whether heads of audit chains leave the database every night."""
    well = True
    for head in heads:
        late = head.unsigned_since is not None and now - head.unsigned_since >= NIGHT_WARNING
        if late and head.unsigned_since is not None:
            well = False
            yield warning(
                "audit heads",
                f"the chain of {head.organization} has grown for "
                f"{in_words(now - head.unsigned_since)} and no head was signed: its end could be "
                "cut off unseen",
                fix="look at the task sign_audit_heads of check_expired_documents (it needs the "
                "Connection doclife_signing), or: doclife audit sign",
            )
        elif head.signed_at is not None and not head.has_left:
            well = False
            yield warning(
                "audit heads",
                f"the newest head of {head.organization} lies in the database alone, where it can "
                "be rewritten with the chain",
                fix="register a store of the name archive, or keep the heads elsewhere: "
                "doclife audit heads --out FOLDER",
            )
    if well:
        yield ok("audit heads", "every chain was signed within a day, or has nothing new")


def judge_manifests(due: int, *, has_archive: bool) -> Iterator[Finding]:
    """Judge whether every purge has its manifest outside of the database.

    :param due: purges without one.
    :param has_archive: there is a store to write it to.
    """
    if due:
        yield warning(
            "purge manifests",
            f"{due} purge(s) have none in the archive store: after a restore nobody would know "
            "what was destroyed",
            fix="doclife erasure settle"
            if has_archive
            else "register a store of the name archive, then: doclife erasure settle",
        )
    else:
        yield ok("purge manifests", "every purge has one, or there was none")


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupState:
    """When backups were made by ``doclife backup make``; those of other tools nobody tells us."""

    last_made_at: datetime | None
    """Of which moment the last one is; None when there was none."""
    began_at: datetime | None
    """Since when there is something to lose; None while there is nothing."""


def judge_backup(state: BackupState, *, now: datetime, warning_days: int) -> Iterator[Finding]:
    """Judge whether the last backup is young enough.

    :param warning_days: from this age on it is not; 0: another tool makes them.
    """
    if warning_days == 0:
        yield ok("backup", "not looked at: DOCLIFE_BACKUP_DAYS=0 says that another tool makes them")
        return
    since = state.last_made_at or state.began_at
    if since is None:
        yield ok("backup", "there is nothing to lose yet")
        return
    age = now - since
    told = (
        "none was ever made by doclife backup make"
        if state.last_made_at is None
        else f"the last one by doclife backup make is {in_words(age)} old"
    )
    if age < timedelta(days=warning_days):
        yield ok("backup", told)
        return
    yield warning(
        "backup",
        f"{told}, and those of other tools are not known here",
        fix="doclife backup make FOLDER, every night (docs/backup.md); where another tool makes "
        "them (pgBackRest, snapshots of a provider), say so: DOCLIFE_BACKUP_DAYS=0",
    )

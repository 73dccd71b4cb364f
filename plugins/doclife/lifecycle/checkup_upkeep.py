"""Looks at what keeps a database sound over the years: its structure, upkeep and proof."""

from collections.abc import Iterator
from datetime import datetime

from doclife.domain import checkup, checkup_proof, checkup_reach, checkup_upkeep
from doclife.domain.checkup import Finding
from doclife.lifecycle.certifying import STORE
from doclife.lifecycle.cleaning import HISTORY_DAYS
from doclife.store import doctor, manifests, stores
from doclife.store.connection import Connection


def look_at_rights(conn: Connection) -> Iterator[Finding]:
    """Say whether roles and logins may what they were granted, no more and no less."""
    yield from checkup.judge_rights(doctor.list_rights(conn), doctor.list_logins(conn))
    yield from checkup_reach.judge_unreadable(doctor.list_unreadable(conn))


def look_at_partitions(conn: Connection, *, now: datetime) -> Iterator[Finding]:
    """Say whether the history has partitions for the days to come."""
    yield from checkup_upkeep.judge_partitions(
        doctor.list_history(conn), today=now.date(), history_days=HISTORY_DAYS
    )


def look_at_vacuum(conn: Connection, *, now: datetime) -> Iterator[Finding]:
    """Say whether what died is cleared away, and what keeps it from that."""
    yield from checkup_upkeep.judge_vacuum(doctor.list_upkeep(conn), doctor.describe_upkeep(conn))
    yield from checkup_upkeep.judge_hold_backs(doctor.list_hold_backs(conn), now=now)


def look_at_proof(conn: Connection, *, now: datetime) -> Iterator[Finding]:
    """Say whether heads of audit chains are signed, and purges have their manifests."""
    yield from checkup_proof.judge_heads(doctor.list_heads(conn), now=now)
    yield from checkup_proof.judge_manifests(
        len(manifests.list_due(conn)),
        has_archive=any(store.name == STORE for store in stores.list_all(conn)),
    )


def look_at_backup(conn: Connection, *, now: datetime, warning_days: int) -> Iterator[Finding]:
    """Say how old the last backup is."""
    yield from checkup_proof.judge_backup(
        doctor.describe_backups(conn), now=now, warning_days=warning_days
    )

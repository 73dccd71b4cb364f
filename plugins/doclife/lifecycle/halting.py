"""Stops everything, lets it go on, and takes a copied or restored database into service."""

from datetime import datetime
from uuid import UUID, uuid4

from doclife.errors import ConfigurationError
from doclife.store import audit, organizations, switches
from doclife.store.connection import Connection
from doclife.store.switches import HaltState


def halt(conn: Connection, *, reason: str, actor: str, now: datetime) -> None:
    """Stop every apply, purge and drain at its next batch, in every organization.

    Pausing a DAG does not stop tasks that run; this does. A second call replaces the
    reason. Restoring and holding are allowed meanwhile.
    """
    if not reason.strip():
        raise ConfigurationError("a halt needs a reason: those who find everything stopped read it")
    with conn.transaction():
        switches.halt(conn, reason=reason.strip(), actor=actor, now=now)
        _record(conn, action="switch.halted", actor=actor, now=now, reason=reason.strip())


def resume(conn: Connection, *, actor: str, now: datetime) -> HaltState:
    """Take the switch off and return what still halts, if anything: a copy must be adopted."""
    with conn.transaction():
        switches.resume(conn, actor=actor, now=now)
        _record(conn, action="switch.resumed", actor=actor, now=now, reason="resumed by request")
        return switches.read(conn)


def adopt(conn: Connection, *, actor: str, now: datetime, takes_over: bool) -> UUID:
    """Take a copied, restored or failed-over database into service; return its deployment id.

    :param takes_over: True when the database that this one was copied from is gone for good: it
        keeps its identity, and its stores stay writable. False for a clone beside a living
        original: it becomes a deployment of its own, and the original's stores are read-only to
        it, so that a staging copy cannot purge production's bytes.
    """
    with conn.transaction():
        deployment_id = switches.read(conn).deployment_id if takes_over else uuid4()
        switches.adopt(conn, deployment_id=deployment_id, actor=actor, now=now)
        _record(
            conn,
            action="deployment.adopted",
            actor=actor,
            now=now,
            reason="takes the place of its original" if takes_over else "a deployment of its own",
        )
        return deployment_id


def _record(conn: Connection, *, action: str, actor: str, now: datetime, reason: str) -> None:
    """Write it into the audit trail of every organization: each was affected."""
    for tenant in organizations.list_all(conn):
        audit.record(
            conn,
            organization_id=tenant.id,
            at=now,
            actor=actor,
            action=action,
            reason=reason,
        )

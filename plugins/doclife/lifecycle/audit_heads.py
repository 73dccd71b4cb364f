"""Heads of audit chains: signed once a day, and carried out of the database.

What left cannot be rewritten with the database: an earlier head shows a chain that was rewritten
or cut off since.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from doclife.domain.canonical import canonical, moment
from doclife.domain.organization import Organization
from doclife.domain.signature import SigningKey
from doclife.errors import StorageError
from doclife.lifecycle.auditing import head_record
from doclife.lifecycle.certifying import STORE
from doclife.lifecycle.signing import NO_KEY, publish_key
from doclife.storage.stores import Store, Stores
from doclife.store import audit_chain, organizations
from doclife.store.audit_chain import AuditHead, AuditLink
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

HEAD_FORMAT = "doclife-audit-head/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHeads:
    """What a call has done."""

    signed: int
    written: int
    """Of those, how many were written into the archive store."""
    unsigned: int
    """Chains with something new that nobody could sign: there is no key."""


def sign_heads(
    conn: Connection, *, key: SigningKey | None, stores: Stores, now: datetime, actor: str
) -> SignedHeads:
    """Sign the head of every chain that has grown since its last one.

    Each is written into the archive store, kept in the database, and told by the event
    ``audit.head_signed``, which endpoints can subscribe to. Without a key nothing is signed, and a
    warning says so. A second call signs nothing.

    :raises StorageError: the archive store did not take some; the others are signed, and the next
        call tries those again.
    """
    signed = written = unsigned = 0
    faults = []
    store = stores.get(STORE)
    for tenant in organizations.list_all(conn):
        link = audit_chain.last_link(conn, tenant.id)
        if link is None:
            continue
        if key is None:
            unsigned += 1
            continue
        if audit_chain.is_signed(
            conn, organization_id=tenant.id, sequence=link.sequence, key_fingerprint=key.fingerprint
        ):
            continue
        try:
            with conn.transaction():
                head = _signed(tenant, link, key, now=now)
                uri = None if store is None else _write(store, tenant, head)
                publish_key(conn, key, now=now)
                audit_chain.insert_head(
                    conn,
                    organization_id=tenant.id,
                    link=link,
                    signed_at=now,
                    today=tenant.date_of(now),
                    message=head.message,
                    signature=head.signature,
                    key_fingerprint=key.fingerprint,
                    file_uri=uri,
                    actor=actor,
                )
        except (OSError, StorageError) as error:
            faults.append(f"{tenant.slug}: {error}")
            continue
        signed += 1
        written += uri is not None
    if unsigned:
        logger.warning("%s audit chains have no new signed head: %s", unsigned, NO_KEY)
    if faults:
        raise StorageError(
            f"{len(faults)} heads of audit chains were not signed, because store {STORE!r} did not "
            f"take them; the next run tries again. {'; '.join(faults)}"
        )
    return SignedHeads(signed=signed, written=written, unsigned=unsigned)


def _signed(tenant: Organization, link: AuditLink, key: SigningKey, *, now: datetime) -> AuditHead:
    message = canonical(
        {
            "format": HEAD_FORMAT,
            "organization": tenant.slug,
            "organization_id": tenant.id,
            "sequence": link.sequence,
            "hash": link.hash.hex(),
            "signed_at": moment(now),
            "signing_key": key.fingerprint,
        }
    )
    return AuditHead(
        sequence=link.sequence,
        hash=link.hash,
        signed_at=now,
        message=message.decode(),
        signature=key.sign(message),
        public_key=key.public_key,
        key_fingerprint=key.fingerprint,
        file_uri=None,
    )


def _write(store: Store, tenant: Organization, head: AuditHead) -> str:
    """Write a head into a file of its own and return its URI.

    A call that was killed before it could keep the head leaves a file that is true all the same.
    """
    at = head.signed_at.astimezone(UTC)
    name = f"{at:%Y-%m-%dT%H%M%S.%fZ}-{head.sequence}-{head.key_fingerprint[:8]}.json"
    uri = f"{store.record.root_uri}/heads/{tenant.slug}/{name}"
    store.require_ours()
    content = json.dumps(head_record(head), indent=2).encode() + b"\n"
    try:
        store.filesystem.create(uri, [content], is_durable=True)
    except FileExistsError:
        raise StorageError(f"{uri} is there already, which stays. Move it elsewhere") from None
    return uri

"""What a certificate of destruction says, and how a single document is proven by it.

What is signed is a statement about the whole; the documents are the leaves of a Merkle tree whose
root stands in the statement. So one document can be shown with a handful of hashes, and no other.
Nothing here names a document but by its number and by hashes with a salt of its own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from doclife.domain.canonical import Value, canonical, moment
from doclife.domain.merkle import leaf_hash
from doclife.domain.signature import SigningKey, fingerprint

CERTIFICATE_FORMAT = "doclife-certificate-1"
INCLUSION_FORMAT = "doclife-inclusion-1"
METHOD = (
    "Each object was removed from its store by its recorded version, after size and SHA-256 (in a "
    "cold tier size and etag) were seen to be the recorded ones. Then its absence was seen twice "
    "beside the store's own marker, and where the store keeps versions, that no version is left. "
    "The media were not overwritten."
)
KEPT = (
    "Bytes that are kept belong to documents that still exist as well; the documents listed here "
    "do not refer to them any more."
)

Json = dict[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One destroyed document."""

    document_id: int
    salt: bytes
    title_hash: bytes | None
    external_id_hash: bytes
    document_type: str | None
    sha256: bytes | None
    size_bytes: int | None
    dated_on: date | None
    trashed_at: datetime
    rule: str | None
    authority: str | None
    trashed_by: str | None
    reason: str | None
    contents: Sequence[Mapping[str, Any]]
    """What became of its bytes, by store."""
    destroyed_at: datetime

    def to_json(self) -> Json:
        """Return it as the certificate lists it."""
        return {
            "document": self.document_id,
            "salt": self.salt.hex(),
            "title_hash": _hex(self.title_hash),
            "external_id_hash": self.external_id_hash.hex(),
            "document_type": self.document_type,
            "sha256": _hex(self.sha256),
            "size_bytes": self.size_bytes,
            "dated_on": _day(self.dated_on),
            "trashed_at": moment(self.trashed_at),
            "rule": self.rule,
            "authority": self.authority,
            "trashed_by": self.trashed_by,
            "reason": self.reason,
            "bytes": [dict(one) for one in self.contents],
            "destroyed_at": moment(self.destroyed_at),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Documents of one type that rest on one rule and authority."""

    document_type: str | None
    rule: str | None
    authority: str | None
    documents: int
    size_bytes: int
    dated_from: date | None
    dated_to: date | None
    undated: int
    destroyed_from: datetime
    destroyed_to: datetime

    def to_json(self) -> Json:
        """Return it as the certificate says it."""
        return {
            "document_type": self.document_type,
            "rule": self.rule,
            "authority": self.authority,
            "documents": self.documents,
            "size_bytes": self.size_bytes,
            "dated_from": _day(self.dated_from),
            "dated_to": _day(self.dated_to),
            "undated": self.undated,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchedStore:
    """A store from which bytes were to be removed, and what became of them."""

    store: str
    root_uri: str
    backup_expires_after_days: int | None
    """How long its backups keep what was removed; None when nobody said."""
    destroyed: int
    found_gone: int
    kept: int
    versioned: int
    linked: int
    last_destroyed_at: datetime

    def to_json(self) -> Json:
        """Return it as the certificate says it."""
        days = self.backup_expires_after_days
        expired = None if days is None else self.last_destroyed_at + timedelta(days=days)
        return {
            "store": self.store,
            "uri": self.root_uri,
            "destroyed": self.destroyed,
            "found_gone": self.found_gone,
            "kept_because_others_need_them": self.kept,
            "with_versions": self.versioned,
            "with_other_hard_links": self.linked,
            "verified_gone": self.destroyed + self.found_gone,
            "backups_expire_after_days": days,
            "backups_expired_on": None if expired is None else _day(expired.date()),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class NotDestroyed:
    """Documents of the plan that were not destroyed, for one reason."""

    reason: str
    document_ids: Sequence[int]

    def to_json(self) -> Json:
        """Return it as the file of the certificate lists it."""
        return {"reason": self.reason, "documents": list(self.document_ids)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What somebody decided about the plan."""

    stage: int
    decision: str
    decided_by: str
    decided_at: datetime
    comment: str | None
    is_valid: bool
    invalid_reason: str | None

    def to_json(self) -> Json:
        """Return it as the certificate says it."""
        return {
            "stage": self.stage,
            "decision": self.decision,
            "by": self.decided_by,
            "at": moment(self.decided_at),
            "comment": self.comment,
            "counts": self.is_valid,
            "why_not": self.invalid_reason,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CertifiedPlan:
    """The plan that destroyed, and whose it was."""

    plan_id: int
    organization_id: int
    organization: str
    organization_name: str
    time_zone: str
    deployment_id: str
    requested_by: str
    approval_reason: str | None
    created_at: datetime
    approved_at: datetime | None
    applied_at: datetime


def statement(
    plan: CertifiedPlan,
    *,
    series: Sequence[Series],
    stores: Sequence[TouchedStore],
    decisions: Sequence[Decision],
    not_destroyed: Sequence[NotDestroyed],
    root: bytes,
    key: SigningKey,
    issued_at: datetime,
) -> Json:
    """Return what is signed.

    :param root: of the tree over the items, in the order of their documents.
    """
    left = [one.to_json() for one in not_destroyed]
    return {
        "format": CERTIFICATE_FORMAT,
        "number": plan.plan_id,
        "issued_at": moment(issued_at),
        "organization": {
            "short_name": plan.organization,
            "name": plan.organization_name,
            "time_zone": plan.time_zone,
        },
        "deployment": plan.deployment_id,
        "plan": {
            "number": plan.plan_id,
            "requested_by": plan.requested_by,
            "planned_at": moment(plan.created_at),
            "needed_approval_because": plan.approval_reason,
            "approved_at": None if plan.approved_at is None else moment(plan.approved_at),
            "finished_at": moment(plan.applied_at),
        },
        "decisions": [one.to_json() for one in decisions],
        "series": [one.to_json() for one in series],
        "documents": sum(one.documents for one in series),
        "size_bytes": sum(one.size_bytes for one in series),
        "destroyed_from": moment(min(one.destroyed_from for one in series)),
        "destroyed_to": moment(max(one.destroyed_to for one in series)),
        "method": METHOD,
        "stores": [one.to_json() for one in stores],
        "not_destroyed": {
            "documents": sum(len(one.document_ids) for one in not_destroyed),
            "reasons": [
                {"reason": one.reason, "documents": len(one.document_ids)} for one in not_destroyed
            ],
            "list_sha256": sha256(canonical(list(left))).hexdigest(),
        },
        "tree": {
            "hash": "SHA-256, RFC 6962",
            "size": sum(one.documents for one in series),
            "root": root.hex(),
        },
        "signing_key": key.fingerprint,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """An issued certificate."""

    plan_id: int
    organization: str
    issued_at: datetime
    body: dict[str, Any]
    merkle_root: bytes
    signature: bytes
    public_key: bytes
    file_uri: str | None
    """Where it was written to outside of the database; None while it was not."""

    @property
    def fingerprint(self) -> str:
        """The short name of the key that signed it."""
        return fingerprint(self.public_key)

    def to_json(self) -> Json:
        """Return the statement with its signature, without items."""
        return {
            "certificate": self.body,
            "signature": self.signature.hex(),
            "public_key": self.public_key.hex(),
        }


def leaf_of(item: Item) -> bytes:
    """Return the leaf of an item."""
    return leaf_hash(canonical(item.to_json()))


def file_chunks(
    certificate: Certificate, items: Iterable[Item], not_destroyed: Sequence[NotDestroyed]
) -> Iterable[bytes]:
    """Yield the file of a certificate piece by piece: JSON, one item in a line.

    An item stands beside its leaf, so that a verifier can say which one was changed.
    """
    head: Json = {
        **certificate.to_json(),
        "format": CERTIFICATE_FORMAT,
        "not_destroyed": [one.to_json() for one in not_destroyed],
    }
    yield canonical(head)[:-1] + b',"items":['
    for number, item in enumerate(items):
        line = canonical({"item": item.to_json(), "leaf": leaf_of(item).hex()})
        yield (b",\n" if number else b"\n") + line
    yield b"\n]}\n"


def inclusion_proof(
    certificate: Certificate, *, item: Item, index: int, path: Sequence[bytes]
) -> Json:
    """Return what shows that one document is among those of a certificate, and shows no other."""
    return {
        **certificate.to_json(),
        "format": INCLUSION_FORMAT,
        "item": item.to_json(),
        "index": index,
        "path": [one.hex() for one in path],
    }


def file_uri(root_uri: str, *, organization: str, plan_id: int) -> str:
    """Return where in a store the file of a certificate lies."""
    if not re.fullmatch("[a-z][a-z0-9-]*", organization):
        raise ValueError(f"{organization!r} is no short name of an organization")
    return f"{root_uri}/certificates/{organization}/{plan_id}.json"


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()

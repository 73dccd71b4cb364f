"""A certificate of destruction as pages to read, print and file."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from doclife.delivery.paper import Paper
from doclife.domain.canonical import moment
from doclife.domain.certificate import KEPT, Certificate, Item

LISTED_AT_MOST = 500
"""Documents on paper; the JSON lists every one."""


def certificate_pdf(certificate: Certificate, items: Iterable[Item], *, font: Path | None) -> bytes:
    """Return a certificate as PDF; of the items no more are read than are listed."""
    body = certificate.body
    organization = body["organization"]
    paper = Paper(
        f"Certificate of destruction {certificate.plan_id}",
        made_at=certificate.issued_at,
        font=font,
    )
    paper.facts(
        {
            "Organization": f"{organization['name']} ({organization['short_name']})",
            "Issued": body["issued_at"],
            "Documents destroyed": body["documents"],
            "Bytes": body["size_bytes"],
            "Destroyed": f"from {body['destroyed_from']} to {body['destroyed_to']}",
            "Asked for by": body["plan"]["requested_by"],
            "Planned": body["plan"]["planned_at"],
            "Needed approval because": body["plan"]["needed_approval_because"],
            "Approved": body["plan"]["approved_at"],
        }
    )
    paper.heading("What was destroyed")
    paper.table(
        ("type", "dated", "rule", "authority", "documents", "bytes"),
        [_series(one) for one in body["series"]],
        widths=(18, 24, 22, 26, 12, 14),
    )
    paper.heading("How, and that nothing is left")
    paper.paragraph(body["method"])
    paper.table(
        ("store", "removed", "were gone", "kept for others", "verified gone", "backups"),
        [_store(one) for one in body["stores"]],
        widths=(34, 12, 12, 14, 14, 26),
    )
    if any(one["kept_because_others_need_them"] for one in body["stores"]):
        paper.paragraph(KEPT)
    for one in body["stores"]:
        if one["with_other_hard_links"]:
            paper.paragraph(
                f"Of the objects in {one['store']}, {one['with_other_hard_links']} had other hard "
                "links, under which the same bytes can still be read."
            )
    if body["decisions"]:
        paper.heading("Who decided")
        paper.table(
            ("stage", "decision", "by", "at", "comment"),
            [
                (
                    one["stage"],
                    one["decision"] if one["counts"] else f"{one['decision']} (did not count)",
                    one["by"],
                    one["at"],
                    one["comment"],
                )
                for one in body["decisions"]
            ],
            widths=(8, 16, 22, 26, 40),
        )
    left = body["not_destroyed"]
    if left["documents"]:
        paper.heading("What was not destroyed")
        paper.paragraph(
            f"{left['documents']} document(s) of the plan were not destroyed, and are certified by "
            "the plan that destroys them, if one does."
        )
        paper.table(
            ("why", "documents"), [(one["reason"], one["documents"]) for one in left["reasons"]]
        )
    paper.heading("Signature")
    paper.paragraph(
        "The signature is over the JSON of this certificate; what is printed here is for reading."
    )
    paper.facts(
        {
            "Root over all documents": body["tree"]["root"],
            "Ed25519 signature": certificate.signature.hex(),
            "Public key": certificate.public_key.hex(),
            "Fingerprint of the key": body["signing_key"],
        }
    )
    paper.heading("Documents")
    if body["documents"] > LISTED_AT_MOST:
        paper.paragraph(
            f"The first {LISTED_AT_MOST} of {body['documents']}; the JSON lists every one."
        )
    paper.table(
        ("document", "SHA-256", "bytes", "trashed", "destroyed", "rule"),
        [
            (
                one.document_id,
                "-" if one.sha256 is None else one.sha256.hex(),
                one.size_bytes,
                moment(one.trashed_at)[:10],
                moment(one.destroyed_at)[:10],
                one.rule,
            )
            for one in islice(items, LISTED_AT_MOST)
        ],
        widths=(14, 50, 14, 16, 16, 20),
    )
    return paper.finish()


def _series(one: dict[str, Any]) -> tuple[object, ...]:
    dated = None
    if one["dated_from"] is not None:
        dated = f"{one['dated_from']} to {one['dated_to']}"
        if one["undated"]:
            dated += f", {one['undated']} undated"
    return (
        one["document_type"],
        dated or "undated",
        one["rule"],
        one["authority"],
        one["documents"],
        one["size_bytes"],
    )


def _store(one: dict[str, Any]) -> tuple[object, ...]:
    days = one["backups_expire_after_days"]
    return (
        f"{one['store']}, {one['uri']}",
        one["destroyed"],
        one["found_gone"],
        one["kept_because_others_need_them"],
        one["verified_gone"],
        "nobody said how long they keep bytes"
        if days is None
        else f"expired on {one['backups_expired_on']} ({days} days)",
    )

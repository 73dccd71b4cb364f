"""Says in a bag what was done to its documents: PREMIS, from the audit trail."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from doclife.domain.premis import FAILED, PremisEvent, premis_event
from doclife.domain.premis_xml import (
    DOCLIFE,
    PremisAgent,
    PremisDeed,
    PremisFile,
    agent_of,
    premis_xml,
)
from doclife.storage.bags import Describe
from doclife.store import bags
from doclife.store.connection import Connection

DEEDS_OF_ONE_DOCUMENT = 20
"""How many of the newest audit entries of each document are told, besides its first."""

AUDIT_ENTRY = "doclife audit entry"
BAG = "doclife bag"


def describer(
    conn: Connection,
    *,
    bag_id: int,
    plan_id: int | None,
    packed_at: datetime,
    rule: str | None,
    document_ids: Sequence[int],
) -> Describe:
    """Read what is known of documents, and return what writes it down for those in the bag.

    Called again for the same bag it says the same of each document, and what was done since.

    :param packed_at: when the bag was begun.
    :param rule: name@version of the rule that archived, if one did.
    """
    media_types = bags.list_media_types(conn, document_ids)
    entries = bags.list_deeds(conn, document_ids, most=DEEDS_OF_ONE_DOCUMENT)
    packer = DOCLIFE if rule is None else agent_of("schedule", rule)

    def describe(digests: Mapping[int, bytes], sizes: Mapping[int, int]) -> bytes:
        files = [
            PremisFile(
                document_id=document_id,
                location=f"data/{document_id}",
                sha256=sha256,
                size_bytes=sizes.get(document_id),
                media_type=media_types.get(document_id),
            )
            for document_id, sha256 in sorted(digests.items())
        ]
        packed = [
            deed
            for file in files
            for deed in _packed(file.document_id, bag_id=bag_id, at=packed_at, agent=packer)
        ]
        return premis_xml(files, [*_recorded(entries, plan_id=plan_id), *packed])

    return describe


def _recorded(entries: Sequence[bags.Deed], *, plan_id: int | None) -> Iterator[PremisDeed]:
    for entry in entries:
        event = premis_event(entry.action)
        # Its own archiving is recorded only after the bag is sealed, and told by the bag itself.
        is_of_this_bag = entry.action == "document.archived" and entry.plan_id == plan_id
        if event is not None and not is_of_this_bag:
            yield PremisDeed(
                kind=AUDIT_ENTRY,
                identifier=f"{entry.entry_id}",
                event=event,
                at=entry.at,
                detail=entry.action,
                is_success=entry.action not in FAILED,
                agent=agent_of(entry.actor, entry.rule),
                document_id=entry.document_id,
            )


def _packed(
    document_id: int, *, bag_id: int, at: datetime, agent: PremisAgent
) -> Iterator[PremisDeed]:
    """Yield what writing a bag does to each of its documents."""
    steps = {
        "copied": PremisEvent.REPLICATION,
        "read-back": PremisEvent.FIXITY_CHECK,
        "sealed": PremisEvent.INFORMATION_PACKAGE_CREATION,
    }
    for step, event in steps.items():
        yield PremisDeed(
            kind=BAG,
            identifier=f"bag-{bag_id}/{document_id}/{step}",
            event=event,
            at=at,
            detail=step,
            is_success=True,
            agent=agent,
            document_id=document_id,
        )

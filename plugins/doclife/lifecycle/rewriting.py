"""Takes payloads out of sealed bags that no document refers to any more."""

from datetime import datetime
from zoneinfo import ZoneInfo

from doclife.lifecycle.describing import describer
from doclife.storage import bag_rewriting
from doclife.storage.bag_text import BagInfo
from doclife.storage.stores import Stores
from doclife.store import bags, objects
from doclife.store.connection import Connection


def take_out_unreferenced(
    conn: Connection, *, bag_id: int, stores: Stores, now: datetime
) -> dict[int, str]:
    """Rewrite a bag without its unreferenced payloads; return why documents' payloads stayed.

    The bag's row is locked while its files are rewritten, so that two rewrites never meet. Killed
    and called again, it brings the rewriting to its end; with nothing to take out it does nothing.
    The last payload takes the bag with it.
    """
    with conn.transaction():
        bag = bags.find_locked(conn, bag_id)
        unreferenced = bags.list_unreferenced(conn, bag_id)
        if not unreferenced:
            if bag.state == "rewriting":
                bags.set_state(conn, bag_id=bag_id, state="sealed", now=now)
            return {}
        rewritten = bag_rewriting.rewrite_without(
            stores,
            uri=bag.uri,
            info=BagInfo(
                organization=bag.organization,
                external_identifier=f"bag-{bag_id}",
                bagging_date=bag.created_at.astimezone(ZoneInfo(bag.time_zone)).date(),
                extra=bag.info,
            ),
            payloads=[
                bag_rewriting.BagPayload(
                    document_id=payload.document_id,
                    size_bytes=payload.size_bytes,
                    sha256=payload.sha256,
                    etag=payload.etag,
                    version_id=payload.version_id,
                )
                for payload in unreferenced
            ],
            describe=describer(
                conn,
                bag_id=bag_id,
                plan_id=bag.plan_id,
                packed_at=bag.created_at,
                rule=bag.rule,
                document_ids=bags.list_documents(conn, bag_id),
            ),
        )
        removed = set(rewritten.removed)
        objects.mark_removed(
            conn,
            [one.object_id for one in unreferenced if one.document_id in removed],
            now=now,
        )
        failures = {failure.document_id: failure.reason for failure in rewritten.failures}
        bags.set_state(
            conn,
            bag_id=bag_id,
            state="removed"
            if rewritten.payload_count == 0
            else "rewriting"
            if failures
            else "sealed",
            now=now,
            payload_count=rewritten.payload_count,
            payload_bytes=rewritten.payload_bytes,
        )
        return failures

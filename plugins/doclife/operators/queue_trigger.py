"""Starts ``process_queue`` when there is work, and only then."""

from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from doclife.operators.connecting import documents_database
from doclife.operators.metrics import measuring


class QueueTrigger(BaseEventTrigger):
    """Waits for work in the queue, in the triggerer.

    Hears of new work over LISTEN, wakes for what becomes due, and looks every ``poll_seconds`` in
    case that neither reached it. Survives restarts of the database. Fires only when nobody is at
    work, or work has waited too long though somebody is; never twice within a quarter of a minute.

    :param postgres_conn_id: Airflow Connection to the catalogue.
    :param poll_seconds: behind pgbouncer in transaction mode, where LISTEN hears nothing, set it to
        how long a message may wait.
    """

    def __init__(self, *, postgres_conn_id: str = "documents", poll_seconds: float = 15.0) -> None:
        super().__init__()
        self.postgres_conn_id = postgres_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again, in another process."""
        return (
            "doclife.operators.queue_trigger.QueueTrigger",
            {"postgres_conn_id": self.postgres_conn_id, "poll_seconds": self.poll_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire whenever somebody should begin to work; measure all the while."""
        from doclife.lifecycle.watching import WatchSettings, watch

        async with measuring(self._conninfo):
            async for work in watch(
                self._conninfo, settings=WatchSettings(poll_seconds=self.poll_seconds)
            ):
                overdue = max(0.0, -(work.due_seconds or 0.0))
                yield TriggerEvent({"overdue_seconds": overdue})

    async def _conninfo(self) -> str:
        # Not asyncio.to_thread: what finds Connections in the triggerer asks its event loop back,
        # which asgiref's threads know.
        found: str = await sync_to_async(conninfo_of)(self.postgres_conn_id)
        return found


def conninfo_of(conn_id: str) -> str:
    """Return where an Airflow Connection leads, as libpq takes it; it has been tried."""
    from psycopg.conninfo import make_conninfo

    with documents_database(conn_id, application_name="doclife queue") as conn:
        parameters = {**conn.info.get_parameters(), "password": conn.info.password}
    parameters["application_name"] = "doclife queue"
    return make_conninfo("", **parameters)


def queue_asset(*, postgres_conn_id: str = "documents", poll_seconds: float = 15.0) -> Asset:
    """Return the asset that is updated when there is work: the schedule of ``process_queue``."""
    trigger = QueueTrigger(postgres_conn_id=postgres_conn_id, poll_seconds=poll_seconds)
    return Asset("doclife_queue", watchers=[AssetWatcher(name="doclife_queue", trigger=trigger)])

"""One process that drains the queue, as ``process_queue`` does, and prints when and how much.

    python -m benchmarks.queue_worker DATABASE [--nothing]

With ``--nothing`` the channel does nothing; otherwise webhooks are signed, guarded and recorded as
in production.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from doclife.connections import ServiceConnection
from doclife.delivery.channel import Message
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.guard import Guard, read_networks
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle.draining import Drained, Drainer, DrainSettings
from doclife.lifecycle.sending import connection_id_of, drain_queue, endpoint_of
from doclife.storage.stores import Stores
from doclife.store import stores
from doclife.store.connection import Connection, connect

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = DrainSettings(linger_seconds=0)
DELIVERY = DeliverySettings(
    guard=Guard(allowed=read_networks("127.0.0.1"), allows_http=True),
    email_connection="doclife_email",
    slack_connection="doclife_slack",
    mail_variables=None,
)
SENT = Attempt(
    outcome=Outcome.SENT,
    status_code=None,
    latency_ms=0,
    answer_head=None,
    error=None,
    retry_after=None,
)


class Nothing:
    """A channel that does nothing at once."""

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        return [SENT] * len(messages)


def secret_of(connection_id: str) -> ServiceConnection | None:
    if not connection_id.startswith("doclife_endpoint_"):
        return None
    return ServiceConnection(id=connection_id, type="http", password=SECRET)


async def drain(database: str, *, is_nothing: bool) -> Drained:
    def open_connection() -> Connection:
        return connect(database, application_name="benchmark")

    if is_nothing:
        return await Drainer(
            connect=open_connection,
            channels={"webhook": Nothing(), "notification": Nothing()},
            find_endpoint=lambda row: endpoint_of(row, secret_of(connection_id_of(row))),
            name="benchmark",
            chance=lambda: 0.0,
            settings=SETTINGS,
        ).run()
    return await drain_queue(
        connect=open_connection,
        delivery=DELIVERY,
        connections=secret_of,
        open_stores=lambda conn: Stores([], deployment_id=stores.deployment_id(conn)),
        name=f"benchmark {os.getpid()}",
        present=lambda: datetime.now(UTC),
        chance=lambda: 0.5,
        settings=SETTINGS,
    )


def main() -> None:
    started = time.time()
    drained = asyncio.run(drain(sys.argv[1], is_nothing="--nothing" in sys.argv))
    told = {
        "done": drained.sent,
        "errors": drained.retried + drained.failed + drained.late,
        "t0": started,
        "t1": time.time(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()

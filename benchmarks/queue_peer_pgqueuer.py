"""The peer of ``benchmarks.queue``: enqueues and drains with pgqueuer.

    PYTHON_WITH_PGQUEUER benchmarks/queue_peer_pgqueuer.py DSN COUNT SIZE

Prints the seconds of enqueueing in batches of 1,000 and of draining jobs that do nothing.
"""

import asyncio
import sys
import time
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

BATCH = 1000


async def main() -> None:
    dsn, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    conn = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(conn))
    await queries.install()
    payload = b'{"text": "' + b"x" * (size - 12) + b'"}'
    started = time.perf_counter()
    for _ in range(count // BATCH):
        await queries.enqueue(["nothing"] * BATCH, [payload] * BATCH, [0] * BATCH)
    enqueued = time.perf_counter() - started
    await conn.execute("VACUUM ANALYZE")
    await conn.execute("CHECKPOINT")
    queuer = PgQueuer(AsyncpgDriver(conn))
    done = 0
    started = 0.0
    drained = 0.0

    @queuer.entrypoint("nothing")
    async def nothing(_job: object) -> None:
        nonlocal done, drained
        done += 1
        if done == count:
            drained = time.perf_counter() - started
            queuer.shutdown.set()

    started = time.perf_counter()
    await asyncio.wait_for(
        queuer.run(batch_size=500, dequeue_timeout=timedelta(seconds=1)), timeout=600
    )
    assert done == count
    print(enqueued, drained)


asyncio.run(main())

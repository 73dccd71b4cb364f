"""pgqueuer: bulk enqueue of bytes, asyncpg, many jobs per dequeue."""

import asyncio
import json
import logging
from datetime import timedelta

import asyncpg
import uvloop
from meter import COUNT, DATABASE, PHASE, Meter
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from webhook_job import Sender, payload

BATCH = 1000


async def main() -> None:
    conn = await asyncpg.connect(DATABASE)
    queries = Queries(AsyncpgDriver(conn))
    meter = Meter()
    if PHASE == "setup":
        await queries.install()
    elif PHASE in ("enqueue", "enqueue-bytes"):
        objects = [payload(i) for i in range(COUNT)]
        ready = [json.dumps(each).encode() for each in objects] if PHASE != "enqueue" else []
        meter.start()
        for i in range(0, COUNT, BATCH):
            bodies = ready[i : i + BATCH] or [
                json.dumps(each).encode() for each in objects[i : i + BATCH]
            ]
            await queries.enqueue(["job"] * BATCH, bodies, [0] * BATCH)
            meter.tick(BATCH)
    else:
        async with Sender() as sender:
            queuer = PgQueuer(AsyncpgDriver(conn))

            @queuer.entrypoint("job")
            async def job(job) -> None:
                if PHASE == "call" and await sender.send(job.payload, str(job.id)) != 200:
                    meter.errors += 1
                meter.tick()

            meter.start()
            worker = asyncio.create_task(
                queuer.run(
                    batch_size=500,
                    dequeue_timeout=timedelta(seconds=1),
                    max_concurrent_tasks=1000 if PHASE == "call" else None,
                )
            )
            await meter.end()
            queuer.shutdown.set()
            await asyncio.wait([worker], timeout=10)
    meter.print()


logging.disable(logging.WARNING)
uvloop.run(main())

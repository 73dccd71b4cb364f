"""procrastinate: batch_defer for enqueue, one worker with many sub-workers."""

import asyncio
import json
import logging

import procrastinate
import uvloop
from meter import COUNT, DATABASE, PHASE, Meter
from webhook_job import Sender, payload

logging.disable(logging.WARNING)
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=DATABASE, min_size=8, max_size=10)
)
meter = Meter()
sender = Sender()


@app.task(queue="jobs", name="job", pass_context=True)
async def job(context, body) -> None:
    if PHASE == "call":
        status = await sender.send(json.dumps(body).encode(), str(context.job.id))
        meter.errors += status != 200
    meter.tick()


async def main() -> None:
    async with app.open_async():
        if PHASE == "setup":
            await app.schema_manager.apply_schema_async()
        elif PHASE == "enqueue":
            objects = [{"body": payload(i)} for i in range(COUNT)]
            meter.start()
            for i in range(0, COUNT, 1000):
                await job.batch_defer_async(*objects[i : i + 1000])
                meter.tick(1000)
        else:
            async with sender:
                meter.start()
                worker = asyncio.create_task(
                    app.run_worker_async(
                        queues=["jobs"],
                        concurrency=100 if PHASE == "call" else 30,
                        install_signal_handlers=False,
                        delete_jobs="never",
                    )
                )
                await meter.end()
                await asyncio.sleep(0.5)
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
    meter.print()


uvloop.run(main())

// pg-boss: insert() in bulk, work() in batches that go on at once while they are full.
import { PgBoss } from "pg-boss";
import { asked, Meter } from "./meter.mjs";
import { payload, sender } from "./webhook_job.mjs";

const boss = new PgBoss({ connectionString: asked.database, max: 10, supervise: false, schedule: false });
boss.on("error", error => console.error(error));
await boss.start();
const meter = new Meter();
if (asked.phase === "setup") {
  await boss.createQueue("jobs");
} else if (asked.phase === "enqueue") {
  const jobs = Array.from({ length: asked.count }, (_, i) => ({ data: payload(i) }));
  meter.start();
  for (let i = 0; i < jobs.length; i += 1000) {
    await boss.insert("jobs", jobs.slice(i, i + 1000));
    meter.tick(1000);
  }
} else {
  const calls = asked.phase === "call";
  const http = sender(100);
  const options = { batchSize: calls ? 500 : 1000, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true,
                    localConcurrency: 2, perJobResults: calls };
  meter.start();
  await boss.work("jobs", options, async jobs => {
    if (!calls) { meter.tick(jobs.length); return; }
    return await Promise.all(jobs.map(async job => {
      const status = await http.send(job.data, job.id);
      if (status !== 200) meter.errors++;
      meter.tick();
      return { id: job.id, status: status === 200 ? "completed" : "failed" };
    }));
  });
  await meter.end(); await boss.stop({ graceful: true, timeout: 5000 }); await http.close();
}
meter.print();
process.exit(0);

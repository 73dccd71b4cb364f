// graphile-worker with its own tuning advice: a local queue, and completion in batches.
import { makeWorkerUtils, run, Logger } from "graphile-worker";
import { asked, Meter } from "./meter.mjs";
import { payload, sender } from "./webhook_job.mjs";

const calls = asked.phase === "call";
const side = calls ? 100 : 24;
const worker = {
  connectionString: asked.database, maxPoolSize: 25, concurrentJobs: side,
  localQueue: { size: calls ? 1000 : 500 },
  completeJobBatchDelay: calls ? 10 : 0, failJobBatchDelay: calls ? 10 : 0,
  logger: new Logger(() => () => {}),
};
const meter = new Meter();
if (asked.phase === "setup") {
  const utils = await makeWorkerUtils({ preset: { worker } });
  await utils.migrate(); await utils.release();
} else if (asked.phase === "enqueue") {
  const utils = await makeWorkerUtils({ preset: { worker } });
  const jobs = Array.from({ length: asked.count }, (_, i) => ({ identifier: "job", payload: payload(i) }));
  meter.start();
  for (let i = 0; i < jobs.length; i += 1000) {
    await utils.addJobs(jobs.slice(i, i + 1000));
    meter.tick(1000);
  }
  await utils.release();
} else {
  const http = sender(side);
  const taskList = {
    job: calls
      ? async (body, helpers) => { if (await http.send(body, helpers.job.id) !== 200) meter.errors++; meter.tick(); }
      : async () => { meter.tick(); },
  };
  meter.start();
  const runner = await run({ preset: { worker }, taskList, noHandleSignals: true });
  await meter.end(); await runner.stop(); await http.close();
}
meter.print();
process.exit(0);

// What the scripts of the Node peers share: payloads, the clock, the sender.
import { Pool } from "undici";

const [phase, database, count, url] = process.argv.slice(2);
export const asked = { phase, database, count: Number(count), url };

export function payload(i) {
  const fields = {};
  for (let j = 0; j < 21; j++)
    fields[`f${String(j).padStart(2, "0")}`] = `value ${String(i * 31 + j * 7919).padStart(10, "0")}`;
  return {
    endpoint: "measured", type: "document.completed",
    data: { n: i, organization: 42, document: `01890000-0000-7000-8000-${String(i).padStart(12, "0")}`,
            fields, note: "x".repeat(240) },
  };
}

export class Meter {
  constructor() { this.done = this.errors = 0; this.t0 = this.t1 = Date.now() / 1000; }
  start() { this.t0 = this.t1 = Date.now() / 1000; }
  tick(k = 1) { this.done += k; this.t1 = Date.now() / 1000; }
  // Until all is done, or, where several processes share it, none has come for a while.
  async end() {
    while (this.done < asked.count) {
      await new Promise(r => setTimeout(r, 50));
      if (Date.now() / 1000 - this.t1 > (this.done ? 1.5 : 10)) return;
    }
  }
  print() { console.log(JSON.stringify({ done: this.done, errors: this.errors, t0: this.t0, t1: this.t1 })); }
}

export function sender(connections) {
  if (!asked.url) return { close: async () => {} };
  const target = new URL(asked.url);
  const pool = new Pool(target.origin, { connections, pipelining: 1 });
  return {
    async send(body, id) {
      const answer = await pool.request({
        path: target.pathname, method: "POST", body: JSON.stringify(body),
        headers: { "content-type": "application/json", "idempotency-key": String(id) },
      });
      await answer.body.dump();
      return answer.statusCode;
    },
    close: () => pool.close(),
  };
}

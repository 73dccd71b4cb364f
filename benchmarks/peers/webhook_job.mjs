// The job of a Node peer: what it carries, and how its webhook call is made.
import { Pool } from "undici";
import { asked } from "./meter.mjs";

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

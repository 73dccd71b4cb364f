// What the script of a Node peer is asked to do, and how much of it is done since when.
const [phase, database, count, url] = process.argv.slice(2);
export const asked = { phase, database, count: Number(count), url };

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

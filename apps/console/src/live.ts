import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";

/** So often at most a page is told that something has changed: it loads itself again each time. */
const TELL_MS_MIN = 2_000;
/** A proxy ends a connection that is silent; a page takes silence for the loss of it. */
const HEARTBEAT_MS = 15_000;
/** Pages that are open at the same time, in all browsers. */
const PAGES_MAX = 200;

/** Says when the ledger has changed. */
export class Changes {
  readonly #emitter = new EventEmitter().setMaxListeners(PAGES_MAX + 1);
  #count = 0;

  /** How often it has changed since this process began. */
  get count(): number {
    return this.#count;
  }

  note(): void {
    this.#count += 1;
    this.#emitter.emit("change");
  }

  listen(listener: () => void): () => void {
    this.#emitter.on("change", listener);
    return () => void this.#emitter.off("change", listener);
  }

  get listeners(): number {
    return this.#emitter.listenerCount("change");
  }
}

/** Server-sent events for open pages: "changed" when the ledger has changed, "here" while it has not. */
export function live({ changes }: Pick<ConsoleDeps, "changes">): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/live", (c: Context<ConsoleEnv>) => {
    if (changes.listeners >= PAGES_MAX) return c.text("too many pages are open\n", 503);
    return streamSSE(c, async (stream) => {
      let wake: () => void = () => {};
      let seen = changes.count;
      const end = changes.listen(() => wake());
      const ended = new AbortController();
      stream.onAbort(() => ended.abort());
      /** Or until the page is closed. */
      const wait = (ms: number) =>
        delay(ms, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      try {
        await stream.writeSSE({ event: "here", data: "" });
        while (!ended.signal.aborted) {
          const changed = new Promise<void>((resolve) => (wake = resolve));
          if (changes.count === seen) await Promise.race([changed, wait(HEARTBEAT_MS)]);
          if (ended.signal.aborted) return;
          const event = changes.count === seen ? "here" : "changed";
          seen = changes.count;
          await stream.writeSSE({ event, data: "" });
          if (event === "changed") await wait(TELL_MS_MIN);
        }
      } finally {
        end();
      }
    });
  });
  return app;
}

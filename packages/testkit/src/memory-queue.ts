import type { HostClock } from "@stakebts/kernel/clock";
import type {
  JobQueue,
  JobWorker,
  Ring,
  RingAnswer,
  RingHandlers,
  RingKind,
} from "@stakebts/core/queue/queue";

/** A queue in memory. Rings are delivered when a worker is there, in order of their time, one at a time per kind. */
export class MemoryQueue implements JobQueue {
  readonly #clock: HostClock;
  readonly #known = new Set<string>();
  readonly #waiting: { readonly ring: Ring; readonly atMs: number }[] = [];
  readonly #workers = new Set<{ readonly handlers: RingHandlers; wake: () => void }>();

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  async add(rings: readonly Ring[]): Promise<void> {
    for (const ring of rings) {
      if (this.#known.has(ring.id)) continue;
      this.#known.add(ring.id);
      this.#waiting.push({ ring, atMs: this.#clock.nowMs() + ring.delayMs });
    }
    for (const worker of this.#workers) worker.wake();
  }

  async waiting(kind: RingKind): Promise<number> {
    const nowMs = this.#clock.nowMs();
    return this.#waiting.filter(({ ring, atMs }) => ring.kind === kind && atMs <= nowMs).length;
  }

  /** Forgets everything, as a flushed Redis does. */
  flush(): void {
    this.#known.clear();
    this.#waiting.length = 0;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Delivers what is due now to the handlers, until nothing is. Returns how many rings were answered. */
  async deliver(handlers: RingHandlers): Promise<number> {
    for (let answered = 0; ; answered++) {
      const next = this.#take(handlers);
      if (next === undefined) return answered;
      await this.#answer(next, handlers);
    }
  }

  async #answer(ring: Ring, handlers: RingHandlers): Promise<void> {
    const handle = handlers[ring.kind] as ((data: unknown) => Promise<RingAnswer>) | undefined;
    const answer = await handle?.(ring.data).catch((): RingAnswer => ({ done: false, againInMs: 1 }));
    if (answer?.done === false) this.#waiting.push({ ring, atMs: this.#clock.nowMs() + answer.againInMs });
  }

  #take(handlers: RingHandlers): Ring | undefined {
    const nowMs = this.#clock.nowMs();
    const kinds = Object.keys(handlers) as RingKind[];
    const due = this.#waiting.filter(({ ring, atMs }) => atMs <= nowMs && kinds.includes(ring.kind));
    const [first] = due.sort((a, b) => a.atMs - b.atMs);
    if (first === undefined) return undefined;
    this.#waiting.splice(this.#waiting.indexOf(first), 1);
    return first.ring;
  }

  /** Delivers in the background until it is closed. */
  startWorker(handlers: RingHandlers): JobWorker {
    let closed = false;
    const worker = { handlers, wake: (): void => undefined };
    this.#workers.add(worker);
    const running = (async () => {
      while (!closed) {
        if ((await this.deliver(handlers)) > 0) continue;
        const rung = new Promise<void>((resolve) => (worker.wake = resolve));
        await Promise.race([rung, this.#clock.sleep(5)]);
      }
    })();
    return {
      close: async () => {
        closed = true;
        worker.wake();
        this.#workers.delete(worker);
        await running;
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

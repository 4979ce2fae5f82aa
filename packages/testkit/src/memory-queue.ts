import type { HostClock } from "@stakebts/kernel/clock";
import type {
  JobQueue,
  JobWorker,
  NewJob,
  JobResult,
  JobHandlers,
  JobKind,
} from "@stakebts/core/queue/queue";

const isLater = ({ data }: NewJob): boolean => "later" in data && data.later === true;

/** A queue in memory. Jobs are delivered when a worker is there, in order of their time, one at a time per kind. */
export class MemoryQueue implements JobQueue {
  readonly #clock: HostClock;
  readonly #known = new Set<string>();
  readonly #waiting: { readonly job: NewJob; readonly atMs: number }[] = [];
  readonly #workers = new Set<{ readonly handlers: JobHandlers; wake: () => void }>();

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  async add(jobs: readonly NewJob[]): Promise<void> {
    for (const job of jobs) {
      if (this.#known.has(job.id)) continue;
      this.#known.add(job.id);
      this.#waiting.push({ job, atMs: this.#clock.nowMs() + job.delayMs });
    }
    for (const worker of this.#workers) worker.wake();
  }

  async waiting(kind: JobKind, which?: "urgent" | "later"): Promise<number> {
    const nowMs = this.#clock.nowMs();
    return this.#waiting.filter(
      ({ job, atMs }) =>
        job.kind === kind && atMs <= nowMs && (which === undefined || isLater(job) === (which === "later")),
    ).length;
  }

  /** Forgets everything, as a flushed Redis does. */
  flush(): void {
    this.#known.clear();
    this.#waiting.length = 0;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Delivers what is due now to the handlers, until nothing is or the signal says so. Returns how many jobs were answered.
   */
  async deliver(handlers: JobHandlers, signal?: AbortSignal): Promise<number> {
    for (let answered = 0; ; answered++) {
      if (signal?.aborted === true) return answered;
      const next = this.#take(handlers);
      if (next === undefined) return answered;
      await this.#answer(next, handlers);
    }
  }

  async #answer(job: NewJob, handlers: JobHandlers): Promise<void> {
    const handle = handlers[job.kind] as ((data: unknown) => Promise<JobResult>) | undefined;
    const answer = await handle?.(job.data).catch((): JobResult => ({ done: false, againInMs: 1 }));
    if (answer?.done === false) this.#waiting.push({ job, atMs: this.#clock.nowMs() + answer.againInMs });
  }

  #take(handlers: JobHandlers): NewJob | undefined {
    const nowMs = this.#clock.nowMs();
    const kinds = Object.keys(handlers) as JobKind[];
    const due = this.#waiting.filter(({ job, atMs }) => atMs <= nowMs && kinds.includes(job.kind));
    const [first] = due.sort((a, b) => Number(isLater(a.job)) - Number(isLater(b.job)) || a.atMs - b.atMs);
    if (first === undefined) return undefined;
    this.#waiting.splice(this.#waiting.indexOf(first), 1);
    return first.job;
  }

  /** Delivers in the background until it is closed. */
  startWorker(handlers: JobHandlers): JobWorker {
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

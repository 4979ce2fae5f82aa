import type { Prng } from "./prng.ts";

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** One process from its start to its end. What it waits for when it dies never comes: its continuations are abandoned. */
export interface ProcessRun {
  readonly process: string;
  /** It has died, or has ended. */
  over: boolean;
  /** Asks it to finish what it is doing and to end (SIGTERM). */
  readonly stop: AbortController;
}

/**
 * The only time there is, and the only one who decides what happens next. Everything that happens is an event; between
 * two events everything that can go on without waiting does. Two runs with the same seed are the same run.
 */
export class EventLoop {
  readonly #prng: Prng;
  /** A binary heap by time. */
  readonly #events: Event[] = [];
  #nowMs = 0;
  #count = 0;
  #hash = 0x811c9dc5;
  readonly #lastLines: string[] = [];
  readonly #linesMax: number;

  constructor(prng: Prng, { linesMax }: { readonly linesMax: number }) {
    this.#prng = prng;
    this.#linesMax = linesMax;
  }

  get nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  get eventCount(): number {
    return this.#count;
  }

  /** Of all that was noted: the same for two runs of one seed. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** What was noted last, oldest first. */
  get trace(): readonly string[] {
    return this.#lastLines;
  }

  note(who: string, what: string): void {
    let hash = this.#hash ^ this.nowMs;
    for (const text of [who, what])
      for (let index = 0; index < text.length; index++)
        hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    this.#hash = hash;
    this.#lastLines.push(`${(this.nowMs / 1000).toFixed(3).padStart(10)} ${who.padEnd(12)} ${what}`);
    if (this.#lastLines.length > 2 * this.#linesMax)
      this.#lastLines.splice(0, this.#lastLines.length - this.#linesMax);
  }

  after(delayMs: number, run: () => void): void {
    // A little chance in every delay: of two things that are due together either may come first.
    const event = { atMs: this.#nowMs + delayMs + this.#prng.next(), run };
    const heap = this.#events;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((heap[parent] as Event).atMs <= event.atMs) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  /** Resolves after the time, or as soon as the signal is aborted; never if the process has died by then. */
  pause(run: ProcessRun, delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal?.removeEventListener("abort", go);
        if (!run.over) resolve();
      };
      if (signal?.aborted === true) return go();
      signal?.addEventListener("abort", go);
      this.after(delayMs, go);
    });
  }

  /** Lets time go on until it is `untilMs`, or until `stop` says so. */
  async run(untilMs: number, stop: () => boolean): Promise<void> {
    while (!stop()) {
      const [next] = this.#events;
      if (next === undefined || next.atMs > untilMs) break;
      this.#drop();
      this.#nowMs = next.atMs;
      this.#count++;
      next.run();
      await everythingThatCanGoOn();
    }
    if (!stop()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #drop(): void {
    const heap = this.#events;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Event).atMs < (heap[child] as Event).atMs) child++;
      if ((heap[child] as Event).atMs >= last.atMs) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

/** All promises that are settled have told whoever waits for them: the next turn of the event loop comes after that. */
const everythingThatCanGoOn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

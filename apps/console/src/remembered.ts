/**
 * Something that takes long to find out, shown again for a while. A value that is older than allowed is shown once more, with
 * its age, while it is found out anew: only the first request waits.
 */
export class Remembered<T> {
  readonly #find: () => Promise<T>;
  readonly #ageMsMax: number;
  readonly #nowMs: () => number;
  #value: { readonly value: T; readonly atMs: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(find: () => Promise<T>, { ageMsMax, nowMs }: { ageMsMax: number; nowMs: () => number }) {
    this.#find = find;
    this.#ageMsMax = ageMsMax;
    this.#nowMs = nowMs;
  }

  /** @returns with the host time at which it was true */
  async get(): Promise<{ readonly value: T; readonly atMs: number }> {
    const known = this.#value;
    if (known !== undefined && this.#nowMs() - known.atMs < this.#ageMsMax) return known;
    this.#running ??= this.#renew();
    // With an age of nothing it is always found out anew.
    if (known === undefined || this.#ageMsMax === 0) await this.#running;
    else this.#running.catch(() => undefined); // The old value is shown again; the next request tries anew.
    return this.#value ?? this.get();
  }

  async #renew(): Promise<void> {
    const atMs = this.#nowMs();
    try {
      this.#value = { value: await this.#find(), atMs };
    } finally {
      this.#running = undefined;
    }
  }
}

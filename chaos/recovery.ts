/** How long it took from the end of each fault until something that was due then was paid. */
export class Recovery {
  readonly #waiting = new Set<{ readonly sinceMs: number; readonly due: ReadonlySet<string> }>();
  readonly #tookMs: number[] = [];

  /** A fault is over while this was due. Nothing due: nothing to recover. */
  faultEnded(atMs: number, due: ReadonlySet<string>): void {
    if (due.size > 0) this.#waiting.add({ sinceMs: atMs, due });
  }

  /** What is due and unpaid now. */
  saw(atMs: number, unpaid: ReadonlySet<string>): void {
    for (const waiting of this.#waiting) {
      if ([...waiting.due].every((key) => unpaid.has(key))) continue;
      this.#waiting.delete(waiting);
      this.#tookMs.push(atMs - waiting.sinceMs);
    }
  }

  /** `undefined` when nothing had to recover. */
  percentileMs(percent: number): number | undefined {
    const sorted = [...this.#tookMs].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
  }
}

/** One line of the report. Figures of two sides are taken in one run, so that their ratio holds on any machine. */
export interface Row {
  readonly name: string;
  readonly ours: string;
  readonly other: string;
  readonly ratio: string;
  /** What was set out to be reached. Shown, never enforced. */
  readonly goal: string;
}

export const ratio = (value: number): string =>
  value >= 10 ? `${Math.round(value)} ×` : `${value.toFixed(2)} ×`;

/** Milliseconds per call, over as many calls as fit into the time, after a few to warm up. */
export async function timePerCall(call: () => unknown, budgetMs: number): Promise<number> {
  for (let n = 0; n < 3; n++) await call();
  const startMs = performance.now();
  let calls = 0;
  do {
    await call();
    calls++;
  } while (performance.now() - startMs < budgetMs);
  return (performance.now() - startMs) / calls;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

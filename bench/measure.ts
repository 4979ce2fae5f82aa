/** One line of the report. Figures of two sides are taken in one run, so that their ratio holds on any machine. */
export interface Row {
  readonly name: string;
  readonly ours: string;
  /** What cannot be beaten, or what it is compared with; empty when there is nothing. */
  readonly ceiling: string;
  readonly ratio: string;
  /** What was set out to be reached. Shown, never enforced. */
  readonly target: string;
}

/** A figure that has no other side. */
export const fact = (name: string, ours: string, target = ""): Row => ({
  name,
  ours,
  ceiling: "",
  ratio: "",
  target,
});

export const ratio = (value: number): string =>
  value >= 10 ? `${Math.round(value)} ×` : `${value.toFixed(2)} ×`;

export const perSecond = (count: number, ms: number): number => (count / ms) * 1000;

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
  return quantile(values, 0.5);
}

/** The value that so great a part of them does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

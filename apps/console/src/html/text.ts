import { formatShares, type Shares, shares } from "@stakebts/kernel/amount";

// How amounts and times are written, everywhere on the pages.

const grouped = (digits: string): string => digits.replace(/\B(?=(?:\d{3})+$)/gu, ",");

/** Whole BTS: `1,250,000`. */
export const btsText = (amount: bigint): string => grouped(amount.toString());

/** `1,250,000.5 BTS` */
export const sharesText = (amount: Shares): string =>
  formatShares(amount).replace(/^(-?)(\d+)/u, (_, sign: string, whole: string) => sign + grouped(whole));

/** Whole BTS, the rest cut off: for a glance. */
export const wholeBtsText = (amount: Shares): string => btsText(amount / 100_000n);

/** `2026-11-23 14:05`, UTC. */
export const timeText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(String(count))} ${count === 1 ? one : many}`;

/** `12 s`, `3 min`, `5 h`, `2 days`: how long ago, or how long to go. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return countText(Math.round(seconds / 86_400), "day");
}

export const sumOf = (amounts: readonly Shares[]): Shares =>
  shares(amounts.reduce((sum: bigint, amount) => sum + amount, 0n));

import { formatShares, type Shares, SHARES_PER_BTS } from "./amount.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./time.ts";

// How amounts, times and counts are written: for people in every program the same, and for machines below.

const grouped = (digits: string): string => digits.replace(/\B(?=(?:\d{3})+$)/gu, ",");

/** `1,250,000`: a count, or whole BTS in a column whose heading says so. */
export const numberText = (value: bigint | number): string => grouped(value.toString());

/** `1 payout`, `1,250 payouts` */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${numberText(count)} ${count === 1 ? one : many}`;

/** Whole BTS: `1,250,000 BTS` */
export const btsText = (amount: bigint): string => `${numberText(amount)} BTS`;

/** `1,250,000.50000 BTS`, and `1,250,000 BTS` when nothing is behind the point. */
export const sharesText = (amount: Shares): string =>
  formatShares(amount).replace(/^(-?)(\d+)/u, (_, sign: string, whole: string) => sign + grouped(whole));

/** Whole BTS, the rest cut off, without the unit: for a glance. */
export const wholeBtsText = (amount: Shares): string => numberText(amount / SHARES_PER_BTS);

/** What stands where there is nothing. */
export const NOTHING = "–";

/** `2026-11-23 14:05`, UTC; the sentence or the heading around it says so. */
export const timeText = (ms: number | undefined): string =>
  ms === undefined ? NOTHING : isoText(ms).slice(0, 16).replace("T", " ");

/** `2026-11-23 14:05:21 UTC`: where it is compared with the times of blocks, three seconds apart. */
export const exactTimeText = (ms: number): string => `${isoText(ms).slice(0, 19).replace("T", " ")} UTC`;

/** `2026-11-23`, UTC */
export const dayText = (ms: number): string => isoText(ms).slice(0, 10);

/** `12 s`, `3 min`, `5 h`, `2 days`: how long ago, or how long to go. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND_MS));
  if (seconds < 90) return `${seconds} s`;
  if (ms < 90 * MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 36 * HOUR_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return countText(Math.round(ms / DAY_MS), "day");
}

/** For machines, in files and attributes: `2026-11-23T14:05:21.000Z`. */
export const isoText = (ms: number): string => new Date(ms).toISOString();

/** For machines: JSON with amounts as text, since a JSON number is rounded by its reader, and null for what is not there. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (_key, v: unknown) => (typeof v === "bigint" ? v.toString() : v === undefined ? null : v),
    indent,
  );

/**
 * For machines: one field of CSV (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe, because
 * reasons quote what nodes say.
 */
export function csvField(value: string | number | bigint | boolean | undefined): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/u.test(value) ? `'${value}` : value;
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

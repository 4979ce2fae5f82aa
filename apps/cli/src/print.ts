import Table from "cli-table3";
import { formatShares, type Shares } from "@stakebts/kernel/amount";
import type { Terminal } from "./terminal.ts";

/** Whole BTS with separators for people: `1,250,000`. */
export const btsText = (amount: bigint): string => amount.toString().replace(/\B(?=(?:\d{3})+$)/gu, ",");

/** `2026-11-23 14:05`, UTC: all times of the business are chain time. */
export const timeText = (ms: number | undefined): string =>
  ms === undefined ? "–" : new Date(ms).toISOString().slice(0, 16).replace("T", " ");

export const sharesText = (amount: Shares): string =>
  formatShares(amount).replace(
    /^(-?)(\d+)/u,
    (_, sign: string, whole: string) => sign + btsText(BigInt(whole)),
  );

/** Text that others wrote, a node or a stranger: without anything that moves the cursor or changes colours. */
export const safeText = (text: string): string => text.replace(/\p{Cc}/gu, "\u{FFFD}");

const PLAIN = Object.fromEntries(
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid"
    .split(" ")
    .map((place) => [place, ""]),
);

export interface Column<T> {
  readonly head: string;
  readonly align?: "right";
  readonly cell: (item: T) => string;
}

/** A table without borders: it can be read, searched and cut. */
export function printTable<T>(terminal: Terminal, columns: readonly Column<T>[], items: readonly T[]): void {
  const table = new Table({
    head: columns.map((column) => terminal.paint("bold", column.head)),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: { ...PLAIN, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const item of items) table.push(columns.map((column) => column.cell(item)));
  for (const line of table.toString().split("\n")) terminal.out(line.trimEnd());
}

/** Amounts are bigint and become text: a JSON number would be rounded by whoever reads it. What is not there is null. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (_key, v: unknown) => (typeof v === "bigint" ? v.toString() : v === undefined ? null : v),
    indent,
  );

export const printJson = (terminal: Terminal, value: unknown): void => terminal.out(jsonText(value, 2));

/** Ends a list that was cut. */
export function printRest(terminal: Terminal, shown: number, page: { total: number }): void {
  if (page.total === 0) terminal.note("nothing found");
  else if (shown < page.total)
    terminal.note(`${shown} of ${page.total}; --limit 0 shows all, --offset ${shown} the next ones`);
}

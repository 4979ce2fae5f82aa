import Table from "cli-table3";
import type { Column, Columns, Tone } from "@stakebts/core/operators/columns";
import type { Page } from "@stakebts/core/ledger/view";
import { jsonText } from "@stakebts/kernel/text";
import type { Style, Terminal } from "./terminal.ts";

const PLAIN = Object.fromEntries(
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid"
    .split(" ")
    .map((place) => [place, ""]),
);

const STYLES: Readonly<Record<Tone, Style>> = { good: "green", bad: "red", notice: "yellow" };

export const paintTone = ({ paint }: Pick<Terminal, "paint">, tone: Tone | undefined, text: string): string =>
  tone === undefined ? text : paint(STYLES[tone], text);

/** A table without borders: it can be read, searched and cut. */
export function printTable<T>(terminal: Terminal, columns: Columns<T>, lines: readonly T[]): void {
  const shown: readonly Column<T>[] = Object.values(columns);
  const table = new Table({
    head: shown.map(({ head }) => terminal.paint("bold", head.toUpperCase())),
    colAligns: shown.map(({ kind }) => (kind === "number" ? "right" : "left")),
    chars: { ...PLAIN, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const line of lines)
    table.push(shown.map(({ text, tone }) => paintTone(terminal, tone?.(line), text(line))));
  for (const line of table.toString().split("\n")) terminal.out(line.trimEnd());
}

export const printJson = (terminal: Terminal, value: unknown): void => terminal.out(jsonText(value, 2));

/**
 * One page of a list: all that is known of each line as JSON, or a table with a remark at its end when it was cut.
 * @param name what the lines are called in JSON: `{ "total": …, "payouts": [ … ] }`
 */
export function printList<T>(
  terminal: Terminal,
  { name, columns, page }: { readonly name: string; readonly columns: Columns<T>; readonly page: Page<T> },
  { json, offset }: { readonly json: boolean; readonly offset: number },
): void {
  const { total, items } = page;
  if (json) {
    printJson(terminal, { total, [name]: items });
    return;
  }
  if (items.length > 0) printTable(terminal, columns, items);
  const shown = items.length + offset;
  if (total === 0) terminal.note("nothing found");
  else if (shown < total)
    terminal.note(`${shown} of ${total}; --limit 0 shows all, --offset ${shown} the next ones`);
}

/** `key       text`: what is known of one thing, a line each. What is not known has no line. */
export const factPrinter =
  (terminal: Terminal, width: number) =>
  (name: string, text: string | undefined): void => {
    if (text !== undefined) terminal.out(`${terminal.paint("bold", name.padEnd(width))} ${text}`);
  };

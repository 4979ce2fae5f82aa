import { formatShares, type Shares } from "@stakebts/kernel/amount";
import { plainText } from "@stakebts/kernel/plain-text";
import { isoText, NOTHING, numberText, sharesText, timeText } from "@stakebts/kernel/text";

// What a column of a list is, for every program that shows it: a table on a terminal or on a page, CSV, JSON.

export type Scalar = string | number | bigint | boolean | undefined;
/** What a value says about the thing: it is well, it needs a person, or it is worth a look. */
export type Tone = "good" | "bad" | "notice";

export interface Column<T> {
  readonly head: string;
  /** How it is laid out: an id is not wrapped, a number stands on the right, a state has a colour. */
  readonly kind: "text" | "id" | "number" | "time" | "state";
  /** For people. Without anything that moves a cursor. */
  readonly text: (line: T) => string;
  /** For files: an amount as bigint, a time as ISO 8601. `undefined`: there is none. */
  readonly value: (line: T) => Scalar;
  readonly tone?: (line: T) => Tone | undefined;
}
/** By the name of the field in files. */
export type Columns<T> = Readonly<Record<string, Column<T>>>;

type Read<T, V> = (line: T) => V;

/** Text may be what a node or a stranger wrote. */
const text = <T>(head: string, read: Read<T, string | undefined>): Column<T> => ({
  head,
  kind: "text",
  text: (line) => plainText(read(line) ?? ""),
  value: read,
});
const id = <T>(head: string, read: Read<T, string | undefined>): Column<T> => ({
  ...text(head, read),
  kind: "id",
  text: (line) => read(line) ?? NOTHING,
});
/** Counts, and whole BTS under a heading that names the unit. */
const number = <T>(head: string, read: Read<T, number | bigint | undefined>): Column<T> => ({
  head,
  kind: "number",
  text: (line) => {
    const value = read(line);
    return value === undefined ? NOTHING : numberText(value);
  },
  value: read,
});
/** A number that names something and is not counted: digits without separators. */
const block = <T>(head: string, read: Read<T, number | undefined>): Column<T> => ({
  ...number(head, read),
  text: (line) => String(read(line) ?? NOTHING),
});
const shares = <T>(head: string, read: Read<T, Shares | undefined>): Column<T> => ({
  head,
  kind: "number",
  text: (line) => {
    const value = read(line);
    return value === undefined ? NOTHING : sharesText(value);
  },
  value: (line) => {
    const value = read(line);
    return value === undefined ? undefined : formatShares(value).replace(/ BTS$/u, "");
  },
});
/** @param read milliseconds since the epoch; the heading says `(UTC)` */
const time = <T>(head: string, read: Read<T, number | undefined>): Column<T> => ({
  head,
  kind: "time",
  text: (line) => timeText(read(line)),
  value: (line) => {
    const ms = read(line);
    return ms === undefined ? undefined : isoText(ms);
  },
});
const state = <T>(
  head: string,
  read: Read<T, string>,
  tone: Read<T, Tone | undefined> = () => undefined,
): Column<T> => ({ head, kind: "state", text: read, value: read, tone });

export const column = { text, id, number, block, shares, time, state };

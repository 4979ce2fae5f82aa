import type { Context } from "hono";
import type { KeysetWindow } from "@stakebts/core/operators/browse/keyset";
import { DAY_MS, type Millis, millis } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "./console.ts";
import type { Frame } from "./view/layout.tsx";

// What pages read from their address. A text that means nothing is left out: a mistake in a typed address is no error.

/** Lines of a list. */
export const LINES = 50;

export const frameOf = (
  c: Context<ConsoleEnv>,
  { custodian, explorer }: Pick<ConsoleDeps, "custodian" | "explorer">,
): Frame => ({ session: c.get("session"), custodian, explorer });

export const urlOf = (c: Context): URL => new URL(c.req.url);

export const textIn = (c: Context, name: string): string | undefined => {
  const value = c.req.query(name)?.trim().slice(0, 200);
  return value === undefined || value === "" ? undefined : value;
};

export const oneIn = <T extends string>(c: Context, name: string, known: readonly T[]): T | undefined =>
  known.find((one) => one === textIn(c, name));

/** Several values of one field, or one. */
export const someIn = <T extends string>(
  c: Context,
  name: string,
  known: readonly T[],
): readonly T[] | undefined => {
  const given = (c.req.queries(name) ?? []).flatMap((text) => text.split(","));
  const found = known.filter((one) => given.includes(one));
  return found.length === 0 ? undefined : found;
};

export const amountIn = (c: Context, name: string): bigint | undefined => {
  const text = textIn(c, name)?.replaceAll(/[,\s]/gu, "");
  return text !== undefined && /^\d{1,12}$/u.test(text) ? BigInt(text) : undefined;
};

export const wholeIn = (c: Context, name: string, max: number): number | undefined => {
  const value = amountIn(c, name);
  return value === undefined || value > BigInt(max) ? undefined : Number(value);
};

/** The beginning of a day (UTC) from `2026-11-23`. */
export const dayIn = (c: Context, name: string): Millis | undefined => {
  const text = textIn(c, name);
  const ms = text !== undefined && /^\d{4}-\d{2}-\d{2}$/u.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : millis(ms);
};

/** The end of a day: what is before it is of that day or earlier. */
export const dayEndIn = (c: Context, name: string): Millis | undefined => {
  const day = dayIn(c, name);
  return day === undefined ? undefined : millis(day + DAY_MS);
};

/** First and last instant of a month (UTC) from `2026-11`. */
export const monthIn = (
  c: Context,
  name: string,
): { readonly fromMs: Millis; readonly toMs: Millis } | undefined => {
  const [, year, month] = /^(\d{4})-(\d{2})$/u.exec(textIn(c, name) ?? "") ?? [];
  if (year === undefined || month === undefined || Number(month) < 1 || Number(month) > 12) return undefined;
  return {
    fromMs: millis(Date.UTC(Number(year), Number(month) - 1)),
    toMs: millis(Date.UTC(Number(year), Number(month))),
  };
};

export const windowIn = (c: Context): KeysetWindow => ({
  limit: LINES,
  after: textIn(c, "after"),
  before: textIn(c, "before"),
});

/** Text of a file that a browser saves, in pieces, so that a long list needs little memory. */
export function sendFile(
  c: Context,
  { name, type }: { readonly name: string; readonly type: "text/csv" | "application/x-ndjson" },
  lines: AsyncIterable<string>,
): Response {
  const encoder = new TextEncoder();
  const iterator = lines[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  return c.body(body, 200, {
    "content-type": `${type}; charset=utf-8`,
    "content-disposition": `attachment; filename="${name}"`,
  });
}

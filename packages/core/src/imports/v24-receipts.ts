import { createHash } from "node:crypto";
import type { V24Row } from "./v24-stakes.ts";
import type { NewReceipt } from "../ledger/ledger.ts";

/** A receipt longer than this is cut. v2.4 writes a few hundred characters. */
const TEXT_LENGTH_MAX = 20_000;

/**
 * The receipts of v2.4 as receipts. The name of each follows from its content and from how often that came before, so
 * that a second import finds it, and a newer copy of the same database adds only what is new.
 */
export function readV24Receipts(rows: readonly V24Row[]): readonly NewReceipt[] {
  const seen = new Map<string, number>();
  return rows.map(({ nonce, now, msg }) => {
    const text = withoutSecrets(textOf(msg)).slice(0, TEXT_LENGTH_MAX);
    const content = createHash("sha256")
      .update(JSON.stringify([textOf(nonce), textOf(now), textOf(msg)]))
      .digest("hex")
      .slice(0, 24);
    const count = (seen.get(content) ?? 0) + 1;
    seen.set(content, count);
    return {
      event: "v24.receipt",
      subject: `v24:${content}:${count}`,
      details: { nonce: numberOf(nonce), nowMs: numberOf(now), kind: kindOf(text), text },
    };
  });
}

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  return value === null || value === undefined ? "" : String(value as number | bigint);
};

const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** What a receipt of v2.4 says that it is, if it is an object that says so. For filters; the text is what counts. */
function kindOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const kind = ["type", "msg", "event"]
      .map((name) => (value as Record<string, unknown>)[name])
      .find((found): found is string => typeof found === "string");
    return kind?.slice(0, 80) ?? null;
  } catch {
    return null;
  }
}

// v2.4 printed the exchange's key with each signed call, and people pasted what it printed.
const SECRETS = [
  // A private key in wallet import format.
  /\b5[HJK][1-9A-HJ-NP-Za-km-z]{49}\b/gu,
  // A Bittrex key or secret, a hash of a password, a signature. A transaction id has 40 digits and stays.
  /\b(?:[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{128})\b/giu,
  // The value of anything that is called so.
  /(?<=["']?(?:api[-_]?key|api[-_]?sign(?:ature)?|secret|password|passphrase|wif|private[-_]?key)["']?\s*[:=]\s*["']?)[^\s"',}]+/giu,
] as const;

export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((safe, secret) => safe.replace(secret, "(hidden)"), text);

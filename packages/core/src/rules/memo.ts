import { bts, MAX_SUPPLY_SHARES, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import { isFreezeLevel } from "./freeze.ts";
import { type Term, TERMS } from "./policy.ts";
import {
  ADMIN_REQUESTS,
  EXCHANGE_ACCOUNTS,
  type AdminRequestType,
  type MemoRejection,
  type MemoRequest,
} from "./request.ts";

/** A request fits in a few dozen characters. Longer text is not read at all, so that no memo can cost time. */
export const MEMO_LENGTH_MAX = 4_096;

/**
 * Reads the decrypted text of a memo. Total: any text gives a request or a reason, and nothing throws.
 * White space goes first. JSON objects count by their `type`; anything else counts, quotes removed, as the type itself,
 * unless the block is so old that its memos had to be JSON.
 */
export function parseMemo(text: string, at: { blockNum: number; strictJsonUpToBlock: number }): MemoRequest {
  if (text.length > MEMO_LENGTH_MAX) return invalid("too_long");
  const compact = text.replace(/[\s\p{White_Space}]/gu, "");
  const object = parseObject(compact);
  if (object !== undefined) {
    const request = requestOfType(object["type"], object);
    if (request !== undefined) return request;
  }
  if (at.blockNum <= at.strictJsonUpToBlock)
    return invalid(object === undefined ? "not_json" : "unknown_type");
  const bare = compact.replace(/['"]/gu, "");
  return requestOfType(bare, {}) ?? bareFreeze(bare) ?? invalid("unknown_type");
}

/** `freeze pay-nothing`, of which the white space is gone already. */
function bareFreeze(text: string): MemoRequest | undefined {
  const level = /^freeze:?(.+)$/u.exec(text)?.[1] ?? "";
  return isFreezeLevel(level) ? { type: "freeze", level } : undefined;
}

const invalid = (reason: MemoRejection): MemoRequest => ({ type: "invalid", reason });

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    // Own properties only: `{"__proto__": …}` must not lend its keys to the request.
    return Object.assign(Object.create(null) as Record<string, unknown>, ownEntries(value));
  } catch {
    return undefined; // Not JSON, or nested deeper than the stack: text like any other.
  }
}

/** The keys a request can have. Others are allowed and ignored. */
function ownEntries(value: object): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const key of ["type", "amount", "api", "level"])
    if (Object.hasOwn(value, key)) own[key] = (value as Record<string, unknown>)[key];
  return own;
}

function requestOfType(type: unknown, fields: Record<string, unknown>): MemoRequest | undefined {
  if (typeof type !== "string") return undefined;
  if (Object.hasOwn(TERMS, type)) return { type: "open", term: type as Term };
  if (type === "stop") return { type: "stop" };
  if (type === "freeze") {
    const level = fields["level"];
    // Who reaches for the switch and misspells how far it goes wants it thrown.
    return { type, level: typeof level === "string" && isFreezeLevel(level) ? level : "all" };
  }
  if (!(ADMIN_REQUESTS as readonly string[]).includes(type)) return undefined;
  const amount = wholeBts(fields["amount"]);
  const account = isPlain(fields["api"])
    ? EXCHANGE_ACCOUNTS.find((number) => String(number) === String(fields["api"]))
    : undefined;
  return {
    type: type as AdminRequestType,
    ...(amount === undefined ? {} : { amount }),
    ...(account === undefined ? {} : { account }),
  };
}

/** `String([1])` is "1" too; a number or a text is meant. */
const isPlain = (value: unknown): boolean => typeof value === "number" || typeof value === "string";

/** A whole, positive, possible number of BTS, as a number or as digits. */
function wholeBts(value: unknown): ReturnType<typeof bts> | undefined {
  if (typeof value === "number" ? !Number.isSafeInteger(value) : typeof value !== "string") return undefined;
  const digits = String(value);
  if (!/^[0-9]{1,16}$/u.test(digits)) return undefined;
  const amount = BigInt(digits);
  return amount > 0n && amount * SHARES_PER_BTS <= MAX_SUPPLY_SHARES ? bts(amount) : undefined;
}

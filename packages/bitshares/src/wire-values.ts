import { type Millis, millis } from "@stakebts/kernel/time";
import { type AccountId, ChainError, type PermissionId } from "./chain.ts";

/*
 * What a node sends is judged here, by hand and not by a schema, because every block passes through it.
 * Everything throws ChainError "malformed_answer". Found values are quoted cut: a stranger may have written them.
 */

export type JsonObject = { readonly [key: string]: unknown };

export function malformed(what: string, found: unknown): ChainError {
  let text: string;
  try {
    text = JSON.stringify(found) ?? String(found);
  } catch {
    text = typeof found;
  }
  return new ChainError("malformed_answer", `${what} expected, found ${text.slice(0, 120)}`);
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(what, value);
  return value as JsonObject;
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what, value);
  return value;
}

export function asText(value: unknown, what: string): string {
  if (typeof value !== "string") throw malformed(what, value);
  return value;
}

const INT64_MIN = -9_223_372_036_854_775_808n;
const INT64_MAX = 9_223_372_036_854_775_807n;
const UINT64_MAX = 18_446_744_073_709_551_615n;

function asInteger(value: unknown, what: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw malformed(what, value);
}

/** A number up to ±2^31 and decimal text beyond: the chain writes the same field either way. */
export function asInt64(value: unknown, what: string): bigint {
  const integer = asInteger(value, what);
  if (integer < INT64_MIN || integer > INT64_MAX) throw malformed(what, value);
  return integer;
}

export function asUint64(value: unknown, what: string): bigint {
  const integer = asInteger(value, what);
  if (integer < 0n || integer > UINT64_MAX) throw malformed(what, value);
  return integer;
}

/** What can be held, moved or asked for as a fee: of the same width, and no chain has one below zero. */
export function asAmount(value: unknown, what: string, minimum = 0n): bigint {
  const integer = asInt64(value, what);
  if (integer < minimum) throw malformed(what, value);
  return integer;
}

export function asUint32(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw malformed(what, value);
  }
  return value;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

/** `2026-01-01T00:00:00`, UTC without saying so, to whole seconds since the epoch. */
export function asTimeSec(value: unknown, what: string): number {
  if (typeof value !== "string" || !TIME.test(value)) throw malformed(what, value);
  const seconds = Date.parse(`${value}Z`) / 1000;
  if (!(seconds >= 0 && seconds <= 0xffff_ffff)) throw malformed(what, value);
  return seconds;
}

export const asTimeMs = (value: unknown, what: string): Millis => millis(asTimeSec(value, what) * 1000);

export const wireTime = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);

/** Lower-case hex of exactly `bytes` bytes, as nodes print hashes. */
export function asHex(value: unknown, bytes: number, what: string): string {
  if (typeof value !== "string" || value.length !== bytes * 2 || !/^[0-9a-f]*$/.test(value)) {
    throw malformed(what, value);
  }
  return value;
}

/** Instances are 48-bit on the chain. One text per object: leading zeros are not accepted. */
const INSTANCE = /^(0|[1-9]\d{0,14})$/;

/** Number N of `space.type.N`, e.g. `instanceOf(id, "1.2.", …)`. */
export function instanceOf(value: unknown, kind: string, what: string): number {
  if (typeof value !== "string" || !value.startsWith(kind)) throw malformed(what, value);
  const instance = value.slice(kind.length);
  if (!INSTANCE.test(instance) || Number(instance) >= 2 ** 48) throw malformed(what, value);
  return Number(instance);
}

export function asAccountId(value: unknown, what: string): AccountId {
  instanceOf(value, "1.2.", what);
  return value as AccountId;
}

export function asPermissionId(value: unknown, what: string): PermissionId {
  instanceOf(value, "1.12.", what);
  return value as PermissionId;
}

export function asAssetId(value: unknown, what: string): string {
  instanceOf(value, "1.3.", what);
  return value as string;
}

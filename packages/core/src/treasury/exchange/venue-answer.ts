import * as z from "zod";
import { type Shares, shares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { ExchangeError } from "../exchange.ts";

declare const unit: unique symbol;

/** What the venue counts in: 1e-8 of the currency. It has eight decimals where the chain has five. */
export type VenueUnits = bigint & { readonly [unit]: "venue units" };

const DECIMALS = 8;
const UNITS_PER_COIN = 100_000_000n;
const UNITS_PER_SHARE = 1_000n;

const DECIMAL = /^(\d{1,18})(?:\.(\d{1,18}))?$/u;

/**
 * Plain decimal text, not negative, to units. Digits beyond the eighth are dropped in the direction given; `undefined`
 * for any other text, an exponent included.
 */
export function parseVenueUnits(text: string, rounding: "down" | "up"): VenueUnits | undefined {
  const [, whole, fraction = ""] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const kept = BigInt(whole) * UNITS_PER_COIN + BigInt(fraction.slice(0, DECIMALS).padEnd(DECIMALS, "0"));
  const more = rounding === "up" && /[1-9]/u.test(fraction.slice(DECIMALS)) ? 1n : 0n;
  return (kept + more) as VenueUnits;
}

/** Always eight decimals, never an exponent. */
export function formatVenueUnits(amount: VenueUnits): string {
  assert(amount >= 0n, `a negative amount has no place in a request: ${amount}`);
  const fraction = (amount % UNITS_PER_COIN).toString().padStart(DECIMALS, "0");
  return `${amount / UNITS_PER_COIN}.${fraction}`;
}

/** What has to be asked for so that `amountShares` arrive: the venue takes its fee out of what it is asked for. */
export const quantityFor = (amountShares: Shares, fee: VenueUnits): VenueUnits =>
  (amountShares * UNITS_PER_SHARE + fee) as VenueUnits;

/** What arrives of `quantity`. The chain cannot carry less than a share: the rest is dropped. Never negative. */
export const arrivingOf = (quantity: VenueUnits, fee: VenueUnits): Shares =>
  shares(quantity > fee ? (quantity - fee) / UNITS_PER_SHARE : 0n);

export const feeInShares = (fee: VenueUnits): Shares =>
  shares((fee + UNITS_PER_SHARE - 1n) / UNITS_PER_SHARE);

/** The quantity must be more than three fees, so that more than two arrive. */
export const minimumArriving = (fee: VenueUnits): Shares => shares((2n * fee) / UNITS_PER_SHARE + 1n);

/** Digits that a JSON number keeps for certain on its way through a float. */
const EXACT_DIGITS = 15;

/** An amount in a venue's answer: decimal text, or a number that is short enough to be exact. */
export function amount(rounding: "down" | "up") {
  return z
    .union([z.string(), z.number()])
    .transform((value) => {
      const text = String(value);
      const exact = typeof value === "string" || text.replace(".", "").length <= EXACT_DIGITS;
      return exact ? parseVenueUnits(text, rounding) : undefined;
    })
    .refine((units): units is VenueUnits => units !== undefined, "not an exact decimal amount");
}

/** Throws ExchangeError "malformed_answer". Says where, not what: the answer is a stranger's text. */
export function parseAnswer<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 5).map(({ path }) => path.join(".") || "the whole");
  throw new ExchangeError("malformed_answer", `${what}: ${places.join(", ")} is not as documented`);
}

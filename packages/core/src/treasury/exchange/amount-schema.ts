import { z } from "zod";
import { parseVenueUnits, type VenueUnits } from "./decimal.ts";

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

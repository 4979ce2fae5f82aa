import * as z from "zod";
import { AddressProblem, formatAddress, parseAddress } from "../runtime/database-address.ts";
import { KeyFormatError, privateKeyFromWif } from "@stakebts/bitshares/keys";

// What several settings are made of: numbers within a range, lists, private keys.

/** The maximum keeps a slip of the finger out; for intervals it is an hour, far below where timers overflow to 1 ms. */
export const whole = ({ minimum, maximum, example }: { minimum: number; maximum: number; example: string }) =>
  z
    .string()
    .regex(/^[0-9]{1,12}$/u, `expected a whole number, for example ${example}`)
    .transform(Number)
    .refine((value) => value >= minimum, `expected at least ${minimum}`)
    .refine((value) => value <= maximum, `expected at most ${maximum}`);

/** Items with commas between them; what is empty between two commas is left out. */
export const list = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

export function isPrivateKey(wif: string): boolean {
  try {
    privateKeyFromWif(wif);
    return true;
  } catch (error) {
    if (error instanceof KeyFormatError) return false;
    throw error;
  }
}

const NOT_A_KEY = "this is not a private key in wallet import format (51 characters, begins with 5)";

export const privateKey = (expected: string) => z.string({ error: expected }).refine(isPrivateKey, NOT_A_KEY);

/** Understood once, and written as every reader of addresses understands it. */
export const databaseAddress = z
  .string({ error: "expected postgresql://user:password@host:port/database" })
  .transform((text, context) => {
    try {
      return formatAddress(parseAddress(text));
    } catch (error) {
      if (!(error instanceof AddressProblem)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });

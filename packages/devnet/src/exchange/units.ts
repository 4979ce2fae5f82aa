/** The venue counts in 1e-8 of the currency, the chain in 1e-5. */
export const UNITS_PER_SHARE = 1_000n;
const UNITS_PER_COIN = 100_000_000n;

/** Eight decimals; more are cut off. `undefined` for what is no plain decimal. */
export function unitsFrom(value: unknown): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !/^\d{1,15}(\.\d{1,20})?$/u.test(text)) return undefined;
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.slice(0, 8).padEnd(8, "0"));
}

/** Eight decimals, and zero as "0": as the venue writes them. */
export function unitsText(units: bigint): string {
  if (units === 0n) return "0";
  return `${units / UNITS_PER_COIN}.${(units % UNITS_PER_COIN).toString().padStart(8, "0")}`;
}

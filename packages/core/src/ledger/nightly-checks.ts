import type { NewReceipt } from "./ledger.ts";

/** What compares the ledger with the chain, and the receipts with their hash chain. A timer outside of the cluster runs them. */
export const NIGHTLY_CHECKS = ["compare", "audit"] as const;
export type NightlyCheck = (typeof NIGHTLY_CHECKS)[number];

export const passedEvent = (check: NightlyCheck): string => `${check}.passed`;

/** A check that found something and one that did not run are both seen without a look at its exit code. */
export const checkReceipt = (
  check: NightlyCheck,
  { found, details, todo }: { found: number; details: NewReceipt["details"]; todo: string },
): NewReceipt =>
  found === 0
    ? { event: passedEvent(check), subject: "ledger", details }
    : {
        event: `${check}.differs`,
        subject: "ledger",
        details: { ...details, reason: `${found} found that nothing explains`, todo },
      };

import { whatIsLeft } from "@stakebts/core/rules/freeze";
import type { Ledger } from "@stakebts/core/ledger/ledger";

/** As an operator does, without a receipt. */
export const stopPayments = (ledger: Pick<Ledger, "transaction">, reason = "test"): Promise<boolean> =>
  ledger.transaction((tx) => tx.control.addFreeze({ source: "operator", level: "pay-nothing", reason }));

/** Ends, for payments, everything that stops them. */
export const letPaymentsGo = (ledger: Pick<Ledger, "transaction">): Promise<void> =>
  ledger.transaction(async (tx) => {
    for (const { id, level } of (await tx.control.read()).freezes)
      if (level !== "accept-nothing") {
        const still = whatIsLeft(level, "pay-nothing");
        await tx.control.endFreeze(id, { still, actor: "test", reason: "test" });
      }
  });

/** The same in SQL, for tests that have no ledger at hand. */
export const STOP_PAYMENTS_SQL = "SELECT add_freeze('pay-nothing', 'operator', NULL, 'test')";
export const END_FREEZES_SQL =
  "SELECT end_freeze(id, NULL, 'test', 'test') FROM ledger_freeze WHERE ended_at IS NULL AND source <> 'file'";

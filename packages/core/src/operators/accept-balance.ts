import type { Shares } from "@stakebts/kernel/amount";
import { formatShares } from "@stakebts/kernel/amount";
import type { Ledger } from "../ledger/ledger.ts";
import { type OperatorAction, receiptOf } from "../ledger/operator-action.ts";

/**
 * A person vouches for what came to the custodian, or left it (less than zero), otherwise than by a transfer: vesting, referral income,
 * a fill of the market, a fee of an operation by hand. The watcher reckons with it from then on (custody/balance-monitor.ts). Each call is
 * one more: to take one back, accept the same amount with the other sign.
 */
export function acceptBalance(
  { ledger }: { ledger: Ledger },
  { amount, action }: { readonly amount: Shares; readonly action: OperatorAction },
): Promise<void> {
  const { actor, reason } = action;
  return ledger.transaction(async (tx) => {
    await tx.balanceAdjustments.add({ amountShares: amount, actor, reason });
    await tx.receipts.add([
      receiptOf("balance.accepted", formatShares(amount), action, { amountShares: `${amount}` }),
    ]);
  });
}

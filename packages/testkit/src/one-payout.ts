import { assert } from "@stakebts/kernel/assert";
import type { Ledger, NewWithdrawal, WithdrawalRefusal } from "@stakebts/core/ledger/ledger";
import { type PayDeps, type PayResult, payPayouts } from "@stakebts/core/payments/pay-payouts";
import type { PayoutId } from "@stakebts/core/rules/payout";

/** A step of the payer with one payout. Throws the trouble that the payer would tell of. */
export async function payPayout(deps: PayDeps, id: PayoutId): Promise<PayResult> {
  const result = (await payPayouts(deps, [id])).get(id);
  assert(result !== undefined, "a result for each payout of a step");
  if (result.type === "trouble") throw result.error;
  return result;
}

/** The point of no return for one payout alone. */
export async function saveWithdrawal(
  ledger: Pick<Ledger, "withdrawals">,
  withdrawal: NewWithdrawal,
): Promise<"saved" | WithdrawalRefusal> {
  const [answer] = await ledger.withdrawals.save([withdrawal]);
  assert(answer !== undefined, "an answer for each withdrawal");
  return answer;
}

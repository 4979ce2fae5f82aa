import { assertNever } from "@stakebts/kernel/assert";
import type { PayoutId } from "../rules/payout.ts";
import type { Ledger, LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import {
  answer,
  noSuchPayout,
  type OperatorAction,
  type PayoutAnswer,
  receiptOf,
} from "../ledger/operator-action.ts";

/** Keeps the payer from a payout until an operator releases it. What is signed already cannot be held. */
export function holdPayout(
  { ledger }: { ledger: Ledger },
  request: { readonly id: PayoutId; readonly action: OperatorAction; readonly dryRun?: boolean },
): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    const [payout] = await tx.payouts.find({ ids: [request.id] });
    return payout === undefined
      ? noSuchPayout(request.id)
      : hold(tx, payout, request.action, request.dryRun ?? false);
  });
}

async function hold(
  tx: LedgerTx,
  payout: PayoutRecord,
  action: OperatorAction,
  dryRun: boolean,
): Promise<PayoutAnswer> {
  switch (payout.status) {
    case "held":
      return answer(payout, "unchanged", `is held already: ${payout.reason ?? ""}`);
    case "confirmed":
      return answer(payout, "refused", "is paid already");
    case "failed":
    case "cancelled":
      return answer(payout, "refused", `is ${payout.status}: it is not paid in this state`);
    case "signed":
    case "sent":
      return answer(
        payout,
        "refused",
        `signed bytes are out (${payout.status}) and the chain may take them`,
        {
          todo: "`stakebts payments off` keeps further payments from being signed",
        },
      );
    case "due":
    case "ready":
    case "waiting_funds":
      break;
    default:
      return assertNever(payout.status);
  }
  if (dryRun) return answer(payout, "done", `would go from ${payout.status} to held`);
  if (!(await tx.payouts.hold({ payout, receipt: receiptOf("payout.held", payout.key, action) })))
    return answer(payout, "refused", "was moved by another process at this moment", { todo: "look again" });
  return answer(payout, "done", `${payout.status} → held: it waits for \`stakebts payouts release\``, {
    status: "held",
  });
}

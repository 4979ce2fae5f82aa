import { isSamePerson } from "../rules/approval.ts";
import type { PayoutId } from "../rules/payout.ts";
import type { Ledger, LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import { jobForPayout } from "../ledger/jobs.ts";
import {
  answer,
  noSuchPayout,
  type OperatorAction,
  type PayoutAnswer,
  receiptOf,
} from "../ledger/operator-action.ts";

/**
 * A second person lets a payout go that a limit holds, or would hold: the first is the ledger, which owes it, or the person who gave
 * it to the payer again. It is good for this payee and this amount, and for every attempt. An hour or a day that is full stays
 * full.
 */
export function approvePayout(
  { ledger }: { ledger: Ledger },
  request: { readonly id: PayoutId; readonly action: OperatorAction; readonly dryRun?: boolean },
): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.control.lock(); // No payer reckons with it in between.
    const [payout] = await tx.payouts.find({ ids: [request.id] });
    return payout === undefined ? noSuchPayout(request.id) : approve(tx, payout, request);
  });
}

async function approve(
  tx: LedgerTx,
  payout: PayoutRecord,
  { action, dryRun = false }: { readonly action: OperatorAction; readonly dryRun?: boolean },
): Promise<PayoutAnswer> {
  const { payee, amount, status, key } = payout;
  if (status === "confirmed" || status === "cancelled") return answer(payout, "refused", `is ${status}`);
  const same = (name: string): boolean => isSamePerson(name, action.actor);
  const { given, requesters } = await tx.approvals.of(payout);
  if (requesters.some(same))
    return answer(
      payout,
      "refused",
      `${action.actor} has given it to the payer and cannot approve it as well`,
      {
        todo: "let another person look at it and approve it",
      },
    );
  const held = status === "held" && payout.limitedBy !== undefined;
  const before = given.some(({ approver }) => same(approver));
  if (before && !held) return answer(payout, "unchanged", `${action.actor} has approved it already`);
  if (dryRun)
    return answer(
      payout,
      "done",
      held ? "would be approved, and go from held to ready" : "would be approved",
    );
  if (!before) {
    const approver = action.actor;
    await tx.approvals.add(payout.id, { payee, amount, approver, reason: action.reason });
  }
  const moved = await tx.approvals.release(payout.id, jobForPayout(payout.id, action.id));
  await tx.receipts.add([
    receiptOf("payout.approved", key, action, {
      payoutId: payout.id,
      payee,
      amount: `${amount}`,
      was: status,
      because: payout.reason ?? null,
    }),
  ]);
  if (moved) return answer(payout, "done", "approved; held → ready: the payer pays it", { status: "ready" });
  return status === "held"
    ? answer(payout, "done", "approved; it stays held, for a person has held it", {
        todo: "`stakebts payouts release` when that is over",
      })
    : answer(payout, "done", "approved");
}

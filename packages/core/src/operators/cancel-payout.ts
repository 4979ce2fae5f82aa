import { assertNever } from "@stakebts/kernel/assert";
import { exactTimeText } from "@stakebts/kernel/text";
import type { Ledger, LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import {
  answer,
  noSuchPayout,
  type OperatorAction,
  type PayoutAnswer,
  receiptOf,
} from "../ledger/operator-action.ts";
import type { PayoutId } from "../rules/payout.ts";
import { type CaughtUp, paymentEvidence, settlePaid } from "./payment-evidence.ts";
import { whyBehind } from "./requeue-payout.ts";

export interface CancelRequest {
  readonly id: PayoutId;
  readonly action: OperatorAction;
  /** From {@link ledgerCaughtUp}, asked at the beginning of the command. */
  readonly ledger: CaughtUp;
  readonly dryRun?: boolean;
  /** `block:trx:op` of a transfer that names this payout and pays something else; see {@link paymentEvidence}. */
  readonly despite?: string;
}

/**
 * Takes a payout back for good, with proof that nothing was sent: every withdrawal that was ever signed for it is dead,
 * and the ledger, which has every final block, holds no transfer for it. Its rows go back from processing to pending.
 * - The rows of a reward or a base amount stay pending: they do not fall due again, a later stop settles them.
 * - The rows of a stop are open again until their own due date; the rewards that the stop aborted stay aborted.
 */
export function cancelPayout({ ledger }: { ledger: Ledger }, request: CancelRequest): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.lockEvents(); // As in requeuePayout; and events must not be applied while the rows move.
    const [payout] = await tx.payouts.find({ ids: [request.id] });
    return payout === undefined ? noSuchPayout(request.id) : cancel(tx, payout, request);
  });
}

async function cancel(tx: LedgerTx, payout: PayoutRecord, request: CancelRequest): Promise<PayoutAnswer> {
  const { action, dryRun = false } = request;
  if (payout.status === "cancelled") return answer(payout, "unchanged", "is cancelled already");
  if (payout.status === "confirmed")
    return answer(payout, "refused", "is paid, and what is in an irreversible block cannot be taken back");
  const evidence = await paymentEvidence(tx, payout, request.despite);
  switch (evidence.type) {
    case "paid":
      return dryRun
        ? answer(payout, "done", "would be confirmed: its payment is on the chain")
        : settlePaid(tx, payout, evidence, action);
    case "alive":
      return answer(
        payout,
        "refused",
        `its withdrawal ${evidence.withdrawal.txid} is alive until the ledger has a block later than ${exactTimeText(evidence.withdrawal.expirationMs)}`,
        {
          todo: "switch payments off, wait until the withdrawal is confirmed or expired, then look again",
        },
      );
    case "unclear":
      return answer(payout, "refused", `there is no proof that nothing was sent: ${evidence.reason}`, {
        todo: "compare that transfer with the debt; if it settles the debt, repeat this with --despite and the transfer",
      });
    case "nothing_sent":
      break;
    default:
      return assertNever(evidence);
  }
  if (payout.status === "signed" || payout.status === "sent")
    return answer(payout, "refused", `it is being paid (${payout.status})`, {
      todo: "wait, then look again",
    });
  const behind = await whyBehind(tx, request.ledger);
  if (behind !== undefined)
    return answer(payout, "refused", behind, {
      todo: "let the ingester catch up (`stakebts doctor`), then repeat this",
    });
  const rows = (await tx.rows.find({ payoutId: payout.id })).filter((row) => row.status === "processing");
  const effect =
    rows.length === 0 ? "nothing else changes" : `${rows.map((row) => row.id).join(", ")} → pending`;
  if (dryRun) return answer(payout, "done", `would be cancelled; ${effect}`);
  if (!(await tx.payouts.move(payout.id, [payout.status], "cancelled", { reason: action.reason })))
    return answer(payout, "refused", "was moved by another process at this moment", { todo: "look again" });
  await tx.rows.move(rows.map((row) => ({ row, from: "processing", to: "pending" })));
  await tx.receipts.add([
    receiptOf("payout.cancelled", payout.key, action, {
      payoutId: payout.id,
      payee: payout.payee,
      amount: `${payout.amount}`,
      was: payout.status,
      because: payout.reason ?? null,
      despite: request.despite ?? null,
      rows: rows.map((row) => row.id).join(" "),
    }),
  ]);
  return answer(payout, "done", `cancelled for good; ${effect}`, { status: "cancelled" });
}

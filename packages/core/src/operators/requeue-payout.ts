import { assertNever } from "@stakebts/kernel/assert";
import { exactTimeText } from "@stakebts/kernel/text";
import { jobForPayout } from "../ledger/jobs.ts";
import type { Ledger, LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import {
  answer,
  noSuchPayout,
  type OperatorAction,
  type PayoutAnswer,
  receiptOf,
} from "../ledger/operator-action.ts";
import type { PayoutId } from "../rules/payout.ts";
import { type CaughtUp, paymentEvidence, settlePaid } from "./payment-evidence.ts";

export interface RequeueRequest {
  readonly id: PayoutId;
  readonly action: OperatorAction;
  /** `release` is for held payouts only; `requeue` for failed ones too. */
  readonly verb: "requeue" | "release";
  /** From {@link ledgerCaughtUp}, asked at the beginning of the command. */
  readonly ledger: CaughtUp;
  /** Says what would happen, and lets nothing happen. */
  readonly dryRun?: boolean;
  /** `block:trx:op` of a transfer that names this payout and pays something else; see {@link paymentEvidence}. */
  readonly despite?: string;
}

/**
 * Gives a failed or held payout back to the payer, for one more attempt. It looks first: a payment that is recorded
 * from the chain confirms the payout instead, a withdrawal that is alive is left alone, and a ledger that may not know
 * the newest payments refuses. May be called any number of times, by several operators, while a payer pays: the payout
 * moves by compare-and-set, and the payer saves at most one withdrawal that is not dead.
 */
export function requeuePayout(
  { ledger }: { ledger: Ledger },
  request: RequeueRequest,
): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    // An ingester that finds a payment by its key takes this lock too: it sees our move, or we see its confirmation.
    await tx.lockEvents();
    const [payout] = await tx.payouts.find({ ids: [request.id] });
    return payout === undefined ? noSuchPayout(request.id) : requeue(tx, payout, request);
  });
}

async function requeue(tx: LedgerTx, payout: PayoutRecord, request: RequeueRequest): Promise<PayoutAnswer> {
  const { action, verb, dryRun = false } = request;
  switch (payout.status) {
    case "confirmed":
      return answer(payout, "unchanged", "is paid already");
    case "due":
    case "ready":
    case "waiting_funds":
      return answer(payout, "unchanged", `is in the payer's hands already (${payout.status})`);
    case "cancelled":
      return answer(payout, "refused", `was cancelled, and that is final: ${payout.reason ?? ""}`);
    case "signed":
    case "sent":
      return refusedAlive(tx, payout);
    case "failed":
    case "held":
      break;
    default:
      return assertNever(payout.status);
  }
  if (verb === "release" && payout.status === "failed")
    return answer(payout, "refused", "failed and is not held", { todo: "requeue it instead" });
  const evidence = await paymentEvidence(tx, payout, request.despite);
  switch (evidence.type) {
    case "paid":
      return dryRun
        ? answer(payout, "done", "would be confirmed: its payment is on the chain")
        : settlePaid(tx, payout, evidence, action);
    case "alive":
      return refusedAlive(tx, payout);
    case "unclear":
      return answer(payout, "refused", evidence.reason, {
        todo: "compare that transfer with the debt; if the debt is open all the same, repeat this with --despite and the transfer",
      });
    case "nothing_sent":
      break;
    default:
      return assertNever(evidence);
  }
  const behind = await whyBehind(tx, request.ledger);
  if (behind !== undefined)
    return answer(payout, "refused", behind, {
      todo: "let the ingester catch up (`stakebts doctor`), then repeat this",
    });
  const hold = await onRecoveryHold(tx);
  if (hold !== undefined)
    return answer(payout, "refused", `nothing is given to the payer: ${hold}`, { todo: HOLD_TODO });
  if (dryRun) return answer(payout, "done", `would go from ${payout.status} to ready`);
  const event = verb === "release" ? "payout.released" : "payout.requeued";
  const requeued = await tx.payouts.requeue({
    payout,
    job: jobForPayout(payout.id, action.id),
    receipt: receiptOf(event, payout.key, action),
    despite: request.despite,
  });
  if (!requeued)
    return answer(payout, "refused", "was moved by another process at this moment", { todo: "look again" });
  return answer(payout, "done", `${payout.status} → ready: the payer makes one more attempt`, {
    status: "ready",
  });
}

async function refusedAlive(tx: LedgerTx, payout: PayoutRecord): Promise<PayoutAnswer> {
  const evidence = await paymentEvidence(tx, payout);
  const what =
    evidence.type === "alive"
      ? `its withdrawal ${evidence.withdrawal.txid} is alive until the ledger has a block later than ${exactTimeText(evidence.withdrawal.expirationMs)}`
      : `it is being paid (${payout.status})`;
  return answer(payout, "refused", what, {
    todo: "wait: the ingester will see it in a block, or see that it never can be, and then it is tried again by itself",
  });
}

export const HOLD_TODO = "wait until that is over (`stakebts status`), then repeat this";

/** Why the ledger may not know all that was paid; `undefined`: it does. */
export async function onRecoveryHold(tx: LedgerTx): Promise<string | undefined> {
  const { raised } = (await tx.control.read()).recoveryHold;
  return raised === undefined ? undefined : whyOnRecoveryHold({ raised, databaseChanged: false });
}

/** The cursor is read in the same transaction: what was true when the chain was asked is still true. */
export async function whyBehind(tx: LedgerTx, ledger: CaughtUp): Promise<string | undefined> {
  if (!ledger.caughtUp) return ledger.reason;
  const cursor = await tx.cursor.read();
  return cursor !== undefined && cursor.blockNum >= ledger.blockNum
    ? undefined
    : `the ledger has not processed block ${ledger.blockNum}`;
}

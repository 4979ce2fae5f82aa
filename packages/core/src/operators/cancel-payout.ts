import { assertNever } from "@stakebts/kernel/assert";
import { exactTimeText } from "@stakebts/kernel/text";
import type { CancelAsked, Ledger, LedgerTx, PayoutRecord } from "../ledger/ledger.ts";
import {
  answer,
  noSuchPayout,
  type OperatorAction,
  type PayoutAnswer,
  receiptOf,
} from "../ledger/operator-action.ts";
import { isSamePerson } from "../rules/approval.ts";
import type { PayoutId } from "../rules/payout.ts";
import { type CaughtUp, paymentEvidence, settlePaid } from "./payment-evidence.ts";
import { HOLD_TODO, onRecoveryHold, whyBehind } from "./requeue-payout.ts";

export interface CancelRequest {
  readonly id: PayoutId;
  readonly action: OperatorAction;
  /** From {@link ledgerCaughtUp}, asked at the beginning of the command. */
  readonly ledger: CaughtUp;
  readonly dryRun?: boolean;
  /** `block:trx:op` of a transfer that names this payout and pays something else; see {@link paymentEvidence}. */
  readonly despite?: string;
  /** Another person must have asked for it before ({@link askToCancel}): so the database has it with the console's login. */
  readonly secondPerson?: boolean;
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
  const hold = await onRecoveryHold(tx);
  if (hold !== undefined)
    return answer(payout, "refused", `nothing is cancelled: ${hold}`, { todo: HOLD_TODO });
  const rows = (await tx.rows.find({ payoutId: payout.id })).filter((row) => row.status === "processing");
  const effect =
    rows.length === 0 ? "nothing else changes" : `${rows.map((row) => row.id).join(", ")} → pending`;
  if (request.secondPerson === true) {
    const missing = whyNotSecond(await tx.payouts.cancelAsked(payout.id), action.actor);
    if (missing !== undefined) return answer(payout, "refused", missing);
  }
  if (dryRun) return answer(payout, "done", `would be cancelled; ${effect}`);
  const receipt = receiptOf("payout.cancelled", payout.key, action);
  if (!(await tx.payouts.cancel({ payout, receipt, despite: request.despite })))
    return answer(payout, "refused", "was moved by another process at this moment", { todo: "look again" });
  return answer(payout, "done", `cancelled for good; ${effect}`, { status: "cancelled" });
}

/**
 * The first of two people: the payout is held from now on, and people are told. Releasing it ends the request. Nothing is looked at
 * but where it stands: the second person's {@link cancelPayout} looks at the chain.
 */
export function askToCancel(
  { ledger }: { ledger: Ledger },
  { id, action }: { readonly id: PayoutId; readonly action: OperatorAction },
): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    const [payout] = await tx.payouts.find({ ids: [id] });
    if (payout === undefined) return noSuchPayout(id);
    if (payout.status === "cancelled") return answer(payout, "unchanged", "is cancelled already");
    if (payout.status === "confirmed") return answer(payout, "refused", "is paid already");
    if (payout.status === "signed" || payout.status === "sent")
      return answer(payout, "refused", `it is being paid (${payout.status})`, {
        todo: "wait, then look again",
      });
    const asked = (await tx.payouts.cancelAsked(id)).some(({ actor }) => isSamePerson(actor, action.actor));
    if (asked) return answer(payout, "unchanged", `${action.actor} has asked for it already`);
    const receipt = receiptOf("payout.cancel_asked", payout.key, action);
    if (!(await tx.payouts.askToCancel({ payout, receipt })))
      return answer(payout, "refused", "was moved by another process at this moment", { todo: "look again" });
    return answer(
      payout,
      "done",
      "is held until a second person has said the same, an hour from now or later",
      {
        status: payout.status === "failed" ? "failed" : "held",
      },
    );
  });
}

/** Why this person cannot be the second one now; `undefined`: he can. */
export function whyNotSecond(asked: readonly CancelAsked[], person: string): string | undefined {
  const byOthers = asked.filter(({ actor }) => !isSamePerson(actor, person));
  if (byOthers.some(({ isOpen }) => isOpen)) return undefined;
  const [other] = byOthers;
  if (other !== undefined)
    return `${other.actor} has asked for it; a second person may say the same from ${exactTimeText(other.openFromMs)} on`;
  return asked.length > 0
    ? `${person} has asked for it, and another person has to say the same`
    : "no person has asked for it yet";
}

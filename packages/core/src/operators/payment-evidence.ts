import type { ChainReader } from "@stakebts/bitshares/chain";
import type { HostClock } from "@stakebts/kernel/clock";
import { operationId } from "@stakebts/kernel/operation-id";
import { memoNonces } from "../ledger/ids.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Ledger, LedgerTx, NewTransfer, PayoutRecord, WithdrawalRecord } from "../ledger/ledger.ts";
import { answer, type OperatorAction, type PayoutAnswer } from "../ledger/operator-action.ts";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { type PaymentEvidence as Evidence, weighEvidence } from "../rules/payment-evidence.ts";

export type CaughtUp =
  /** Every block up to this one, which is what was final when the chain was asked, is in the ledger. */
  | { readonly caughtUp: true; readonly blockNum: number }
  | { readonly caughtUp: false; readonly reason: string };

const LOOK_AGAIN_MS = 250;

/**
 * Does the ledger know everything that was final when this was asked? Only then does "no payment is recorded" mean that
 * none was made; nor does it under a recovery hold. The ingester is always a block or two behind, so it is given a moment.
 * Errors: ChainError when no node can be asked.
 */
export async function ledgerCaughtUp(
  { ledger, chain, clock }: { ledger: Ledger; chain: ChainReader; clock: HostClock },
  waitMsMax: number,
): Promise<CaughtUp> {
  const blockNum = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
  const deadlineMs = clock.nowMs() + waitMsMax;
  for (;;) {
    const cursor = await ledger.cursor.read();
    if (cursor === undefined) return { caughtUp: false, reason: "no block has been ingested yet" };
    const onRecoveryHold = whyOnRecoveryHold((await ledger.control.read()).recoveryHold);
    if (onRecoveryHold !== undefined)
      return { caughtUp: false, reason: `the ledger may have forgotten payments, ${onRecoveryHold}` };
    if (cursor.blockNum >= blockNum) return { caughtUp: true, blockNum };
    if (clock.nowMs() >= deadlineMs)
      return {
        caughtUp: false,
        reason: `the ledger is ${blockNum - cursor.blockNum} block(s) behind the chain, and a payment may be in them`,
      };
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

export type PaymentEvidence = Evidence<NewTransfer, WithdrawalRecord>;

/**
 * Looks for a payment of this payout: by its key in the memo of an outgoing transfer, by the transaction id of every
 * withdrawal that was ever signed for it, and for one that is alive. All of it from one transaction.
 * @param despite see {@link weighEvidence}
 */
export async function paymentEvidence(
  tx: LedgerTx,
  payout: PayoutRecord,
  despite?: string,
): Promise<PaymentEvidence> {
  const withdrawals = await tx.withdrawals.find({ payoutId: payout.id });
  const transfers = await tx.transfers.find({
    direction: "out",
    keys: [payout.key],
    txids: withdrawals.map((withdrawal) => withdrawal.txid),
    // The memo of a deposit at an exchange names no payout; its nonce does.
    nonces: payout.kind === "deposit" ? memoNonces(payout.key) : [],
  });
  return weighEvidence(payout, { withdrawals, transfers }, despite);
}

/** A payout that turns out to be paid is confirmed, no matter what the operator wanted to do with it. */
export async function settlePaid(
  tx: LedgerTx,
  payout: PayoutRecord,
  { transfer }: Extract<PaymentEvidence, { type: "paid" }>,
  action: OperatorAction,
): Promise<PayoutAnswer> {
  const operation = operationId(transfer.operation);
  const confirmation = { payoutId: payout.id, by: transfer.operation };
  const { actor, reason, id } = action;
  if ((await tx.payouts.confirm([confirmation], { actor, reason, action: id })) === 0)
    return answer(payout, "unchanged", `is paid already, by transfer ${operation}`);
  return answer(payout, "done", `was paid already, by transfer ${operation}: confirmed, not paid again`, {
    status: "confirmed",
  });
}

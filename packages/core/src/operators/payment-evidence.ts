import type { ChainReader } from "@stakebts/bitshares/chain";
import { shares, toShares } from "@stakebts/kernel/amount";
import type { HostClock } from "@stakebts/kernel/clock";
import { operationId } from "@stakebts/kernel/operation-id";
import { sharesText } from "@stakebts/kernel/text";
import { memoNonces } from "../ledger/ids.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Ledger, LedgerTx, NewTransfer, PayoutRecord, WithdrawalRecord } from "../ledger/ledger.ts";
import { answer, type OperatorAction, type PayoutAnswer, receiptOf } from "../ledger/operator-action.ts";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { isLive } from "../rules/withdrawal.ts";

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

/** What the ledger knows of a payout's money: all of it from one transaction. */
export type PaymentEvidence =
  /** No attempt is alive and no transfer on the chain is for it. The proof that nothing was sent. */
  | { readonly type: "nothing_sent" }
  /** Signed bytes are out: the chain may still take them. */
  | { readonly type: "alive"; readonly withdrawal: WithdrawalRecord }
  /** An irreversible block holds its payment. */
  | { readonly type: "paid"; readonly transfer: NewTransfer }
  /** Something is recorded that does not fit: a person has to find out. */
  | { readonly type: "unclear"; readonly reason: string };

/**
 * Looks for a payment of this payout: by its key in the memo of an outgoing transfer, by the transaction id of every
 * withdrawal that was ever signed for it (one that was declared dead included), and for one that is alive.
 * @param despite `block:trx:op` of a transfer that names this payout and pays something else: an operator has looked at it
 *   and says that the debt is open all the same. A transfer that does pay the debt is never overlooked.
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
  const right = transfers.find(
    (transfer) => transfer.receiver === payout.payee && transfer.amount === toShares(payout.amount),
  );
  if (right !== undefined) return { type: "paid", transfer: right };
  const wrong = transfers.find((transfer) => operationId(transfer.operation) !== despite);
  if (wrong !== undefined)
    return {
      type: "unclear",
      reason: `transfer ${operationId(wrong.operation)} names this payout and paid ${sharesText(shares(wrong.amount))} to ${wrong.receiver}`,
    };
  const live = withdrawals.find((withdrawal) => isLive(withdrawal.status));
  if (live !== undefined) return { type: "alive", withdrawal: live };
  const confirmed = withdrawals.find((withdrawal) => withdrawal.status === "confirmed");
  if (confirmed !== undefined)
    return {
      type: "unclear",
      reason: `withdrawal ${confirmed.txid} is confirmed, and no transfer of it is recorded`,
    };
  return { type: "nothing_sent" };
}

/** A payout that turns out to be paid is confirmed, whatever the operator wanted to do with it. */
export async function settlePaid(
  tx: LedgerTx,
  payout: PayoutRecord,
  { transfer }: Extract<PaymentEvidence, { type: "paid" }>,
  action: OperatorAction,
): Promise<PayoutAnswer> {
  const operation = operationId(transfer.operation);
  const confirmation = {
    payoutId: payout.id,
    blockNum: transfer.operation.blockNum,
    blockTimeMs: transfer.blockTimeMs,
  };
  const confirmed = (await tx.payouts.confirm([confirmation])) === 1;
  if (!confirmed) return answer(payout, "unchanged", `is paid already, by transfer ${operation}`);
  await tx.receipts.add([
    {
      ...receiptOf("payout.confirmed", payout.key, action, {
        payoutId: payout.id,
        payee: payout.payee,
        amountShares: `${transfer.amount}`,
        txid: transfer.txid ?? null,
        operation,
        was: payout.status,
      }),
      chainTimeMs: transfer.blockTimeMs,
    },
  ]);
  return answer(payout, "done", `was paid already, by transfer ${operation}: confirmed, not paid again`, {
    status: "confirmed",
  });
}

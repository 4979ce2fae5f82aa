import type { TopUpStatus } from "../rules/top-up.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import {
  type LedgerTx,
  type NewReceipt,
  type NewTransfer,
  type TopUpChange,
  type TopUpRecord,
  whyNotPay,
} from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { TreasuryDeps } from "./treasury.ts";

/** Ends at once, moves nothing, when this process may no longer start anything: payments off, or another payer leads. */
export async function startAsking(
  { ledger, log, writerEpoch }: TreasuryDeps,
  topUp: TopUpRecord,
  change: TopUpChange = {},
): Promise<boolean> {
  const receipt: NewReceipt = {
    event: "top_up.asked",
    subject: topUp.key,
    details: {
      source: topUp.source,
      amount: `${topUp.amount}`,
      clientId: topUp.id,
      asks: topUp.asks + 1,
    },
  };
  const moved = await ledger.transaction(async (tx) => {
    if (whyNotPay(await tx.control.lock(), writerEpoch) !== undefined) return false;
    if (!(await tx.topUps.move(topUp.id, [topUp.status], "asked", { ...change, isAsking: true })))
      return false;
    await tx.receipts.add([receipt]);
    return true;
  });
  if (moved) logReceipt(log, receipt);
  return moved;
}

/** Moves a request and writes down why, both or neither. Where another process was faster nothing happens. */
export async function moveTopUp(
  { ledger, log }: TreasuryDeps,
  topUp: TopUpRecord,
  to: TopUpStatus,
  change: TopUpChange & { readonly event: string },
): Promise<boolean> {
  const receipt = receiptOf(topUp, to, change);
  const moved = await ledger.transaction(async (tx) => {
    if (!(await tx.topUps.move(topUp.id, [topUp.status], to, change))) return false;
    await tx.receipts.add([receipt]);
    return true;
  });
  if (moved) logReceipt(log, receipt);
  return moved;
}

const receiptOf = (
  topUp: TopUpRecord,
  to: TopUpStatus,
  change: TopUpChange & { readonly event: string },
): NewReceipt => ({
  event: change.event,
  subject: topUp.key,
  details: {
    source: topUp.source,
    amount: `${topUp.amount}`,
    status: to,
    reason: change.reason ?? null,
    venueId: change.venueId ?? topUp.venueId ?? null,
    venueStatus: change.venueStatus ?? topUp.venueStatus ?? null,
    txid: change.txid ?? topUp.txid ?? null,
  },
});

/**
 * A transfer that has arrived before the ledger knew what for: it was restored, or the venue told the transaction's id
 * late. `undefined`: none, or it has completed another request.
 */
export async function arrivedBefore(
  tx: LedgerTx,
  topUp: TopUpRecord,
  txid: string | undefined,
): Promise<NewTransfer | undefined> {
  const memo = topUp.kind === "shortage" ? topUp.memo : undefined;
  const received = await tx.transfers.find({
    direction: "in",
    txids: txid === undefined ? [] : [txid],
    memos: memo === undefined ? [] : [memo],
  });
  if (received.length === 0) return undefined;
  const taken = new Set(
    (await tx.topUps.find({ statuses: ["arrived"] })).flatMap(({ arrivedBy }) =>
      arrivedBy === undefined ? [] : [operationId(arrivedBy)],
    ),
  );
  return received.find(({ operation }) => !taken.has(operationId(operation)));
}

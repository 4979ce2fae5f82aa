import type { FundingStatus } from "../rules/top-up.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import type { FundingChange, FundingRecord, LedgerTx, NewReceipt, NewTransfer } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import type { TreasuryDeps } from "./treasury.ts";

/** Ends at once, moves nothing, when this process may no longer start anything: payments off, or another payer leads. */
export async function startAsking(
  { ledger, log, writerEpoch }: TreasuryDeps,
  funding: FundingRecord,
  change: FundingChange = {},
): Promise<boolean> {
  const receipt: NewReceipt = {
    event: "funding.asked",
    subject: funding.key,
    details: {
      source: funding.source,
      amount: `${funding.amount}`,
      clientId: funding.id,
      asks: funding.asks + 1,
    },
  };
  const moved = await ledger.transaction(async (tx) => {
    if ((await tx.whyNotPay(writerEpoch)) !== undefined) return false;
    if (!(await tx.moveFunding(funding.id, [funding.status], "asked", { ...change, isAsking: true })))
      return false;
    await tx.addReceipts([receipt]);
    return true;
  });
  if (moved) logReceipt(log, receipt);
  return moved;
}

/** Moves a request and writes down why, both or neither. Where somebody else was faster nothing happens. */
export async function moveFunding(
  { ledger, log }: TreasuryDeps,
  funding: FundingRecord,
  to: FundingStatus,
  change: FundingChange & { readonly event: string },
): Promise<boolean> {
  const receipt = receiptOf(funding, to, change);
  const moved = await ledger.transaction(async (tx) => {
    if (!(await tx.moveFunding(funding.id, [funding.status], to, change))) return false;
    await tx.addReceipts([receipt]);
    return true;
  });
  if (moved) logReceipt(log, receipt);
  return moved;
}

const receiptOf = (
  funding: FundingRecord,
  to: FundingStatus,
  change: FundingChange & { readonly event: string },
): NewReceipt => ({
  event: change.event,
  subject: funding.key,
  details: {
    source: funding.source,
    amount: `${funding.amount}`,
    status: to,
    reason: change.reason ?? null,
    venueId: change.venueId ?? funding.venueId ?? null,
    venueStatus: change.venueStatus ?? funding.venueStatus ?? null,
    txid: change.txid ?? funding.txid ?? null,
  },
});

/**
 * A transfer that has arrived before the ledger knew what for: it was restored, or the venue told the transaction's id
 * late. `undefined`: none, or it has completed another request.
 */
export async function arrivedBefore(
  tx: LedgerTx,
  funding: FundingRecord,
  txid: string | undefined,
): Promise<NewTransfer | undefined> {
  const memo = funding.kind === "cover" ? funding.memo : undefined;
  if (txid === undefined && memo === undefined) return undefined;
  const received = await tx.receivedAs({ txid, memo });
  if (received.length === 0) return undefined;
  const taken = new Set(
    (await tx.fundings({ statuses: ["arrived"] })).flatMap(({ arrivedBy }) =>
      arrivedBy === undefined ? [] : [operationId(arrivedBy)],
    ),
  );
  return received.find(({ operation }) => !taken.has(operationId(operation)));
}

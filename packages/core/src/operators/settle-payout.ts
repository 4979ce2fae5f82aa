import { toShares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { btsText, sharesText } from "@stakebts/kernel/text";
import type { Ledger, LedgerTx, NewTransfer, PayoutRecord } from "../ledger/ledger.ts";
import { answer, noSuchPayout, type OperatorAction, type PayoutAnswer } from "../ledger/operator-action.ts";
import { isInFlight, type PayoutId } from "../rules/payout.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import { settlePaid } from "./payment-evidence.ts";

export interface SettleRequest {
  readonly id: PayoutId;
  /** The transfer on the chain that paid it. */
  readonly by: OperationPosition;
  readonly action: OperatorAction;
  readonly dryRun?: boolean;
}

/**
 * Confirms a payout by a transfer that does not name it: one that v2.4 or a person has made. The chain shows the transfer,
 * and an operator says what it was for. It has to pay this amount to this payee, and pays for one payout only.
 */
export function settlePayout({ ledger }: { ledger: Ledger }, request: SettleRequest): Promise<PayoutAnswer> {
  return ledger.transaction(async (tx) => {
    await tx.lockEvents();
    const [payout] = await tx.payouts.find({ ids: [request.id] });
    return payout === undefined ? noSuchPayout(request.id) : settle(tx, payout, request);
  });
}

async function settle(tx: LedgerTx, payout: PayoutRecord, request: SettleRequest): Promise<PayoutAnswer> {
  const { by, action, dryRun = false } = request;
  const name = operationId(by);
  if (payout.status === "confirmed") return answer(payout, "unchanged", "is paid already");
  if (payout.status === "cancelled") return answer(payout, "refused", "was cancelled, and that is final");
  if (isInFlight(payout.status))
    return answer(payout, "refused", `is being paid by us (${payout.status})`, {
      todo: "wait: if that withdrawal is confirmed too, it was paid twice",
    });
  const [transfer] = await tx.transfers.find({ operations: [by] });
  if (transfer === undefined)
    return answer(payout, "refused", `transfer ${name} is not in the ledger`, {
      todo: `\`stakebts blocks replay --from ${by.blockNum} --to ${by.blockNum}\` reads its block`,
    });
  const misfit = await whyNot(tx, payout, transfer);
  if (misfit !== undefined) return answer(payout, "refused", `transfer ${name} ${misfit}`);
  if (dryRun) return answer(payout, "done", `would be confirmed by transfer ${name}`);
  return settlePaid(tx, payout, { type: "paid", transfer }, action);
}

async function whyNot(
  tx: LedgerTx,
  payout: PayoutRecord,
  transfer: NewTransfer,
): Promise<string | undefined> {
  if (transfer.direction !== "out") return "was not sent by the custodian";
  if (transfer.receiver !== payout.payee) return `paid ${transfer.receiver}, and not ${payout.payee}`;
  if (transfer.assetId !== CORE_ASSET_ID || transfer.amount !== toShares(payout.amount))
    return `paid ${sharesText(transfer.amount)}, and not ${btsText(payout.amount)}`;
  const other = await tx.payouts.settledBy(transfer.operation);
  if (other !== undefined) return `has settled the payout ${other}`;
  if (transfer.payoutKey !== undefined && transfer.payoutKey !== payout.key)
    return `names the payout ${transfer.payoutKey}`;
  if (transfer.txid === undefined) return undefined;
  const [withdrawal] = await tx.withdrawals.find({ txids: [transfer.txid] });
  return withdrawal === undefined || withdrawal.payoutId === payout.id
    ? undefined
    : "is our own payment of another payout";
}

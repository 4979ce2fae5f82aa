import { toShares } from "@stakebts/kernel/amount";
import { operationId } from "@stakebts/kernel/operation-id";
import { laneOf, type NewPayout } from "../rules/payout.ts";
import type { IdentifiedPayout, LedgerTx, NewReceipt, NewTransfer } from "./ledger.ts";
import { identified, memoNonces } from "./ids.ts";
import { jobForPayout } from "./jobs.ts";

/**
 * Writes payouts and enqueues their jobs. A debt whose payment is already on the chain, because the ledger is being
 * replayed or was restored from a backup, is settled by that payment instead of a second one.
 * @returns receipts, already written, of debts that are held because the chain tells another story
 */
export async function createPayouts(
  tx: LedgerTx,
  payouts: readonly NewPayout[],
): Promise<readonly NewReceipt[]> {
  const debts = payouts.map(identified);
  await tx.payouts.insert(debts);
  const paid = [
    ...(await tx.transfers.find({ direction: "out", keys: debts.map((debt) => debt.key) })),
    ...(await paidDeposits(tx, debts)),
  ];
  const paidByKey = new Map(paid.map((transfer) => [transfer.payoutKey, transfer]));
  const open = [];
  const settled = [];
  const held: NewReceipt[] = [];
  for (const debt of debts) {
    const payment = paidByKey.get(debt.key);
    if (payment === undefined) open.push(debt);
    else if (payment.receiver === debt.payee && payment.amount === toShares(debt.amount))
      settled.push({ payoutId: debt.id, by: payment.operation });
    else held.push(...(await hold(tx, debt, payment)));
  }
  await tx.payouts.confirm(settled);
  await tx.jobs.add(open.map((debt) => jobForPayout(debt.id, "owed", laneOf(debt.kind))));
  return held;
}

/** Payments of deposits at an exchange, which have no key in their memo: by the nonces that only they can have. */
async function paidDeposits(
  tx: LedgerTx,
  debts: readonly IdentifiedPayout[],
): Promise<readonly NewTransfer[]> {
  const keyOf = new Map(
    debts.flatMap(({ kind, key }) =>
      kind === "deposit" ? memoNonces(key).map((nonce) => [nonce, key] as const) : [],
    ),
  );
  const found = await tx.transfers.find({ direction: "out", nonces: [...keyOf.keys()] });
  return found.map((transfer) => ({ ...transfer, payoutKey: keyOf.get(transfer.memoNonce ?? "") }));
}

/** The chain shows a payment with this payout's key and another amount or payee. A person decides which is right. */
async function hold(
  tx: LedgerTx,
  debt: IdentifiedPayout,
  payment: NewTransfer,
): Promise<readonly NewReceipt[]> {
  const reason = `transfer ${operationId(payment.operation)} names this payout and paid ${payment.amount} shares to ${payment.receiver}`;
  if (!(await tx.payouts.move(debt.id, ["due"], "held", { reason }))) return [];
  const chainTimeMs = payment.blockTimeMs;
  const receipts = [{ event: "payout.held", subject: debt.key, chainTimeMs, details: { reason } }];
  await tx.receipts.add(receipts);
  return receipts;
}

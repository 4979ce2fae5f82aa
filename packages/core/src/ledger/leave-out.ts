import { AssertionError } from "@stakebts/kernel/assert";
import { operationId } from "@stakebts/kernel/operation-id";
import type { Log } from "@stakebts/kernel/log";
import { messageOf } from "../runtime/error-facts.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import type { Ledger, LedgerTx, NewReceipt, NewTransfer } from "./ledger.ts";
import { logReceipt } from "./log-receipt.ts";

/*
 * A transfer whose row the database refuses would stop the ledger for everybody, for ever. It is found and named, and the process
 * stops. An operator sets it aside (`stakebts transfers set-aside`): then its block is written without it, and the others go on.
 * When the cause is gone it is resumed, and its block is read again.
 */

/** Without those that an operator has set aside, for which a receipt is written. */
export async function withoutLeftOut(
  tx: LedgerTx,
  transfers: readonly NewTransfer[],
): Promise<readonly NewTransfer[]> {
  const setAside = await tx.setAside.open();
  if (setAside.size === 0) return transfers;
  const there = new Set<string>(
    (await tx.transfers.find({ operations: transfers.map(({ operation }) => operation) })).map(
      ({ operation }) => operationId(operation),
    ),
  );
  const isLeftOut = ({ operation }: NewTransfer): boolean =>
    setAside.has(operationId(operation)) && !there.has(operationId(operation));
  await tx.receipts.add(
    transfers
      .filter(isLeftOut)
      .map(({ operation, blockTimeMs, sender, receiver, amount, assetId }): NewReceipt => ({
        event: "transfer.left_out",
        subject: operationId(operation),
        chainTimeMs: blockTimeMs,
        details: {
          sender,
          receiver,
          amountShares: `${amount}`,
          assetId,
          reason: "an operator has set it aside: the database refuses its row",
        },
      })),
    { once: true },
  );
  return transfers.filter((transfer) => !isLeftOut(transfer));
}

class TriedOnly extends Error {}

/**
 * Which transfer of the block does the database refuse? It is named, in the ledger too, so that people are told.
 * @returns the error that stops the process: the cause itself, where no transfer is to blame
 */
export async function unwritable(
  { ledger, log }: { readonly ledger: Ledger; readonly log: Log },
  transfers: readonly NewTransfer[],
  cause: unknown,
): Promise<unknown> {
  const refused = await firstRefused(ledger, transfers);
  if (refused === undefined) return cause;
  const subject = operationId(refused.operation);
  const { sender, receiver } = refused;
  const reason = `transfer ${subject} from ${sender} to ${receiver} cannot be written, and what comes after it waits: ${messageOf(cause)}`;
  const todo = `report it; to let the others go on: stakebts transfers set-aside ${subject} --reason '…'`;
  const receipt: NewReceipt = { event: "event.unanswerable", subject, details: { reason, todo } };
  const isNew = await ledger.transaction((tx) => tx.receipts.add([receipt], { once: true }));
  if (isNew > 0) logReceipt(log, receipt);
  const error = new AssertionError(`${reason}; ${todo}`);
  error.cause = cause;
  return error;
}

/** By halves; nothing of it is kept. */
async function firstRefused(
  ledger: Ledger,
  transfers: readonly NewTransfer[],
): Promise<NewTransfer | undefined> {
  if (transfers.length === 0 || !(await isRefused(ledger, transfers))) return undefined;
  if (transfers.length === 1) return transfers[0];
  const half = Math.ceil(transfers.length / 2);
  return (
    (await firstRefused(ledger, transfers.slice(0, half))) ?? firstRefused(ledger, transfers.slice(half))
  );
}

async function isRefused(ledger: Ledger, transfers: readonly NewTransfer[]): Promise<boolean> {
  try {
    await ledger.transaction(async (tx) => {
      await tx.transfers.insert(await withoutLeftOut(tx, transfers));
      throw new TriedOnly();
    });
    return false;
  } catch (error) {
    if (error instanceof TriedOnly) return false;
    if (mayPass(error)) throw error;
    return true;
  }
}

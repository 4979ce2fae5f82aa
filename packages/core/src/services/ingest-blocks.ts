import { assert } from "../domain/assert.ts";
import { toShares } from "../domain/amount.ts";
import { parseMemo } from "../domain/memo.ts";
import { operationId, type OperationPosition } from "../domain/operation-id.ts";
import { afterAttempt, payoutKeyInMemo } from "../domain/payout.ts";
import { CORE_ASSET_ID } from "../domain/transfer.ts";
import type { Policy } from "../domain/policy.ts";
import { noticeOfFailure } from "../domain/decide.ts";
import { decideWithdrawal } from "../domain/withdrawal.ts";
import type { AccountId, ChainAccount, ChainBlock, ChainReader, ChainTransfer } from "../ports/chain.ts";
import type { Cursor, Ledger, LedgerTx, NewReceipt, NewTransfer, WithdrawalRecord } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";
import type { MemoContent, MemoReader } from "../ports/signer.ts";
import type { MemoRequest } from "../domain/request.ts";
import { identified } from "./ids.ts";
import { ringForPayout, ringForTransfer } from "./rings.ts";

export interface IngestDeps {
  readonly chain: ChainReader;
  readonly ledger: Ledger;
  readonly memos: MemoReader;
  readonly log: Log;
  readonly policy: Policy;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** Blocks whose incoming transfers are passed over, on the operator's order. */
  readonly skipBlocks: ReadonlySet<number>;
  /** Names of accounts, which never change; filled on the way. */
  readonly accounts: Map<string, ChainAccount>;
}

/** Blocks that are read and written together while catching up. Near the head it is one or two. */
export const BLOCKS_PER_STEP = 1_000;

/**
 * The newest block that is believed. Strictly below the irreversible one: nodes keep one block more than needed in their
 * undo history, so the last irreversible block itself could in principle still be replaced.
 */
export const lastFinalBlockNum = (irreversibleBlockNum: number): number =>
  Math.max(0, irreversibleBlockNum - 1);

export interface IngestResult {
  /** Number of the last block written; `undefined` when nothing was. */
  readonly ingestedTo: number | undefined;
  /** The newest final block that was known: equal when the ledger is up to date. */
  readonly finalBlockNum: number;
}

/**
 * Reads the next irreversible blocks and writes, in one transaction: their transfers, the cursor, what they confirm,
 * what they prove dead, and the rings for all of it. Read again after a crash, a block changes nothing.
 */
export async function ingestBlocks(deps: IngestDeps): Promise<IngestResult> {
  const { chain, ledger } = deps;
  const finalBlockNum = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
  const cursor = await ledger.cursor();
  assert(cursor !== undefined, "the cursor is set before the first block is ingested");
  if (cursor.blockNum >= finalBlockNum) return { ingestedTo: undefined, finalBlockNum };
  const from = cursor.blockNum + 1;
  const to = Math.min(finalBlockNum, cursor.blockNum + BLOCKS_PER_STEP);
  const blocks = await chain.blocks({ from, to, account: deps.custodian.id });
  const [first] = blocks;
  assert(
    first !== undefined && first.blockNum === from && blocks.length === to - from + 1,
    `asked for ${from}-${to}`,
  );
  if (first.previousId !== cursor.blockId) {
    await stopPayments(deps, {
      event: "chain.disagrees",
      subject: `${cursor.blockNum}`,
      details: { ledgerHas: cursor.blockId, nodeHas: first.previousId },
    });
    return { ingestedTo: undefined, finalBlockNum };
  }
  const transfers = await readTransfers(deps, blocks);
  const receipts = await ledger.transaction((tx) => writeBlocks(tx, deps, { cursor, blocks, transfers }));
  for (const receipt of receipts)
    deps.log.info(receipt.event, { subject: receipt.subject, ...receipt.details });
  return { ingestedTo: to, finalBlockNum };
}

/**
 * Reads blocks that the cursor has passed already, and writes those of their transfers that the ledger does not have.
 * Whatever it has stays as it is.
 */
export async function replayBlocks(deps: IngestDeps, range: { from: number; to: number }): Promise<number> {
  let found = 0;
  for (let from = range.from; from <= range.to; from += BLOCKS_PER_STEP) {
    const to = Math.min(range.to, from + BLOCKS_PER_STEP - 1);
    const blocks = await deps.chain.blocks({ from, to, account: deps.custodian.id });
    const transfers = await readTransfers(deps, blocks);
    found += await deps.ledger.transaction(async (tx) => (await writeTransfers(tx, deps, transfers)).length);
  }
  return found;
}

/** The kill switch, thrown by the ingester itself: the chain and the ledger tell different stories. */
async function stopPayments({ ledger, log }: IngestDeps, receipt: NewReceipt): Promise<void> {
  const reason = `${receipt.event} at ${receipt.subject}: compare the nodes with each other, then switch payments on again`;
  log.error(receipt.event, { ...receipt.details, subject: receipt.subject, todo: reason });
  const { on } = await ledger.payments();
  if (!on) return;
  await ledger.transaction(async (tx) => {
    await tx.setPayments({ on: false, reason });
    await tx.addReceipts([receipt]);
  });
}

interface Batch {
  readonly cursor: Cursor;
  readonly blocks: readonly ChainBlock[];
  readonly transfers: readonly NewTransfer[];
}

async function writeBlocks(tx: LedgerTx, deps: IngestDeps, batch: Batch): Promise<readonly NewReceipt[]> {
  const { cursor, blocks } = batch;
  const last = blocks.at(-1);
  assert(last !== undefined, "an empty batch");
  const moved = await tx.moveCursor(cursor.blockNum, {
    blockNum: last.blockNum,
    blockId: last.blockId,
    blockTimeMs: last.timeMs,
    scannedFromBlockNum: cursor.scannedFromBlockNum,
  });
  if (!moved) return []; // Another ingester was faster, and has written all of this.
  const written = await writeTransfers(tx, deps, batch.transfers);
  const receipts = [
    ...(await confirmPaid(tx, deps, batch.transfers)),
    ...(await expireDead(tx, deps, { ...cursor, blockTimeMs: last.timeMs })),
    ...written.filter((transfer) => transfer.direction === "out").map(receiptForOutgoing),
  ];
  await tx.addReceipts(receipts);
  return receipts;
}

async function writeTransfers(
  tx: LedgerTx,
  { custodian, skipBlocks }: IngestDeps,
  transfers: readonly NewTransfer[],
): Promise<readonly NewTransfer[]> {
  const kept = transfers.filter(
    (transfer) => transfer.direction === "out" || !skipBlocks.has(transfer.operation.blockNum),
  );
  const skipped = transfers.filter((transfer) => !kept.includes(transfer));
  const written = await tx.insertTransfers(kept);
  const incoming = written.filter((transfer) => transfer.direction === "in");
  await tx.ring(incoming.map((transfer) => ringForTransfer(transfer.operation)));
  await tx.addReceipts([
    ...skipped.map((transfer): NewReceipt => ({
      event: "transfer.skipped",
      subject: operationId(transfer.operation),
      chainTimeMs: transfer.blockTimeMs,
      details: {
        sender: transfer.sender,
        amountShares: `${transfer.amount}`,
        reason: "its block is on the skip list",
      },
    })),
    ...incoming.map((transfer): NewReceipt => ({
      event: "transfer.received",
      subject: operationId(transfer.operation),
      chainTimeMs: transfer.blockTimeMs,
      details: {
        sender: transfer.sender,
        receiver: custodian.name,
        amountShares: `${transfer.amount}`,
        assetId: transfer.assetId,
        memo: transfer.memoStatus,
        request: transfer.request?.type ?? null,
      },
    })),
  ]);
  return written;
}

const receiptForOutgoing = (transfer: NewTransfer): NewReceipt => ({
  event: "transfer.sent",
  subject: operationId(transfer.operation),
  chainTimeMs: transfer.blockTimeMs,
  details: {
    receiver: transfer.receiver,
    amountShares: `${transfer.amount}`,
    assetId: transfer.assetId,
    feeShares: `${transfer.fee}`,
    txid: transfer.txid ?? null,
    payout: transfer.payoutKey ?? null,
  },
});

/**
 * Outgoing transfers that settle payouts: by the id of a withdrawal that we signed, or, where the ledger has lost that
 * (a restored backup, a replay), by the payout key in the memo.
 */
async function confirmPaid(
  tx: LedgerTx,
  deps: IngestDeps,
  transfers: readonly NewTransfer[],
): Promise<readonly NewReceipt[]> {
  const outgoing = transfers.filter((transfer) => transfer.direction === "out");
  if (outgoing.length === 0) return [];
  const byTxid = new Map(
    (await tx.withdrawalsByTxid(outgoing.flatMap(({ txid }) => (txid === undefined ? [] : [txid])))).map(
      (w) => [w.txid, w],
    ),
  );
  const isOurs = ({ txid }: NewTransfer) => txid !== undefined && byTxid.has(txid);
  const keys = outgoing.flatMap((t) => (t.payoutKey === undefined || isOurs(t) ? [] : [t.payoutKey]));
  // A fold that is writing these very debts down does not see our transfers yet, nor do we see its payouts: wait for it.
  if (keys.length > 0) await tx.lockFold();
  const byKey = new Map((await tx.payoutsByKey(keys)).map((payout) => [payout.key, payout]));
  const found: { id: WithdrawalRecord["id"]; at: OperationPosition }[] = [];
  const confirmed = [];
  const receipts: NewReceipt[] = [];
  for (const transfer of outgoing) {
    const withdrawal = transfer.txid === undefined ? undefined : byTxid.get(transfer.txid);
    const payout = transfer.payoutKey === undefined ? undefined : byKey.get(transfer.payoutKey);
    const at = { blockNum: transfer.operation.blockNum, blockTimeMs: transfer.blockTimeMs };
    if (withdrawal !== undefined) {
      if (withdrawal.status === "expired") {
        receipts.push(
          await contradiction(tx, deps, transfer, `withdrawal ${withdrawal.id} was declared dead`),
        );
        continue;
      }
      decideWithdrawal(withdrawal, { type: "found_irreversible" });
      found.push({ id: withdrawal.id, at: transfer.operation });
      confirmed.push({ payoutId: withdrawal.payoutId, ...at });
      receipts.push(settlement(transfer, withdrawal.payoutId));
    } else if (payout !== undefined && payout.status !== "confirmed") {
      if (payout.payee !== transfer.receiver || toShares(payout.amount) !== transfer.amount) {
        receipts.push(
          await contradiction(tx, deps, transfer, `it names payout ${payout.key} and pays something else`),
        );
        continue;
      }
      if (payout.status === "cancelled") {
        receipts.push(await contradiction(tx, deps, transfer, `payout ${payout.key} was cancelled`));
        continue;
      }
      if (payout.status === "signed" || payout.status === "sent") {
        receipts.push(
          await contradiction(tx, deps, transfer, `payout ${payout.key} is being paid by another withdrawal`),
        );
        continue;
      }
      confirmed.push({ payoutId: payout.id, ...at });
      receipts.push(settlement(transfer, payout.id));
    }
  }
  await tx.confirmWithdrawals(found);
  await tx.confirmPayouts(confirmed);
  return receipts;
}

const settlement = (transfer: NewTransfer, payoutId: string): NewReceipt => ({
  event: "payout.confirmed",
  subject: transfer.payoutKey ?? payoutId,
  chainTimeMs: transfer.blockTimeMs,
  details: {
    payoutId,
    payee: transfer.receiver,
    amountShares: `${transfer.amount}`,
    txid: transfer.txid ?? null,
    operation: operationId(transfer.operation),
  },
});

/** Money has moved in a way that the ledger cannot explain. Nothing more is paid until a person has looked. */
async function contradiction(
  tx: LedgerTx,
  { log }: IngestDeps,
  transfer: NewTransfer,
  what: string,
): Promise<NewReceipt> {
  const reason = `transfer ${operationId(transfer.operation)} to ${transfer.receiver}: ${what}`;
  log.error("ledger.contradicted", { txid: transfer.txid, reason });
  await tx.setPayments({ on: false, reason });
  return {
    event: "ledger.contradicted",
    subject: operationId(transfer.operation),
    chainTimeMs: transfer.blockTimeMs,
    details: { reason, txid: transfer.txid ?? null },
  };
}

/** Withdrawals that no block can hold any more: their payouts are free for another attempt, or have had their last. */
async function expireDead(tx: LedgerTx, deps: IngestDeps, scanned: Cursor): Promise<readonly NewReceipt[]> {
  const receipts: NewReceipt[] = [];
  const overdue = await tx.liveWithdrawalsExpiringBefore(scanned.blockTimeMs);
  const payouts = new Map(
    (await tx.payouts(overdue.map((w) => w.payoutId))).map((payout) => [payout.id, payout]),
  );
  for (const withdrawal of overdue) {
    const verdict = decideWithdrawal(withdrawal, {
      type: "scanned",
      fromBlockNum: scanned.scannedFromBlockNum,
      blockTimeMs: scanned.blockTimeMs,
    });
    const payout = payouts.get(withdrawal.payoutId);
    assert(payout !== undefined, `withdrawal ${withdrawal.id} has no payout`);
    if (verdict !== "expired") {
      receipts.push({
        event: "withdrawal.unproved",
        subject: payout.key,
        chainTimeMs: scanned.blockTimeMs,
        details: {
          txid: withdrawal.txid,
          todo: `replay from block ${withdrawal.refBlockNum + 1}: the blocks between were never read, so it may have been paid there`,
        },
      });
      continue;
    }
    await tx.expireWithdrawal(withdrawal.id);
    const next = afterAttempt({
      type: "withdrawal_expired",
      attempts: payout.attempts,
      maxAttempts: deps.policy.maxAttempts,
    });
    const reason = `attempt ${payout.attempts} expired unpaid: ${payout.reason ?? "no block took it"}`;
    await tx.movePayout(payout.id, ["signed", "sent"], next, { reason });
    if (next === "ready") await tx.ring([ringForPayout(payout.id, `attempt-${payout.attempts + 1}`)]);
    else {
      const notice = noticeOfFailure(payout, deps.policy, scanned.blockTimeMs);
      if (notice !== undefined) {
        const debt = identified(notice);
        await tx.insertPayouts([debt]);
        await tx.ring([ringForPayout(debt.id, "owed")]);
      }
    }
    receipts.push({
      event: next === "ready" ? "withdrawal.expired" : "payout.failed",
      subject: payout.key,
      chainTimeMs: scanned.blockTimeMs,
      details: { txid: withdrawal.txid, attempts: payout.attempts, reason },
    });
  }
  return receipts;
}

/** The transfers of the blocks in the ledger's words: names instead of ids, memos read and understood. */
async function readTransfers(
  deps: IngestDeps,
  blocks: readonly ChainBlock[],
): Promise<readonly NewTransfer[]> {
  const relevant = blocks.flatMap((block) => block.transfers.map((transfer) => ({ block, transfer })));
  await learnAccounts(
    deps,
    relevant.flatMap(({ transfer }) => [transfer.fromId, transfer.toId]),
  );
  return relevant.map(({ block, transfer }) => toNewTransfer(deps, block, transfer));
}

async function learnAccounts({ accounts, chain }: IngestDeps, ids: readonly AccountId[]): Promise<void> {
  const unknown = [...new Set(ids)].filter((id) => !accounts.has(id));
  if (unknown.length === 0) return;
  const answers = await chain.accounts(unknown);
  for (const [index, id] of unknown.entries()) {
    const account = answers[index];
    assert(account !== undefined, `account ${id} took part in an irreversible transfer and does not exist`);
    accounts.set(id, account);
  }
}

function toNewTransfer(deps: IngestDeps, block: ChainBlock, transfer: ChainTransfer): NewTransfer {
  const sender = deps.accounts.get(transfer.fromId);
  const receiver = deps.accounts.get(transfer.toId);
  assert(sender !== undefined && receiver !== undefined, "names were learnt before");
  const isOutgoing = transfer.fromId === deps.custodian.id;
  const memo = deps.memos.read(transfer.memo);
  const text = memo.type === "text" || memo.type === "public" ? memo.text : undefined;
  return {
    operation: { blockNum: block.blockNum, trxInBlock: transfer.trxInBlock, opInTrx: transfer.opInTrx },
    blockTimeMs: block.timeMs,
    direction: isOutgoing ? "out" : "in",
    txid: transfer.txid,
    sender: sender.name,
    receiver: receiver.name,
    senderIsLifetimeMember: sender.lifetimeMember,
    amount: transfer.amount,
    assetId: transfer.assetId,
    fee: transfer.feeAmount,
    memoStatus: memo.type,
    memoText: text,
    request: isOutgoing ? undefined : requestIn(memo, block.blockNum, deps.policy),
    payoutKey:
      isOutgoing && transfer.assetId === CORE_ASSET_ID && text !== undefined
        ? payoutKeyInMemo(text)
        : undefined,
  };
}

function requestIn(memo: MemoContent, blockNum: number, policy: Policy): MemoRequest {
  switch (memo.type) {
    case "none":
      return { type: "invalid", reason: "no_memo" };
    case "unreadable":
      return { type: "invalid", reason: "unreadable" };
    case "public":
      return { type: "invalid", reason: "not_encrypted" };
    case "text":
      return parseMemo(memo.text, { blockNum, strictJsonUpToBlock: policy.strictJsonUpToBlock });
    default:
      throw new TypeError(`unknown memo content ${String(memo satisfies never)}`);
  }
}

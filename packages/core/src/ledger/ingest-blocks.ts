import { setImmediate } from "node:timers/promises";
import { shares } from "@stakebts/kernel/amount";
import { assert, AssertionError } from "@stakebts/kernel/assert";
import { ServiceError, StartupError } from "@stakebts/kernel/errors";
import { isRecoveryHoldPassed } from "../rules/recovery-hold.ts";
import type { ImportMark } from "../rules/import-mark.ts";
import { parseMemo } from "../rules/memo.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import { payoutKeyInMemo } from "../rules/payout.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import type { Policy } from "../rules/policy.ts";
import {
  type AccountId,
  type ChainAccount,
  type ChainBlock,
  ChainError,
  type ChainHead,
  type ChainReader,
  type ChainTransfer,
} from "@stakebts/bitshares/chain";
import type { Cursor, Ledger, LedgerTx, NewReceipt, NewTransfer, SeenMemoKey } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import type { UndeliveredBlockReader } from "@stakebts/bitshares/account-operations";
import type { MemoContent, MemoReader } from "@stakebts/bitshares/signing";
import { ADMIN_REQUESTS, type MemoRequest } from "../rules/request.ts";
import { logReceipt } from "./log-receipt.ts";
import { expireWithdrawals } from "./expire-withdrawals.ts";
import { jobForTransfer } from "./jobs.ts";
import { unwritable, withoutLeftOut } from "./leave-out.ts";
import { isForeign, type MemoKeyHistory, type MemoKeys, missingKey, seenAs } from "./memo-keys.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { readAllOrPass, readOrPass } from "./pass-blocks.ts";
import type { ReadAhead } from "./read-ahead.ts";
import { needCustodian } from "./bind-ledger.ts";
import { findForeignPayments } from "./find-foreign-payments.ts";
import { settleOutgoing } from "./settle-outgoing.ts";
import { type LedgerWatch, placeRecoveryHoldInDoubt } from "./recovery-hold.ts";

export interface IngestDeps {
  readonly chain: ChainReader & Partial<UndeliveredBlockReader>;
  /** Of the same chain, for blocks that touch the custodian. */
  readonly ahead: ReadAhead;
  readonly ledger: Ledger;
  readonly memos: MemoReader;
  readonly log: Log;
  readonly policy: Policy;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** Blocks whose incoming transfers are passed over, on the operator's order. */
  readonly skipBlocks: ReadonlySet<number>;
  /** Managers' requests are carried out however old their blocks are. */
  readonly adminReplay: boolean;
  /** Accounts by id; filled on the way. Names never change. Membership does, and is read anew where it matters. */
  readonly accounts: Map<string, ChainAccount>;
  readonly watch: LedgerWatch;
  readonly memoKeys: MemoKeys;
}

/** Transfers that are written together; a block has as many as strangers put into it, and is never divided. */
const TRANSFERS_PER_STEP = 5_000;
/** Receipts and jobs of a block that are one parameter of a statement. */
const ROWS_PER_STATEMENT = 5_000;
/** Between two turns of the event loop memos are opened for so long. */
const TURN_MS = 20;

/**
 * The newest block that is believed. Strictly below the irreversible one: nodes keep one block more than needed in their
 * undo history, so the last irreversible block itself could in principle still be replaced.
 */
export const lastFinalBlockNum = (irreversibleBlockNum: number): number =>
  Math.max(0, irreversibleBlockNum - 1);

/** A manager's request in a block that is older than the newest irreversible one by more than this is history. */
const ADMIN_REQUEST_AGE_BLOCKS_MAX = 100;

export interface IngestResult {
  /** Number of the last block written; `undefined` when nothing was. */
  readonly ingestedTo: number | undefined;
  /** The newest final block that was known: equal when the ledger is up to date. */
  readonly finalBlockNum: number;
}

/**
 * Reads the next irreversible blocks and writes, in one transaction: their transfers, the cursor, what they confirm,
 * what they prove dead, and the jobs that follow. Read again after a crash, a block changes nothing.
 * @param known what the nodes have said of their head a moment ago
 */
export async function ingestBlocks(deps: IngestDeps, known?: ChainHead): Promise<IngestResult> {
  const { chain, ledger } = deps;
  const head = known ?? (await chain.head());
  const finalBlockNum = lastFinalBlockNum(head.irreversibleBlockNum);
  const cursor = await ledger.cursor.read();
  assert(cursor !== undefined, "the cursor is set before the first block is ingested");
  const { account, recoveryHold } = await ledger.control.read();
  // Another database has taken the place of the one that was there at the start.
  needCustodian(account, deps.custodian);
  await placeRecoveryHoldInDoubt(deps, cursor, { head, finalBlockNum, ...recoveryHold });
  if (cursor.blockNum >= finalBlockNum) return { ingestedTo: undefined, finalBlockNum };
  const from = cursor.blockNum + 1;
  const asked = { from, to: Math.min(finalBlockNum, cursor.blockNum + (await deps.ahead.size(from))) };
  const blocks = await readNext(deps, asked);
  const to = from + blocks.length - 1;
  const [first] = blocks;
  assert(first !== undefined && first.blockNum === from && to <= asked.to, `asked for ${from}-${asked.to}`);
  const step = firstOf(blocks);
  if (step.length < blocks.length) deps.ahead.putBack(blocks.slice(step.length));
  else if (to < finalBlockNum) {
    const size = await deps.ahead.size(to + 1);
    deps.ahead.begin({ from: to + 1, to: Math.min(finalBlockNum, to + size) });
  }
  if (first.previousId !== cursor.blockId) {
    await stopPayments(deps, {
      event: "chain.disagrees",
      subject: `${cursor.blockNum}`,
      details: { ledgerHas: cursor.blockId, nodeHas: first.previousId },
    });
    return { ingestedTo: undefined, finalBlockNum };
  }
  return { ingestedTo: await writeStep(deps, { cursor, blocks: step, head }), finalBlockNum };
}

/** After a failure fewer are asked for: what is too much for a slow line or a node that limits requests is halved down to one block. */
async function readNext(
  deps: IngestDeps,
  asked: { readonly from: number; readonly to: number },
): Promise<readonly ChainBlock[]> {
  try {
    return await readOrPass(passDeps(deps), asked, (range) => deps.ahead.read(range));
  } catch (error) {
    deps.ahead.failed(asked.to - asked.from + 1);
    throw error;
  }
}

/** As many of the blocks as are written together: at least one, and not more transfers than {@link TRANSFERS_PER_STEP}. */
function firstOf(blocks: readonly ChainBlock[]): readonly ChainBlock[] {
  let transfers = 0;
  const end = blocks.findIndex((block, index) => {
    transfers += block.transfers.length;
    return index > 0 && transfers > TRANSFERS_PER_STEP;
  });
  return end === -1 ? blocks : blocks.slice(0, end);
}

function inSteps(blocks: readonly ChainBlock[]): readonly (readonly ChainBlock[])[] {
  const steps: (readonly ChainBlock[])[] = [];
  for (let rest = blocks; rest.length > 0;) {
    const step = firstOf(rest);
    steps.push(step);
    rest = rest.slice(step.length);
  }
  return steps;
}

/** @returns the number of the last block */
async function writeStep(
  deps: IngestDeps,
  { cursor, blocks, head }: Pick<Batch, "cursor" | "blocks"> & { readonly head: ChainHead },
): Promise<number> {
  const to = cursor.blockNum + blocks.length;
  try {
    const { transfers, missing } = await readTransfers(deps, blocks, head.irreversibleBlockNum);
    const receipts = await deps.ledger.transaction((tx) =>
      writeBlocks(tx, deps, { cursor, blocks, transfers, missing }),
    );
    deps.ahead.succeeded(blocks);
    if (receipts === undefined) return to;
    deps.watch.seenBlockNum = to;
    deps.memoKeys.told(receipts);
    for (const receipt of receipts) logReceipt(deps.log, receipt);
    return to;
  } catch (error) {
    deps.ahead.failed(blocks.length);
    if (mayPass(error) || error instanceof AssertionError || error instanceof StartupError) throw error;
    // The database refuses something in these blocks: those before it are written, and then it is named.
    const [block] = blocks;
    if (blocks.length === 1 && block !== undefined)
      throw await unwritable(
        deps,
        (await readTransfers(deps, [block], head.irreversibleBlockNum)).transfers,
        error,
      );
    const half = Math.ceil(blocks.length / 2);
    deps.ahead.putBack(blocks.slice(half));
    return writeStep(deps, { cursor, blocks: blocks.slice(0, half), head });
  }
}

/** What to know about a replay that is more than "read these again". */
export interface ReplayOptions {
  /** Of an import: what it knows about a transfer that it finds. */
  readonly mark?: (transfer: NewTransfer) => ImportMark | undefined;
  /** In the transaction of each batch, before anything is written; throws when it must not be. */
  readonly guard?: (tx: LedgerTx) => Promise<void>;
}

/** The transfer, with what an import knows about it. */
export function marked(transfer: NewTransfer, mark: ReplayOptions["mark"]): NewTransfer {
  const importMark = transfer.direction === "in" ? mark?.(transfer) : undefined;
  return importMark === undefined ? transfer : { ...transfer, importMark };
}

/**
 * Reads blocks that the cursor has passed already, and writes those of their transfers that the ledger does not have,
 * with what they settle. What it has stays as it is. Blocks that were once jumped over count as looked into then.
 */
export async function replayBlocks(
  deps: IngestDeps,
  range: { readonly from: number; readonly to: number },
  { mark, guard }: ReplayOptions = {},
): Promise<number> {
  let added = 0;
  for (let from = range.from, to = 0; from <= range.to; from = to + 1) {
    const asked = { from, to: Math.min(range.to, from + (await deps.ahead.size(from)) - 1) };
    const blocks = await readOrPass(passDeps(deps), asked, (some) => deps.ahead.read(some));
    to = from + blocks.length - 1;
    for (const part of inSteps(blocks)) {
      const { transfers: read, missing } = await readFinal(deps, part);
      const alarms = deps.memoKeys.alarms(missing, WAITING);
      const transfers = read.map((transfer) => marked(transfer, mark));
      added += await deps.ledger.transaction(async (tx) => {
        await guard?.(tx);
        needPassed(await tx.cursor.read(), to);
        await tx.memoKeys.add(memoKeysIn(deps, part));
        const written = await writeTransfers(tx, deps, await withoutLeftOut(tx, transfers));
        await tx.receipts.add((await settleOutgoing(tx, written)).receipts);
        await tx.receipts.add(await findForeignPayments(tx, part));
        await tx.receipts.add(alarms);
        return written.length;
      });
      deps.memoKeys.told(alarms);
    }
  }
  await deps.ledger.transaction((tx) => tx.cursor.extendScan(range));
  return added;
}

/**
 * What the cursor has not passed is ingested, not replayed: written down here as well, each payment in it would look like
 * a second one when its block comes.
 */
export function needPassed(cursor: Cursor | undefined, blockNum: number): Cursor {
  if (cursor === undefined || cursor.blockNum < blockNum)
    // Nothing is broken: the next try begins where the other ledger stands.
    throw new ServiceError(
      `the ledger stands at block ${cursor?.blockNum ?? 0} and had passed block ${blockNum} a moment ago: an older copy took its place; begin again`,
    );
  return cursor;
}

/** The transfers of these blocks, read and understood; nothing is written. At most {@link BLOCKS_PER_STEP} (read-ahead.ts) blocks. */
export async function findTransfers(
  deps: IngestDeps,
  range: { readonly from: number; readonly to: number },
): Promise<readonly NewTransfer[]> {
  return (await readFinal(deps, await readBlocks(deps, range))).transfers;
}

/** Blocks at once, when single ones are read. */
const AT_ONCE = 16;

/** The transfers of these blocks, each of which the cursor has passed, with the keys that there are now. Nothing is written. */
export async function readAgain(
  deps: IngestDeps,
  blockNums: readonly number[],
): Promise<readonly NewTransfer[]> {
  const blocks: ChainBlock[] = [];
  for (let i = 0; i < blockNums.length; i += AT_ONCE) {
    const read = blockNums.slice(i, i + AT_ONCE).map((num) => readBlocks(deps, { from: num, to: num }));
    blocks.push(...(await Promise.all(read)).flat());
  }
  return (await readFinal(deps, blocks)).transfers;
}

export const readBlocks = (
  deps: IngestDeps,
  range: { readonly from: number; readonly to: number },
): Promise<readonly ChainBlock[]> => readAllOrPass(passDeps(deps), range);

async function readFinal(deps: IngestDeps, blocks: readonly ChainBlock[]): Promise<ReadTransfers> {
  const { irreversibleBlockNum } = await deps.chain.head();
  return readTransfers(deps, blocks, irreversibleBlockNum);
}

const passDeps = ({ chain, ledger, custodian }: IngestDeps) => ({
  chain,
  passedBlocks: ledger.passedBlocks,
  account: custodian.id,
});

/** A freeze of payments by the ingester itself, said once until a person ends it: the chain and the ledger tell different stories. */
async function stopPayments({ ledger, log }: IngestDeps, receipt: NewReceipt): Promise<void> {
  const reason = `${receipt.event} at ${receipt.subject}: compare the nodes with each other, then switch payments on again`;
  log.error(receipt.event, { ...receipt.details, subject: receipt.subject, todo: reason });
  await ledger.transaction(async (tx) => {
    const level = "pay-nothing";
    if (await tx.control.addFreeze({ source: "process", process: "ingester", level, reason }))
      await tx.receipts.add([receipt]);
  });
}

interface Batch {
  readonly cursor: Cursor;
  readonly blocks: readonly ChainBlock[];
  readonly transfers: readonly NewTransfer[];
  /** Memo keys of the custodian that are not configured, and that some of them are for. */
  readonly missing: ReadonlySet<string>;
}

/** `undefined`: another ingester was faster, and has written all of this. */
async function writeBlocks(
  tx: LedgerTx,
  deps: IngestDeps,
  batch: Batch,
): Promise<readonly NewReceipt[] | undefined> {
  const { cursor, blocks } = batch;
  const last = blocks.at(-1);
  assert(last !== undefined, "an empty batch");
  const moved = await tx.cursor.move(cursor.blockNum, {
    blockNum: last.blockNum,
    blockId: last.blockId,
    blockTimeMs: last.timeMs,
  });
  if (!moved) return undefined;
  const scanned = { ...cursor, blockTimeMs: last.timeMs };
  await tx.memoKeys.add(memoKeysIn(deps, blocks));
  const transfers = await withoutLeftOut(tx, batch.transfers);
  const written = await writeTransfers(tx, deps, transfers);
  const settled = await settleOutgoing(tx, transfers);
  const receipts = [
    ...settled.receipts,
    ...(await findForeignPayments(tx, blocks)),
    ...(await expireWithdrawals(tx, deps.policy, scanned)),
    ...(await liftRecoveryHold(tx, scanned)),
    ...written.filter((transfer) => transfer.direction === "out").map(receiptForOutgoing),
    ...deps.memoKeys.alarms(batch.missing, WAITING),
  ];
  await tx.receipts.add(receipts);
  return [...settled.confirmed, ...receipts];
}

/** What a memo key is missing for. */
const WAITING = "transfers for it are recorded and not answered";

const memoKeysOf = (blocks: readonly ChainBlock[]): readonly SeenMemoKey[] =>
  blocks.flatMap(({ blockNum, memoKeys = [] }) =>
    memoKeys.map((publicKey): SeenMemoKey => ({ publicKey, sinceBlockNum: blockNum })),
  );

/** What the account gave itself in these blocks, and what it has now. */
const memoKeysIn = ({ memoKeys }: IngestDeps, blocks: readonly ChainBlock[]): readonly SeenMemoKey[] => [
  ...memoKeysOf(blocks),
  ...memoKeys.unrecorded,
];

/** After the blocks were settled: what a forgotten payment has paid is written down before anything is signed. */
async function liftRecoveryHold(tx: LedgerTx, scanned: Cursor): Promise<readonly NewReceipt[]> {
  const recoveryHold = (await tx.control.read()).recoveryHold.raised;
  if (
    recoveryHold === undefined ||
    !isRecoveryHoldPassed(recoveryHold, scanned) ||
    !(await tx.control.liftRecoveryHold(recoveryHold))
  )
    return [];
  return [
    {
      event: "recovery_hold.lifted",
      subject: `${recoveryHold.fromBlockNum}`,
      chainTimeMs: scanned.blockTimeMs,
      details: { reason: recoveryHold.reason },
    },
  ];
}

export async function writeTransfers(
  tx: LedgerTx,
  deps: IngestDeps,
  transfers: readonly NewTransfer[],
): Promise<readonly NewTransfer[]> {
  const written: NewTransfer[] = [];
  for (let start = 0; start < transfers.length; start += ROWS_PER_STATEMENT)
    written.push(...(await writeSome(tx, deps, transfers.slice(start, start + ROWS_PER_STATEMENT))));
  return written;
}

async function writeSome(
  tx: LedgerTx,
  { custodian, skipBlocks }: IngestDeps,
  transfers: readonly NewTransfer[],
): Promise<readonly NewTransfer[]> {
  const isSkipped = (transfer: NewTransfer) =>
    transfer.direction === "in" && skipBlocks.has(transfer.operation.blockNum);
  const skipped = transfers.filter(isSkipped);
  const written = await tx.transfers.insert(transfers.filter((transfer) => !isSkipped(transfer)));
  const incoming = written.filter((transfer) => transfer.direction === "in");
  // The scheduler that takes up this one job answers all transfers.
  await tx.jobs.add(incoming.slice(-1).map((transfer) => jobForTransfer(transfer.operation)));
  await tx.receipts.add([
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

export const receiptForOutgoing = (transfer: NewTransfer): NewReceipt => ({
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

export type ReadTransfers = Pick<Batch, "transfers" | "missing">;

/** The transfers of the blocks in the ledger's words: names instead of ids, memos read and understood. */
export async function readTransfers(
  deps: IngestDeps,
  blocks: readonly ChainBlock[],
  irreversibleBlockNum: number,
): Promise<ReadTransfers> {
  const relevant = blocks.flatMap((block) => block.transfers.map((transfer) => ({ block, transfer })));
  const { accounts } = deps;
  const ids = relevant.flatMap(({ transfer }) => [transfer.fromId, transfer.toId]);
  await learnAccounts(
    deps,
    ids.filter((id) => !accounts.has(id)),
  );
  const opened: Opened[] = [];
  let turnMs = performance.now();
  for (const { block, transfer } of relevant) {
    if (performance.now() - turnMs > TURN_MS) {
      await setImmediate();
      turnMs = performance.now();
    }
    opened.push({ block, transfer, memo: deps.memos.read(transfer.memo), missing: undefined });
  }
  const missing = await withMissingKeys(deps, blocks, opened);
  const read = opened.map((one, index) =>
    toNewTransfer(deps, { ...one, missing: missing[index] }, irreversibleBlockNum),
  );
  const keys = new Set(missing.filter((key) => key !== undefined));
  // Only a lifetime member may act as a manager, so the membership of the moment is read.
  const askers = read.flatMap((transfer) =>
    isAdminRequest(transfer.request) && transfer.senderId !== undefined ? [transfer.senderId] : [],
  );
  if (askers.length === 0) return { transfers: read, missing: keys };
  await learnAccounts(deps, askers);
  const transfers = read.map((transfer) =>
    isAdminRequest(transfer.request) && transfer.senderId !== undefined
      ? { ...transfer, senderIsLifetimeMember: deps.accounts.get(transfer.senderId)?.lifetimeMember === true }
      : transfer,
  );
  return { transfers, missing: keys };
}

/** A transfer whose memo was tried with every key there is. */
interface Opened {
  readonly block: ChainBlock;
  readonly transfer: ChainTransfer;
  readonly memo: MemoContent;
  /** The memo key of the custodian that may open it and is not configured. */
  readonly missing: string | undefined;
}

/** For each of them the key that is missing. Asks for nothing unless there is a memo that was for none of ours. */
async function withMissingKeys(
  { memoKeys, custodian }: IngestDeps,
  blocks: readonly ChainBlock[],
  opened: readonly Opened[],
): Promise<readonly (string | undefined)[]> {
  const dependsOnMemo = ({ transfer: { permissionId, assetId } }: Opened) =>
    permissionId === undefined && assetId === CORE_ASSET_ID;
  if (!opened.some((one) => isForeign(one.memo) && dependsOnMemo(one))) return opened.map(() => undefined);
  const { current, seen } = await memoKeys.history();
  const history: MemoKeyHistory = { current, seen: [...seen, ...memoKeysOf(blocks)] };
  return opened.map((one) =>
    dependsOnMemo(one)
      ? missingKey(one.transfer.memo, one.memo, {
          side: one.transfer.fromId === custodian.id ? "from" : "to",
          blockNum: one.block.blockNum,
          configured: memoKeys.configured,
          history,
        })
      : undefined,
  );
}

const isAdminRequest = (request: MemoRequest | undefined): boolean =>
  request !== undefined &&
  (request.type === "freeze" || (ADMIN_REQUESTS as readonly string[]).includes(request.type));

async function learnAccounts({ accounts, chain }: IngestDeps, ids: readonly AccountId[]): Promise<void> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const answers = await chain.accounts(wanted);
  for (const [index, id] of wanted.entries()) {
    const account = answers[index];
    // It took part in an irreversible transfer. A node that lags, or was asked while it started, does not have it yet.
    if (account === undefined)
      throw new ChainError(
        "inconsistent_chain",
        `no node knows account ${id}, which is in an irreversible transfer`,
      );
    accounts.set(id, account);
  }
}

function toNewTransfer(
  deps: IngestDeps,
  { block, transfer, memo, missing }: Opened,
  irreversibleBlockNum: number,
): NewTransfer {
  const sender = deps.accounts.get(transfer.fromId);
  const receiver = deps.accounts.get(transfer.toId);
  assert(sender !== undefined && receiver !== undefined, "names were learnt before");
  const isOutgoing = transfer.fromId === deps.custodian.id;
  const isDrawn = transfer.permissionId !== undefined;
  const text = memo.type === "text" || memo.type === "public" ? memo.text : undefined;
  return {
    operation: { blockNum: block.blockNum, trxInBlock: transfer.trxInBlock, opInTrx: transfer.opInTrx },
    blockTimeMs: block.timeMs,
    direction: isOutgoing ? "out" : "in",
    txid: transfer.txid,
    sender: sender.name,
    receiver: receiver.name,
    senderId: transfer.fromId,
    senderIsLifetimeMember: sender.lifetimeMember,
    amount: transfer.amount,
    assetId: transfer.assetId,
    fee: isOutgoing && isDrawn ? shares(0n) : transfer.feeAmount, // who draws pays it
    memoStatus: memo.type,
    memoText: text,
    ...(missing === undefined ? {} : { isUnread: true }),
    request: isOutgoing
      ? undefined
      : missing === undefined
        ? requestOf(transfer, memo, block.blockNum, deps.policy)
        : { type: "unread", publicKey: missing },
    // What others draw from the custodian they wrote the memo of: it says nothing of payouts.
    payoutKey:
      isOutgoing && !isDrawn && transfer.assetId === CORE_ASSET_ID && text !== undefined
        ? payoutKeyInMemo(text)
        : undefined,
    memoNonce: isOutgoing && !isDrawn ? transfer.memo?.nonce : undefined,
    isReplayed: !deps.adminReplay && irreversibleBlockNum - block.blockNum > ADMIN_REQUEST_AGE_BLOCKS_MAX,
  };
}

/** What a transfer to the custodian asks for. */
export const requestOf = (
  { permissionId }: Pick<ChainTransfer, "permissionId">,
  memo: MemoContent,
  blockNum: number,
  policy: Pick<Policy, "strictJsonUpToBlock">,
): MemoRequest => (permissionId === undefined ? requestIn(memo, blockNum, policy) : { type: "drawn" });

/** The same, by who may not have every memo key: what a key that is missing, or lost, may open is `unread`. Throws ChainError. */
export async function requestWithKeys(
  { memoKeys, memos, policy }: Pick<IngestDeps, "memoKeys" | "memos" | "policy">,
  transfer: ChainTransfer,
  blockNum: number,
): Promise<MemoRequest> {
  const memo = memos.read(transfer.memo);
  if (transfer.permissionId === undefined && isForeign(memo)) {
    const { configured } = memoKeys;
    const history = await memoKeys.history();
    const publicKey = missingKey(transfer.memo, memo, { side: "to", blockNum, configured, history });
    if (publicKey !== undefined) return { type: "unread", publicKey };
    const seen = transfer.memo && seenAs(transfer.memo, { side: "to", blockNum, seen: history.seen });
    if (seen?.isLost === true) return { type: "unread", publicKey: seen.publicKey, isLost: true };
  }
  return requestOf(transfer, memo, blockNum, policy);
}

function requestIn(
  memo: MemoContent,
  blockNum: number,
  policy: Pick<Policy, "strictJsonUpToBlock">,
): MemoRequest {
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

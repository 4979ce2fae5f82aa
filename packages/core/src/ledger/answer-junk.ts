import { assert } from "@stakebts/kernel/assert";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { type Decision, decideTransfer, recorded, type Roles } from "../rules/decide.ts";
import type { Policy } from "../rules/policy.ts";
import { TOP_UP_MEMO_PREFIX, topUpCompletedBy } from "../rules/top-up.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import { createPayouts } from "./create-payouts.ts";
import type { LedgerTx, NewReceipt, NewTransfer, TopUpRecord } from "./ledger.ts";
import { EXPECTED_MAX, UNARRIVED } from "./unarrived.ts";

export interface JunkDeps {
  readonly roles: Roles;
  readonly policyFor: (operation: OperationPosition) => Policy;
  readonly processedElsewhereUpToBlockNum: number;
  readonly accepting: boolean;
  /** Transfers that are answered together at most. */
  readonly limit: number;
  /** Told what is answered together, before anything is written. */
  readonly takes: (transfers: readonly NewTransfer[]) => void;
}

type Answer = readonly [NewTransfer, Decision];

/**
 * Answers together what stands first and concerns only its sender: transfers that are given back, or kept. A hundred
 * thousand of them cost a stranger little, and one by one each takes as long as an agreement. The order decides nothing here: none
 * opens or ends an agreement, moves a row, brings funds that were asked for, or is of the people who run the programme. At the
 * first that may, this ends.
 * @param first the oldest that can be answered
 * @returns `undefined`: that one has to be answered by itself
 */
export async function answerJunk(
  tx: LedgerTx,
  first: NewTransfer,
  deps: JunkDeps,
): Promise<{ readonly count: number; readonly receipts: readonly NewReceipt[] } | undefined> {
  if (deps.limit <= 1 || answerAlone(first, deps) === undefined) return undefined;
  const answers = await junkIn(tx, await tx.transfers.undecided(deps.accepting, deps.limit), deps);
  if (answers.length === 0) return undefined;
  deps.takes(answers.map(([transfer]) => transfer));
  const held = await createPayouts(
    tx,
    answers.flatMap(([, { payouts }]) => payouts),
  );
  const decided = await tx.transfers.decideAll(
    answers.map(([{ operation }, { outcome, reason }]) => ({ operation, outcome, reason })),
  );
  assert(
    decided === answers.length,
    `${answers.length} transfers were answered and ${decided} decided, although this transaction holds the lock`,
  );
  const receipts = answers.map(([transfer, decision]) => receiptOfAnswer(transfer, decision));
  await tx.receipts.add(receipts);
  return { count: answers.length, receipts: [...receipts, ...held] };
}

/** The answers up to the first transfer that needs more than itself to be answered. */
async function junkIn(
  tx: LedgerTx,
  transfers: readonly NewTransfer[],
  deps: JunkDeps,
): Promise<readonly Answer[]> {
  const stopping = transfers.flatMap(({ request, sender }) => (request?.type === "stop" ? [sender] : []));
  const invested = new Set(stopping.length === 0 ? [] : await tx.rows.pendingAmong([...new Set(stopping)]));
  const completes = await topUpsAmong(tx, transfers, deps.roles);
  const answers: Answer[] = [];
  for (const transfer of transfers) {
    const answer = answerAlone(transfer, deps);
    const isStop = transfer.request?.type === "stop" && invested.has(transfer.sender);
    if (answer === undefined || isStop || completes(transfer)) break;
    answers.push([transfer, answer]);
  }
  return answers;
}

/** Its answer, if that follows from the transfer alone: for a stop, if there is nothing to stop. */
function answerAlone(
  transfer: NewTransfer,
  { roles, policyFor, processedElsewhereUpToBlockNum }: JunkDeps,
): Decision | undefined {
  const { request, importMark, operation } = transfer;
  if (request === undefined || importMark !== undefined) return undefined;
  if (operation.blockNum <= processedElsewhereUpToBlockNum)
    return processedElsewhere(processedElsewhereUpToBlockNum);
  const decision = decideTransfer({ ...transfer, request }, [], policyFor(operation), roles);
  return ["refunded", "kept", "foreign_asset"].includes(decision.outcome) ? decision : undefined;
}

/** Does a transfer bring funds that were asked for? Its memo and its id may say so, no matter which account sent it. */
async function topUpsAmong(
  tx: LedgerTx,
  transfers: readonly NewTransfer[],
  { treasuryAccounts }: Roles,
): Promise<(transfer: NewTransfer) => boolean> {
  const named = transfers.some(({ memoText }) => memoText?.startsWith(TOP_UP_MEMO_PREFIX) === true)
    ? await tx.topUps.find({ statuses: UNARRIVED, limit: EXPECTED_MAX })
    : [];
  const txids = transfers.flatMap(({ txid }) => (txid === undefined ? [] : [txid]));
  const byTxid = txids.length === 0 ? [] : await tx.topUps.find({ statuses: UNARRIVED, txids });
  const expected = new Map<string, TopUpRecord>([...named, ...byTxid].map((topUp) => [topUp.id, topUp]));
  return (transfer) =>
    transfer.assetId === CORE_ASSET_ID &&
    topUpCompletedBy(transfer, [...expected.values()], treasuryAccounts) !== undefined;
}

export const processedElsewhere = (upToBlockNum: number): Decision =>
  recorded("already_processed", `v2.4 answered every transfer up to block ${upToBlockNum}`);

export const receiptOfAnswer = (transfer: NewTransfer, decision: Decision): NewReceipt => ({
  event: `transfer.${decision.outcome}`,
  subject: operationId(transfer.operation),
  chainTimeMs: transfer.blockTimeMs,
  details: {
    sender: transfer.sender,
    amountShares: `${transfer.amount}`,
    assetId: transfer.assetId,
    reason: decision.reason,
    pays: decision.payouts.map((payout) => payout.key).join(" "),
  },
});

import { toShares } from "@stakebts/kernel/amount";
import { assert, AssertionError } from "@stakebts/kernel/assert";
import { StartupError } from "@stakebts/kernel/errors";
import { decideDueRow, decideTransfer, type Decision, recorded, type Roles } from "../rules/decide.ts";
import { type Freeze, whyAcceptsNothing } from "../rules/freeze.ts";
import { asImported } from "../rules/import-mark.ts";
import { TOP_UP_MEMO_PREFIX, topUpCompletedBy, type TopUpKey } from "../rules/top-up.ts";
import { compareOperations, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Policy } from "../rules/policy.ts";
import type { StakeRow } from "../rules/stake-row.ts";
import type { Agreement } from "../rules/terms.ts";
import type { Millis } from "@stakebts/kernel/time";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import type { ControlState, Ledger, LedgerTx, NewReceipt, NewTransfer, TopUpRecord } from "./ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import { messageOf } from "../runtime/error-facts.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { answerJunk, type JunkDeps, processedElsewhere, receiptOfAnswer } from "./answer-junk.ts";
import { EXPECTED_MAX, UNARRIVED } from "./unarrived.ts";
import { topUpId } from "./ids.ts";
import { logReceipt } from "./log-receipt.ts";
import { createPayouts } from "./create-payouts.ts";

export interface ApplyDeps {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly policy: Policy;
  readonly roles: Roles;
  /**
   * The agreement that this transfer has opened in another ledger, of which this one is a recomputation: it keeps the
   * terms it was opened under, not those of today's policy.
   */
  readonly openedBefore?: (transfer: OperationPosition) => Agreement | undefined;
  /** What is frozen in the environment or the file of this process, now. */
  readonly frozenHere?: () => readonly Freeze[];
}

/** How much a transaction takes on. */
interface Portion {
  /** Steps that share it: enough to make its cost small, few enough that others do not wait long. */
  readonly steps: number;
  /** Rows that fall due in one step; a block rarely brings more. */
  readonly rows: number;
  /** Transfers that only concern their senders and are answered in one step. */
  readonly junk: number;
}
const WHOLE: Portion = { steps: 50, rows: 500, junk: 500 };
/** When it takes too long: smaller ones, each if the one before did not end. */
const SMALLER: readonly Portion[] = [
  { steps: 1, rows: 25, junk: 25 },
  { steps: 1, rows: 1, junk: 1 },
];
/** Rows and transfers that are written by one statement weigh less than steps of their own. */
const OF_A_STEP = 20;

/**
 * Brings the ledger up to the cursor: decides transfers in the order of the chain, and lets rows fall due.
 *
 * The order decides: a row that was due before a stop is paid, and one that was due after it is aborted. That holds after
 * any absence, for any order of jobs and any number of schedulers, because the ledger is a function of the chain. What the order does
 * not decide does not wait for it: a row falls due although other people's transfers are undecided, so that a flood of them
 * delays no reward.
 *
 * Safe to call at any time, any number of times, by any number of processes. Returns how many steps it took.
 */
export async function applyEvents(deps: ApplyDeps, signal?: AbortSignal): Promise<number> {
  let portion = WHOLE;
  for (let total = 0; ;) {
    if (signal?.aborted === true) return total;
    if (!(await deps.ledger.hasWork(isAccepting(deps, await deps.ledger.control.read())))) return total;
    const applied = await applyWhatCan(deps, portion);
    for (const receipt of applied.receipts) logReceipt(deps.log, receipt);
    total += applied.steps;
    if (applied.isAll) return total;
    portion = applied.portion;
  }
}

/** How far a transaction has come: kept outside of it, for when it fails. */
interface Progress {
  steps: number;
  /** What the step is about that is being taken. */
  current: readonly (StakeRow | NewTransfer)[];
}

interface Applied {
  readonly steps: number;
  readonly receipts: readonly NewReceipt[];
  /** Nothing is left to do. */
  readonly isAll: boolean;
}

/**
 * Many steps in one transaction, or as many as can be answered before one that cannot: the transaction is taken again in smaller
 * portions, so that all before that one is committed, and that one is alone in the end. Then it is named, and the process stops: an
 * operator may set it aside (`stakebts transfers set-aside`). What may pass by itself is tried in smaller portions too, because it
 * may have been too much for the time that a transaction has.
 * @returns with the portion that is to be taken next
 */
async function applyWhatCan(
  deps: ApplyDeps,
  from: Portion,
): Promise<Applied & { readonly portion: Portion }> {
  let [portion, next] = [from, from];
  for (;;) {
    const progress: Progress = { steps: 0, current: [] };
    try {
      return {
        ...(await deps.ledger.transaction((tx) => applySome(tx, deps, portion, progress))),
        portion: next,
      };
    } catch (error) {
      if (error instanceof StartupError) throw error;
      const isPassing = mayPass(error);
      const smaller = isPassing
        ? SMALLER.find(({ steps, rows }) => steps < portion.steps || rows < portion.rows)
        : smallerPortion(portion, progress);
      if (smaller === undefined)
        throw isPassing ? error : await unanswerable(deps, progress.current[0], error);
      portion = smaller;
      if (isPassing) next = smaller;
    }
  }
}

/** `undefined`: it was one transfer or one row already. */
function smallerPortion({ steps, rows, junk }: Portion, done: Progress): Portion | undefined {
  if (done.steps > 0 && done.steps < steps) return { steps: done.steps, rows, junk };
  if (steps > 1) return { steps: 1, rows, junk };
  const half = Math.ceil(done.current.length / 2);
  return done.current.length > 1 ? { steps, rows: half, junk: half } : undefined;
}

/** Says which one it is, in the ledger too, so that people are told. Returns the error that stops the process. */
async function unanswerable(
  { ledger, log }: ApplyDeps,
  event: StakeRow | NewTransfer | undefined,
  cause: unknown,
): Promise<Error> {
  const message = messageOf(cause);
  if (event === undefined) return new AssertionError(`events cannot be applied: ${message}`);
  const [subject, what] =
    "operation" in event
      ? [operationId(event.operation), `transfer ${operationId(event.operation)} of ${event.sender}`]
      : [event.id, `the ${event.type} of ${event.nominator} that is due (row ${event.id})`];
  const reason = `${what} cannot be answered, and what comes after it waits: ${message}`;
  const todo = `report it; to let the others go on: stakebts transfers set-aside ${subject} --reason '…'`;
  const receipt: NewReceipt = { event: "event.unanswerable", subject, details: { reason, todo } };
  const isNew = await ledger.transaction((tx) => tx.receipts.add([receipt], { once: true }));
  if (isNew > 0) logReceipt(log, receipt);
  const error = new AssertionError(`${reason}; ${todo}`);
  error.cause = cause;
  return error;
}

/**
 * While nominations are frozen, what asks for an agreement stays undecided, and the rest goes on; so it is with what is set aside.
 * It comes to the same ledger as if everything had been answered in turn: see {@link TransfersTx.oldestUndecided} and ADR 0019.
 */
const isAccepting = ({ frozenHere }: ApplyDeps, { freezes }: ControlState): boolean =>
  whyAcceptsNothing([...freezes, ...(frozenHere?.() ?? [])]) === undefined;

interface Step {
  readonly receipts: readonly NewReceipt[];
  /** In steps: what is written by one statement counts less. */
  readonly weight: number;
}

async function applySome(
  tx: LedgerTx,
  deps: ApplyDeps,
  portion: Portion,
  progress: Progress,
): Promise<Applied> {
  // The transaction may be taken again as it is, after another one wrote the same rows.
  Object.assign(progress, { steps: 0, current: [] });
  await tx.lockEvents();
  const control = await tx.control.read();
  const { processedElsewhereUpToBlockNum } = control;
  const accepting = isAccepting(deps, control);
  const receipts: NewReceipt[] = [];
  for (let weight = 0; weight < portion.steps; progress.steps++) {
    progress.current = [];
    const step = await applyNext(tx, deps, {
      processedElsewhereUpToBlockNum,
      accepting,
      rowsMax: portion.rows,
      limit: portion.junk,
      takes: (events) => (progress.current = events),
    });
    if (step === undefined) return { steps: progress.steps, receipts, isAll: true };
    receipts.push(...step.receipts);
    weight += step.weight;
  }
  return { steps: progress.steps, receipts, isAll: false };
}

/** One step: rows that are due, or one transfer, or many that only concern their senders. `undefined` when the ledger is up to date. */
async function applyNext(
  tx: LedgerTx,
  deps: ApplyDeps,
  {
    processedElsewhereUpToBlockNum,
    accepting,
    rowsMax,
    limit,
    takes,
  }: Pick<JunkDeps, "processedElsewhereUpToBlockNum" | "accepting" | "limit"> & {
    readonly rowsMax: number;
    /** Told what the step is about. */
    readonly takes: (events: Progress["current"]) => void;
  },
): Promise<Step | undefined> {
  // The cursor first: a block that is committed between these two reads can only bring later transfers.
  const cursor = await tx.cursor.read();
  if (cursor === undefined) return undefined;
  const transfer = await tx.transfers.oldestUndecided(accepting);
  // Rows of which a stop is undecided that was made before they fell due are not among them; no other transfer concerns them.
  const due = await tx.rows.find({ dueUpToMs: cursor.blockTimeMs, limit: rowsMax });
  takes(due.length > 0 || transfer === undefined ? due : [transfer]);
  if (due.length > 0)
    return { receipts: await settleDueRows(tx, due), weight: Math.ceil(due.length / OF_A_STEP) };
  if (transfer === undefined) return undefined;
  const junk = await answerJunk(tx, transfer, {
    roles: deps.roles,
    policyFor: (operation) => policyFor(operation, deps),
    processedElsewhereUpToBlockNum,
    accepting,
    limit,
    takes,
  });
  if (junk !== undefined) return { receipts: junk.receipts, weight: Math.ceil(junk.count / OF_A_STEP) };
  return {
    receipts: await answerTransfer(tx, transfer, deps, processedElsewhereUpToBlockNum),
    weight: 1,
  };
}

async function settleDueRows(tx: LedgerTx, rows: readonly StakeRow[]): Promise<readonly NewReceipt[]> {
  const decided = rows.map(decideDueRow);
  const moved = await tx.rows.move(decided.map((d) => d.move));
  assert(
    moved === rows.length,
    `${rows.length} rows fell due and ${moved} moved, although this transaction holds the lock`,
  );
  const held = await createPayouts(
    tx,
    decided.flatMap((d) => (d.payout === undefined ? [] : [d.payout])),
  );
  const receipts = decided.map(({ move, payout }): NewReceipt => ({
    event: payout === undefined ? "row.waived" : "row.due",
    subject: move.row.id,
    chainTimeMs: move.row.dueMs,
    details: { nominator: move.row.nominator, amount: `${move.row.amount}`, payout: payout?.key ?? null },
  }));
  await tx.receipts.add(receipts);
  return [...receipts, ...held];
}

/** By the rules, unless an import shows that an earlier installation has answered the transfer. ADR 0011. */
async function decide(
  tx: LedgerTx,
  transfer: NewTransfer,
  deps: ApplyDeps,
  {
    processedElsewhereUpToBlockNum,
    completes,
  }: { readonly processedElsewhereUpToBlockNum: number; readonly completes: TopUpKey | undefined },
): Promise<Decision> {
  const { request, importMark, operation } = transfer;
  assert(request !== undefined, `transfer ${operationId(operation)} has no request`);
  if (importMark === undefined && operation.blockNum <= processedElsewhereUpToBlockNum)
    return processedElsewhere(processedElsewhereUpToBlockNum);
  // What was opened later does not end with it: a stop may be found late, in a block that was once passed over. Imported
  // agreements may have no place in the chain, but they have a start.
  const pending =
    request.type === "stop"
      ? (await tx.rows.find({ pendingOf: transfer.sender })).filter(
          (row) => compareOperations(row.agreement, operation) < 0 && row.startMs <= transfer.blockTimeMs,
        )
      : [];
  const decision = decideTransfer(
    { ...transfer, request },
    pending,
    policyFor(operation, deps),
    deps.roles,
    completes,
  );
  const duplicate =
    decision.agreement === undefined
      ? undefined
      : await tx.agreements.importedDuplicate(decision.agreement.agreement);
  // The reason ends with the duplicate's name, by which importedDuplicate knows that it was found.
  if (duplicate !== undefined)
    return recorded("already_processed", `${decision.reason}: this is the imported agreement ${duplicate}`);
  return importMark === undefined ? decision : asImported(decision, importMark);
}

function policyFor(operation: OperationPosition, { policy, openedBefore }: ApplyDeps): Policy {
  const opened = openedBefore?.(operation);
  return opened === undefined
    ? policy
    : { ...policy, terms: opened.terms, acceptedAmounts: [...policy.acceptedAmounts, opened.amount] };
}

async function answerTransfer(
  tx: LedgerTx,
  transfer: NewTransfer,
  deps: ApplyDeps,
  processedElsewhereUpToBlockNum: number,
): Promise<readonly NewReceipt[]> {
  const completed = await topUpOf(tx, transfer, deps.roles);
  const decision = await decide(tx, transfer, deps, {
    processedElsewhereUpToBlockNum,
    completes: completed?.key,
  });
  const held = [
    ...(await apply(tx, decision, transfer.blockTimeMs)),
    ...(completed === undefined || decision.outcome === "already_processed"
      ? []
      : [await arrive(tx, completed, transfer)]),
    ...(await freeze(tx, transfer, decision)),
  ];
  if (decision.outcome === "treasury_deposit" || decision.outcome === "loan") await tx.payouts.fundsCame();
  const moved = await tx.transfers.decide(transfer.operation, decision.outcome, decision.reason);
  assert(
    moved,
    `transfer ${operationId(transfer.operation)} was decided twice, although this transaction holds the lock`,
  );
  const receipt = receiptOfAnswer(transfer, decision);
  await tx.receipts.add([receipt]);
  return [receipt, ...held];
}

/** The request for funds that this transfer completes, if there is one. */
async function topUpOf(
  tx: LedgerTx,
  transfer: NewTransfer,
  { treasuryAccounts }: Roles,
): Promise<TopUpRecord | undefined> {
  const { txid, sender, memoText } = transfer;
  if (transfer.assetId !== CORE_ASSET_ID) return undefined;
  // Nearly every transfer is a nominator's: the requests are read only for those that may bring funds.
  const mayBring = treasuryAccounts.includes(sender) || memoText?.startsWith(TOP_UP_MEMO_PREFIX) === true;
  if (!mayBring && txid === undefined) return undefined;
  const expected = await tx.topUps.find({
    statuses: UNARRIVED,
    txids: mayBring || txid === undefined ? undefined : [txid],
    limit: EXPECTED_MAX,
  });
  return expected.length === 0 ? undefined : topUpCompletedBy(transfer, expected, treasuryAccounts);
}

async function arrive(tx: LedgerTx, topUp: TopUpRecord, transfer: NewTransfer): Promise<NewReceipt> {
  const moved = await tx.topUps.move(topUp.id, [topUp.status], "arrived", {
    arrivedBy: transfer.operation,
    ...(transfer.txid === undefined ? {} : { txid: topUp.signed === undefined ? transfer.txid : undefined }),
  });
  assert(moved, `request ${topUp.key} moved while its money was being written down`);
  const receipt: NewReceipt = {
    event: "top_up.arrived",
    subject: topUp.key,
    chainTimeMs: transfer.blockTimeMs,
    details: {
      operation: operationId(transfer.operation),
      sender: transfer.sender,
      amountShares: `${transfer.amount}`,
      askedForShares: `${toShares(topUp.amount)}`,
      was: topUp.status,
    },
  };
  await tx.receipts.add([receipt]);
  return receipt;
}

/**
 * A freeze by a manager's memo. It is added once, because a transfer is decided once, and beside those that there are: a weaker
 * one lowers none. An operator ends it. One that is too old to be carried out is reported to people, who may freeze by themselves.
 */
async function freeze(
  tx: LedgerTx,
  { operation, request, sender, blockTimeMs: chainTimeMs, importMark }: NewTransfer,
  decision: Decision,
): Promise<readonly NewReceipt[]> {
  const subject = operationId(operation);
  if (decision.freeze === undefined) {
    if (request?.type !== "freeze" || decision.outcome !== "admin_request" || importMark !== undefined)
      return [];
    const todo = "if it is meant for now: stakebts freeze all --reason '…'";
    const missed: NewReceipt = {
      event: "freeze.too_old",
      subject,
      chainTimeMs,
      details: { sender, reason: decision.reason, todo },
    };
    await tx.receipts.add([missed]);
    return [missed];
  }
  const level = decision.freeze;
  const reason = `the manager ${sender} has frozen it, by the memo of transfer ${subject}`;
  await tx.control.addFreeze({ source: "manager", level, reason });
  const receipt: NewReceipt = {
    event: "freeze.begun",
    subject: "manager",
    chainTimeMs,
    details: {
      level,
      actor: sender,
      operation: subject,
      reason,
      todo: "ask the manager why; when it is over: stakebts unfreeze --reason '…'",
    },
  };
  await tx.receipts.add([receipt]);
  return [receipt];
}

async function apply(tx: LedgerTx, decision: Decision, nowMs: Millis): Promise<readonly NewReceipt[]> {
  if (decision.topUp !== undefined)
    await tx.topUps.insert({
      ...decision.topUp,
      id: topUpId(decision.topUp.key),
      requestedMs: nowMs,
    });

  if (decision.agreement !== undefined) {
    const { agreement, rows } = decision.agreement;
    const isNew = (await tx.agreements.insert([{ agreement, rows }])).length === 1;
    assert(
      isNew,
      `agreement ${operationId(agreement.operation)} was opened by a transfer that was not decided`,
    );
  }
  const moved = await tx.rows.move(decision.rowMoves);
  assert(moved === decision.rowMoves.length, `${decision.rowMoves.length} rows should move and ${moved} did`);
  return createPayouts(tx, decision.payouts);
}

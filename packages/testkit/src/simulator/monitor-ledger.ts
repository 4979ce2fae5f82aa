import { assert } from "@stakebts/kernel/assert";
import { shares, toShares } from "@stakebts/kernel/amount";
import { compareOperations, operationId } from "@stakebts/kernel/operation-id";
import type { AnsweredTransfer } from "@stakebts/core/rules/answered";
import type { KnownOfOperation, PayoutInContext } from "@stakebts/core/custody/check-operation";
import type { MonitorLedger, OperationToLookUp } from "@stakebts/core/custody/monitor-ledger";
import { debtIn } from "../memory-ledger/debts.ts";
import type { MemoryLedger } from "../memory-ledger.ts";
import type { StoredTransfer } from "../memory-ledger/state.ts";

/** The ledger in memory as a watcher reads it: what createPostgresMonitorLedger answers, by the same rules. */
export const memoryMonitorLedger = (ledger: MemoryLedger): MonitorLedger => ({
  bind: (account) => ledger.control.bind(account),
  knownOf: (operations) => Promise.resolve(operations.map((one) => knownOf(ledger, one))),
  recoveryHoldState: async () => (await ledger.control.read()).recoveryHold,
  hasWithdrawals: () => Promise.resolve(ledger.contents.withdrawals.size > 0),
  cursor: ledger.cursor,
  passedBlocks: ledger.passedBlocks,
  settlements: settlementsIn(ledger),
  incoming: incomingIn(ledger),
  // Nothing is imported here.
  imports: { unchecked: () => Promise.resolve([]), setChecked: () => Promise.resolve() },
  recordedTransfers: ledger.recordedTransfers,
  lastNote: (wanted) =>
    Promise.resolve(ledger.contents.watcherNotes.findLast(({ kind }) => kind === wanted)?.value),
  note: async (kind, subject, value) => {
    await ledger.addWatcherNote({ kind, subject, value });
  },
  // Months pass in a moment here, and the auditor asks for what is late himself.
  overdue: () => Promise.resolve([]),
  tell: async (receipt) => {
    const subject = `${receipt.event} ${receipt.subject}`;
    if (!(await ledger.addWatcherNote({ kind: "alert", subject, value: "" }))) return false;
    await ledger.transaction((tx) => tx.receipts.add([receipt]));
    return true;
  },
  addReceipts: async (receipts) => {
    await ledger.transaction((tx) => tx.receipts.add(receipts));
  },
  payments: async () => (await ledger.control.read()).payments,
  adjustmentsAfter: async (id) => ledger.contents.adjustments.filter((adjustment) => adjustment.id > id),
  inFlight: async () => {
    const live = [...ledger.contents.withdrawals.values()].filter(
      ({ status }) => status === "signed" || status === "broadcast",
    );
    return shares(
      live.reduce((sum, { payoutId, fee }) => {
        const amount = ledger.contents.payouts.get(payoutId)?.amount;
        return sum + fee + (amount === undefined ? 0n : toShares(amount));
      }, 0n),
    );
  },
  stopPayments: async (receipt, reason) => {
    const subject = `${receipt.event} ${receipt.subject}`;
    if (!(await ledger.addWatcherNote({ kind: "alert", subject, value: reason }))) return false;
    return ledger.transaction(async (tx) => {
      await tx.receipts.add([receipt]);
      await tx.control.addFreeze({ source: "process", process: "watcher", level: "pay-nothing", reason });
      return true;
    });
  },
  close: () => Promise.resolve(),
});

/** In the order of the map, which is that of their making. */
const settlementsIn = (ledger: MemoryLedger): MonitorLedger["settlements"] => ({
  unchecked: ({ before, limit }) => {
    const { settlements, payouts, withdrawals } = ledger.contents;
    const left = [...settlements].filter(([, { isChecked }]) => isChecked !== true).toReversed();
    const from = before === undefined ? 0 : left.findIndex(([id]) => id === before.payoutId) + 1;
    return Promise.resolve(
      left.slice(from, from + limit).map(([payoutId, { by, matchedBy }]) => {
        const { key, payee, amount } = payouts.get(payoutId) as StoredPayout;
        const txids = [...withdrawals.values()]
          .filter((w) => w.payoutId === payoutId)
          .map(({ txid }) => txid);
        return { payoutId, key, payee, amount, by, matchedBy, txids, createdAtMs: 0 };
      }),
    );
  },
  signedFor: (txids) => {
    const { payouts, withdrawals } = ledger.contents;
    const signed = [...withdrawals.values()].filter(({ txid }) => txids.includes(txid));
    return Promise.resolve(
      new Map(signed.map(({ txid, payoutId }) => [txid, (payouts.get(payoutId) as StoredPayout).key])),
    );
  },
  setChecked: (payouts) => ledger.setChecked(payouts),
});

const incomingIn = (ledger: MemoryLedger): MonitorLedger["incoming"] => ({
  written: ({ from, to, limit }) =>
    Promise.resolve(
      [...ledger.contents.transfers.values()]
        .filter(
          ({ direction, operation }) =>
            direction === "in" && operation.blockNum >= from && operation.blockNum <= to,
        )
        .sort((a, b) => compareOperations(a.operation, b.operation))
        .slice(0, limit)
        .map(({ operation, sender, blockTimeMs, amount, assetId, memoStatus, request }) => ({
          operation,
          sender,
          timeMs: blockTimeMs,
          amount,
          assetId,
          hasMemo: memoStatus !== "none",
          isDrawn: request?.type === "drawn",
        })),
    ),
  leftOut: () => Promise.resolve(ledger.contents.setAside),
  answered: (operations) =>
    Promise.resolve(
      operations.flatMap((operation) => {
        const transfer = ledger.contents.transfers.get(operationId(operation));
        return transfer?.outcome === undefined ? [] : [answeredIn(ledger.contents, transfer)];
      }),
    ),
});

function answeredIn(
  {
    agreements,
    importedAgreements,
    rows,
    payouts,
    topUps,
    transfers,
    processedElsewhereUpToBlockNum,
  }: Contents,
  transfer: StoredTransfer,
): AnsweredTransfer {
  const { operation, sender, blockTimeMs, amount, assetId, request, outcome, importMark } = transfer;
  const name = operationId(operation);
  assert(request !== undefined && outcome !== undefined, "an incoming transfer that is decided");
  return {
    operation,
    sender,
    timeMs: blockTimeMs,
    amount,
    assetId,
    request,
    outcome,
    agreement: agreements.get(name),
    rows: [...rows.values()].filter((row) => compareOperations(row.agreement, operation) === 0),
    payouts: [...payouts.values()].filter(({ key }) => key === `refund:${name}` || key === `stop:${name}`),
    completesTopUp: [...topUps.values()].some(
      ({ arrivedBy }) => arrivedBy !== undefined && compareOperations(arrivedBy, operation) === 0,
    ),
    isImported:
      importMark !== undefined ||
      operation.blockNum <= processedElsewhereUpToBlockNum ||
      (outcome === "already_processed" && importedAgreements.size > 0),
    hasOpenAgreement: [...rows.values()].some(
      (row) =>
        row.nominator === sender &&
        row.status === "pending" &&
        row.type === "base_amount" &&
        row.startMs <= blockTimeMs &&
        row.dueMs > blockTimeMs &&
        compareOperations(row.agreement, operation) < 0 &&
        // A stop whose payout was cancelled.
        ![...transfers.values()].some(
          (stop) =>
            stop.sender === sender &&
            stop.outcome === "stopped" &&
            compareOperations(stop.operation, row.agreement) > 0 &&
            compareOperations(stop.operation, operation) < 0,
        ),
    ),
    mayLoseAll: [...agreements.values()].some(
      ({ nominator, terms }) => nominator === sender && terms.penaltyBps >= 10_000n,
    ),
  };
}

type Contents = MemoryLedger["contents"];
type StoredPayout = Contents["payouts"] extends ReadonlyMap<unknown, infer P> ? P : never;

function knownOf({ contents }: MemoryLedger, one: OperationToLookUp): KnownOfOperation {
  const withdrawal = [...contents.withdrawals.values()].find(({ txid }) => txid === one.txid);
  const topUp = [...contents.topUps.values()].find(({ txid }) => txid !== undefined && txid === one.txid);
  const paid = withdrawal === undefined ? undefined : contents.payouts.get(withdrawal.payoutId);
  const settled = withdrawal === undefined ? settledBy(contents, one) : undefined;
  return {
    withdrawal:
      withdrawal === undefined || paid === undefined
        ? undefined
        : { status: withdrawal.status, payout: inContext(contents, paid, withdrawal.txid) },
    settled: settled === undefined ? undefined : inContext(contents, settled, one.txid),
    topUp: topUp === undefined ? undefined : { amount: topUp.amount },
  };
}

/** What a ledger that has forgotten the withdrawal has learnt from the chain, by the key in the memo, since. */
function settledBy(contents: Contents, { position, effect }: OperationToLookUp): StoredPayout | undefined {
  if (effect.type !== "payment") return undefined;
  const found = [...contents.settlements].find(
    ([, { by, matchedBy }]) => matchedBy !== "operator" && compareOperations(by, position) === 0,
  );
  return found === undefined ? undefined : contents.payouts.get(found[0]);
}

function inContext(contents: Contents, payout: StoredPayout, txid: string | undefined): PayoutInContext {
  const other = [...contents.withdrawals.values()].find(
    (one) => one.payoutId === payout.id && one.status === "confirmed" && one.txid !== txid,
  );
  return { ...debtIn(contents, payout), paidByTxid: other?.txid };
}

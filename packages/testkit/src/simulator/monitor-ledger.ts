import { shares, toShares } from "@stakebts/kernel/amount";
import { compareOperations } from "@stakebts/kernel/operation-id";
import type { KnownOfOperation, PayoutInContext } from "@stakebts/core/custody/check-operation";
import type { MonitorLedger, OperationToLookUp } from "@stakebts/core/custody/monitor-ledger";
import { debtIn } from "../memory-ledger/debts.ts";
import type { MemoryLedger } from "../memory-ledger.ts";

/** The ledger in memory as a watcher reads it: what createPostgresMonitorLedger answers, by the same rules. */
export const memoryMonitorLedger = (ledger: MemoryLedger): MonitorLedger => ({
  bind: (account) => ledger.control.bind(account),
  knownOf: (operations) => Promise.resolve(operations.map((one) => knownOf(ledger, one))),
  recoveryHoldState: async () => (await ledger.control.read()).recoveryHold,
  hasWithdrawals: () => Promise.resolve(ledger.contents.withdrawals.size > 0),
  cursor: ledger.cursor,
  passedBlocks: ledger.passedBlocks,
  recordedTransfers: ledger.recordedTransfers,
  lastNote: (wanted) =>
    Promise.resolve(ledger.contents.watcherNotes.findLast(({ kind }) => kind === wanted)?.value),
  note: async (kind, subject, value) => {
    await ledger.addWatcherNote({ kind, subject, value });
  },
  addReceipts: async (receipts) => {
    await ledger.transaction((tx) => tx.receipts.add(receipts));
  },
  payments: async () => (await ledger.control.read()).payments,
  alert: async (receipt, reason) => {
    const subject = `${receipt.event} ${receipt.subject}`;
    if (!(await ledger.addWatcherNote({ kind: "alert", subject, value: reason }))) return false;
    await ledger.transaction((tx) => tx.receipts.add([receipt]));
    return true;
  },
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

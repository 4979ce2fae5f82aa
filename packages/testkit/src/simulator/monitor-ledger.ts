import { compareOperations, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { KnownOfOperation, PayoutInContext } from "@stakebts/core/custody/check-operation";
import type { MonitorLedger, OperationToLookUp } from "@stakebts/core/custody/monitor-ledger";
import type { MemoryLedger } from "../memory-ledger.ts";

/** The ledger in memory as a watcher reads it: what createPostgresMonitorLedger answers, by the same rules. */
export const memoryMonitorLedger = (ledger: MemoryLedger): MonitorLedger => ({
  bind: (account) => ledger.control.bind(account),
  knownOf: (operations) => Promise.resolve(operations.map((one) => knownOf(ledger, one))),
  recoveryHoldState: async () => (await ledger.control.read()).recoveryHold,
  hasWithdrawals: () => Promise.resolve(ledger.contents.withdrawals.size > 0),
  cursor: ledger.cursor,
  lastReceipt: (events) =>
    Promise.resolve(ledger.contents.receipts.findLast(({ event }) => events.includes(event))),
  addReceipts: async (receipts) => {
    await ledger.transaction((tx) => tx.receipts.add(receipts));
  },
  payments: async () => (await ledger.control.read()).payments,
  stopPayments: (receipt, reason) =>
    ledger.transaction(async (tx) => {
      if ((await tx.receipts.add([receipt], { once: true })) === 0) return false;
      await tx.control.addFreeze({ source: "process", process: "watcher", level: "pay-nothing", reason });
      return true;
    }),
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

const PAID_OR_ON_ITS_WAY = new Set(["signed", "sent", "confirmed"]);

function inContext(contents: Contents, payout: StoredPayout, txid: string | undefined): PayoutInContext {
  const { id, key, kind, payee, amount, status } = payout;
  const payouts = [...contents.payouts.values()];
  const at = ["refund", "confirm", "deposit"].includes(kind) ? key.slice(key.indexOf(":") + 1) : undefined;
  return {
    key,
    kind,
    payee,
    amount,
    status,
    paidByTxid: [...contents.withdrawals.values()].find(
      (other) => other.payoutId === id && other.status === "confirmed" && other.txid !== txid,
    )?.txid,
    rows: payout.rows.flatMap(({ id: rowId }): PayoutInContext["rows"] => {
      const row = contents.rows.get(rowId);
      if (row === undefined) return [];
      const opening = incoming(contents, operationId(row.agreement));
      return [
        {
          type: row.type,
          nominator: row.nominator,
          amount: row.amount,
          openedBy: opening,
          agreementAmount: agreementAmount(contents, row.agreement),
          alsoPaidBy: payouts.find(
            (other) =>
              other.key !== key &&
              PAID_OR_ON_ITS_WAY.has(other.status) &&
              other.rows.some((shared) => shared.id === rowId),
          )?.key,
        },
      ];
    }),
    cause: at === undefined ? undefined : incoming(contents, at),
    noticeFor:
      kind === "notice"
        ? payouts.find((failed) => failed.key === key.slice("notice:".length))?.payee
        : undefined,
  };
}

const agreementAmount = ({ agreements }: Contents, at: OperationPosition) => {
  const agreement = agreements.get(operationId(at));
  if (agreement === undefined) throw new Error(`no agreement ${operationId(at)}`);
  return agreement.amount;
};

function incoming({ transfers, agreements }: Contents, at: string): PayoutInContext["cause"] {
  const transfer = transfers.get(at);
  if (transfer === undefined || transfer.direction !== "in") return undefined;
  const { sender, amount, request } = transfer;
  return { sender, amount, request, opened: agreements.has(at) };
}

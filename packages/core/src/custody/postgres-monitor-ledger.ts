import { bts, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { PayoutKey, PayoutKind, PayoutStatus } from "../rules/payout.ts";
import type { StakeRowType } from "../rules/stake-row.ts";
import type { KnownOfOperation, PayoutInContext } from "./check-operation.ts";
import type { WithdrawalStatus } from "../rules/withdrawal.ts";
import type { MonitorLedger, OperationToLookUp } from "./monitor-ledger.ts";
import { addReceipts } from "../ledger/postgres/receipts.ts";
import { addFreeze } from "../ledger/postgres/freezes.ts";
import { bindLedger, readControl } from "../ledger/postgres/control.ts";
import { readCursor } from "../ledger/postgres/cursor.ts";
import { type Database, openDatabase, type Prisma } from "../database/client.ts";
import { toTransfer, transferKey } from "../ledger/postgres/transfers.ts";

/** All that is needed to say what a payout is owed for. */
const IN_CONTEXT = {
  rows: {
    include: {
      stakeRow: {
        include: {
          agreement: true,
          payouts: { include: { payout: { select: { key: true, status: true } } } },
        },
      },
    },
  },
  withdrawals: { select: { txid: true, status: true } },
} as const satisfies Prisma.PayoutInclude;
type PayoutModel = Prisma.PayoutGetPayload<{ include: typeof IN_CONTEXT }>;

/**
 * The ledger of a watcher. It reads tables, and writes receipts and freezes of payments; that is all that its database user
 * has to be allowed: SELECT on the tables named here, INSERT on `receipt`, EXECUTE of `add_freeze` and `bind_ledger`.
 */
export function createPostgresMonitorLedger({ url, max = 2 }: { url: string; max?: number }): MonitorLedger {
  const db = openDatabase(url, max);
  return {
    bind: (account) => bindLedger(db, account),
    knownOf: (operations) => knownOf(db, operations),
    recoveryHoldState: async () => (await readControl(db)).recoveryHold,
    hasWithdrawals: async () => (await db.withdrawal.findFirst({ select: { id: true } })) !== null,
    cursor: { read: () => readCursor(db) },
    lastReceipt: async (events) => {
      const row = await db.receipt.findFirst({
        where: { event: { in: [...events] } },
        orderBy: { id: "desc" },
      });
      return row === null
        ? undefined
        : { subject: row.subject, details: row.details as Record<string, unknown> };
    },
    addReceipts: async (receipts) => {
      await db.$transaction((tx) => addReceipts(tx, receipts));
    },
    payments: async () => (await readControl(db)).payments,
    stopPayments: (receipt, reason) =>
      db.$transaction(async (tx) => {
        if ((await addReceipts(tx, [receipt], { once: true })) === 0) return false;
        await addFreeze(tx, { source: "process", process: "watcher", level: "pay-nothing", reason });
        return true;
      }),
    close: () => db.$disconnect(),
  };
}

async function knownOf(
  db: Database,
  operations: readonly OperationToLookUp[],
): Promise<readonly KnownOfOperation[]> {
  const txids = operations.flatMap(({ txid }) => (txid === undefined ? [] : [txid]));
  const [withdrawals, topUps] = await Promise.all([
    db.withdrawal.findMany({ where: { txid: { in: txids } }, include: { payout: { include: IN_CONTEXT } } }),
    db.topUp.findMany({ where: { txid: { in: txids } } }),
  ]);
  return Promise.all(
    operations.map(async (one): Promise<KnownOfOperation> => {
      const withdrawal = withdrawals.find(({ txid }) => txid === one.txid);
      const topUp = topUps.find(({ txid }) => txid === one.txid);
      const settled = withdrawal === undefined ? await settledBy(db, one) : undefined;
      return {
        withdrawal:
          withdrawal === undefined
            ? undefined
            : {
                status: withdrawal.status as WithdrawalStatus,
                payout: await inContext(db, withdrawal.payout, withdrawal.txid),
              },
        settled: settled === undefined ? undefined : await inContext(db, settled, one.txid),
        topUp: topUp === undefined ? undefined : { amount: bts(topUp.amountShares / SHARES_PER_BTS) },
      };
    }),
  );
}

/** The payout that a ledger without the withdrawal has learnt from the chain, by the key in the memo. */
async function settledBy(
  db: Database,
  { position, effect }: OperationToLookUp,
): Promise<PayoutModel | undefined> {
  if (effect.type !== "payment") return undefined;
  const settled = await db.settlement.findUnique({
    where: { blockNum_trxInBlock_opInTrx: transferKey(position), matchedBy: { not: "operator" } },
    include: { payout: { include: IN_CONTEXT } },
  });
  return settled?.payout;
}

async function inContext(
  db: Database,
  payout: PayoutModel,
  txid: string | undefined,
): Promise<PayoutInContext> {
  const { key, kind, payee, amount, status } = payout;
  const at = ["refund", "confirm", "deposit"].includes(kind) ? positionIn(key) : undefined;
  const [cause, failed] = await Promise.all([
    at === undefined ? undefined : incoming(db, at),
    kind === "notice"
      ? db.payout.findUnique({ where: { key: key.slice("notice:".length) }, select: { payee: true } })
      : undefined,
  ]);
  return {
    key: key as PayoutKey,
    kind: kind as PayoutKind,
    payee,
    amount: bts(amount),
    status: status as PayoutStatus,
    paidByTxid: payout.withdrawals.find((other) => other.status === "confirmed" && other.txid !== txid)?.txid,
    rows: await Promise.all(
      payout.rows.map(async ({ stakeRow: { agreement, payouts, ...row } }) => {
        const also = payouts.find(
          (other) =>
            other.payout.key !== key && ["signed", "sent", "confirmed"].includes(other.payout.status),
        );
        const opening = await incoming(db, {
          blockNum: agreement.blockStart,
          trxInBlock: agreement.trxIdx,
          opInTrx: agreement.opsIdx,
        });
        return {
          type: row.type as StakeRowType,
          nominator: row.nominator,
          amount: bts(row.amount),
          openedBy: opening === undefined ? undefined : { sender: opening.sender, amount: opening.amount },
          agreementAmount: bts(agreement.amount),
          alsoPaidBy: also?.payout.key as PayoutKey | undefined,
        };
      }),
    ),
    cause,
    noticeFor: failed?.payee,
  };
}

async function incoming(db: Database, at: OperationPosition): Promise<PayoutInContext["cause"]> {
  const { blockNum: blockStart, trxInBlock: trxIdx, opInTrx: opsIdx } = at;
  const [row, agreement] = await Promise.all([
    db.transfer.findUnique({ where: { blockNum_trxInBlock_opInTrx: transferKey(at) } }),
    db.agreement.findUnique({
      where: { blockStart_trxIdx_opsIdx: { blockStart, trxIdx, opsIdx } },
      select: { nominator: true },
    }),
  ]);
  if (row === null || row.direction !== "in") return undefined;
  const { sender, amount, request } = toTransfer(row);
  return { sender, amount, request, opened: agreement !== null };
}

/** `<kind>:<block>:<trx>:<op>`, written in one way only: `00` would be a second name of the same thing. */
function positionIn(key: string): OperationPosition | undefined {
  const match = /^[a-z]+:(0|[1-9]\d*):(0|[1-9]\d*):(0|[1-9]\d*)$/u.exec(key);
  return match === null
    ? undefined
    : { blockNum: Number(match[1]), trxInBlock: Number(match[2]), opInTrx: Number(match[3]) };
}

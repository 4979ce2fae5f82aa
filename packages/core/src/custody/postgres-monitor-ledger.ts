import { ServiceError } from "@stakebts/kernel/errors";
import { bts, shares, SHARES_PER_BTS } from "@stakebts/kernel/amount";
import type { Debt } from "../rules/owed.ts";
import { debtsOf } from "../ledger/postgres/debts.ts";
import type { KnownOfOperation, PayoutInContext } from "./check-operation.ts";
import type { WithdrawalStatus } from "../rules/withdrawal.ts";
import type { MonitorLedger, OperationToLookUp } from "./monitor-ledger.ts";
import { addReceipts } from "../ledger/postgres/receipts.ts";
import { addFreeze } from "../ledger/postgres/freezes.ts";
import { bindLedger, readControl } from "../ledger/postgres/control.ts";
import { readCursor } from "../ledger/postgres/cursor.ts";
import { PostgresRecordedTransfers } from "../ledger/postgres/recorded-transfers.ts";
import { PostgresPassedBlocks } from "../ledger/postgres/passed-blocks.ts";
import {
  type Database,
  type DatabaseSource,
  type DatabaseTx,
  openSource,
  type Prisma,
} from "../database/client.ts";
import { transferKey } from "../ledger/postgres/transfers.ts";
import { importsToCheck } from "./postgres-imports.ts";
import { incomingToCheck } from "./postgres-incoming.ts";
import { overdueIn } from "./postgres-overdue.ts";
import { whyAcceptsNothing } from "../rules/freeze.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import { settlementsToCheck } from "./postgres-settlements.ts";

const CONFIRMED = {
  withdrawals: { select: { txid: true, status: true } },
} as const satisfies Prisma.PayoutInclude;
type PayoutModel = Prisma.PayoutGetPayload<{ include: typeof CONFIRMED }>;

/**
 * The ledger of a watcher. It reads tables, and writes receipts and freezes of payments; that is all that its database user
 * has to be allowed: SELECT on the tables named here, INSERT on `receipt` and `watcher_note`, UPDATE of `settlement.checked_at`, EXECUTE of `add_freeze` and `bind_ledger`.
 */
export function createPostgresMonitorLedger(source: DatabaseSource): MonitorLedger {
  const { db, close } = openSource(source, 2);
  return {
    bind: (account) => bindLedger(db, account),
    knownOf: (operations) => knownOf(db, operations),
    recoveryHoldState: async () => (await readControl(db)).recoveryHold,
    hasWithdrawals: async () => (await db.withdrawal.findFirst({ select: { id: true } })) !== null,
    cursor: { read: () => readCursor(db) },
    passedBlocks: new PostgresPassedBlocks(db),
    settlements: settlementsToCheck(db),
    incoming: incomingToCheck(db),
    imports: importsToCheck(db),
    recordedTransfers: new PostgresRecordedTransfers(db),
    lastNote: async (kind) => {
      const row = await db.watcherNote.findFirst({ where: { kind }, orderBy: { id: "desc" } });
      return row?.value;
    },
    note: async (kind, subject, value) => {
      await db.$executeRaw`INSERT INTO watcher_note (kind, subject, value) VALUES (${kind}, ${subject}, ${value})`;
    },
    addReceipts: async (receipts) => {
      await db.$transaction((tx) => addReceipts(tx, receipts));
    },
    payments: async () => (await readControl(db)).payments,
    overdue: async (beforeMs) => {
      const { freezes, payments } = await readControl(db);
      return overdueIn(db, {
        beforeMs,
        accepting: whyAcceptsNothing(freezes) === undefined,
        paying: payments.on,
      });
    },
    tell: (receipt) => db.$transaction((tx) => sayOnce(tx, receipt, String(receipt.details["reason"]))),
    adjustmentsAfter: async (id) => {
      const rows = await db.balanceAdjustment.findMany({ where: { id: { gt: id } }, orderBy: { id: "asc" } });
      return rows.map((row) => ({ id: row.id, amount: row.amountShares }));
    },
    inFlight: async () => {
      const [row] = await db.$queryRaw<{ shares: bigint }[]>`
        SELECT coalesce(sum(p.amount * 100000 + w.fee_shares), 0)::bigint AS shares
          FROM withdrawal w JOIN payout p ON p.id = w.payout_id WHERE w.status IN ('signed', 'broadcast')`;
      return shares(row?.shares ?? 0n);
    },
    stopPayments: (receipt, reason) =>
      db.$transaction(async (tx) => {
        if (!(await sayOnce(tx, receipt, reason))) return false;
        await addFreeze(tx, { source: "process", process: "watcher", level: "pay-nothing", reason });
        return true;
      }),
    close,
  };
}

async function sayOnce(tx: DatabaseTx, receipt: NewReceipt, reason: string): Promise<boolean> {
  const isNew = await tx.$executeRaw`
    INSERT INTO watcher_note (kind, subject, value)
    VALUES ('alert', ${`${receipt.event} ${receipt.subject}`}, ${reason}) ON CONFLICT DO NOTHING`;
  if (isNew === 0) return false;
  await addReceipts(tx, [receipt]);
  return true;
}

async function knownOf(
  db: Database,
  operations: readonly OperationToLookUp[],
): Promise<readonly KnownOfOperation[]> {
  const txids = operations.flatMap(({ txid }) => (txid === undefined ? [] : [txid]));
  const [withdrawals, topUps] = await Promise.all([
    db.withdrawal.findMany({ where: { txid: { in: txids } }, include: { payout: { include: CONFIRMED } } }),
    db.topUp.findMany({ where: { txid: { in: txids } } }),
  ]);
  const settled = await Promise.all(
    operations.map(async (one) =>
      withdrawals.some(({ txid }) => txid === one.txid) ? undefined : settledBy(db, one),
    ),
  );
  const payouts = [...withdrawals.map(({ payout }) => payout), ...settled.filter((one) => one !== undefined)];
  const debts =
    payouts.length === 0
      ? new Map<string, Debt>()
      : await debtsOf(
          db,
          payouts.map(({ id }) => id),
        );
  return operations.map((one, i): KnownOfOperation => {
    const withdrawal = withdrawals.find(({ txid }) => txid === one.txid);
    const topUp = topUps.find(({ txid }) => txid === one.txid);
    return {
      withdrawal:
        withdrawal === undefined
          ? undefined
          : {
              status: withdrawal.status as WithdrawalStatus,
              payout: inContext(debts, withdrawal.payout, withdrawal.txid),
            },
      settled: settled[i] === undefined ? undefined : inContext(debts, settled[i], one.txid),
      topUp: topUp === undefined ? undefined : { amount: bts(topUp.amountShares / SHARES_PER_BTS) },
    };
  });
}

/** The payout that a ledger without the withdrawal has learnt from the chain, by the key in the memo. */
async function settledBy(
  db: Database,
  { position, effect }: OperationToLookUp,
): Promise<PayoutModel | undefined> {
  if (effect.type !== "payment") return undefined;
  const settled = await db.settlement.findUnique({
    where: { blockNum_trxInBlock_opInTrx: transferKey(position), matchedBy: { not: "operator" } },
    include: { payout: { include: CONFIRMED } },
  });
  return settled?.payout;
}

function inContext(
  debts: ReadonlyMap<string, Debt>,
  payout: PayoutModel,
  txid: string | undefined,
): PayoutInContext {
  const debt = debts.get(payout.id);
  if (debt === undefined)
    throw new ServiceError(
      `payout ${payout.key} was there a moment ago: another copy of the ledger has taken its place`,
    );
  const other = payout.withdrawals.find((one) => one.status === "confirmed" && one.txid !== txid);
  return { ...debt, paidByTxid: other?.txid };
}

import { bts } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import type { LimitedBy } from "../../rules/limits.ts";
import type { PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import type { StakeRowStatus } from "../../rules/stake-row.ts";
import type { TopUpStatus } from "../../rules/top-up.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { LOCKS } from "../../database/locks.ts";
import type { GlanceView, LimitedSum, StatusView, WatchView } from "../view.ts";
import { reconciledBalance } from "../reconciled-balance.ts";
import { NIGHTLY_CHECKS, type NightlyCheck, passedEvent } from "../nightly-checks.ts";
import { readControl } from "./control.ts";
import { readCursor } from "./cursor.ts";
import { hashChainProgress } from "./receipts.ts";
import { eventsSetAside } from "./set-aside.ts";
import { debtIsNotCancelled, isTransferSetAside } from "./undecided.ts";

// Where everything stands: for people, and for monitoring.

export async function statusView(db: Database): Promise<StatusView> {
  const [glance, payouts, rows, agreements] = await Promise.all([
    glanceView(db),
    db.$queryRaw<{ status: string; count: bigint; amount: bigint }[]>`
        SELECT status, count(*) AS count, sum(amount)::bigint AS amount FROM payout GROUP BY status`,
    db.$queryRaw<{ status: string; count: bigint }[]>`
        SELECT status, count(*) AS count FROM stake_row GROUP BY status`,
    db.agreement.count(),
  ]);
  return {
    ...glance,
    payouts: payouts.map((row) => ({
      status: row.status as PayoutStatus,
      count: Number(row.count),
      amount: bts(row.amount),
    })),
    rows: rows.map((row) => ({ status: row.status as StakeRowStatus, count: Number(row.count) })),
    agreements,
  };
}

/** Without counts over whole tables. */
export async function glanceView(db: Database): Promise<GlanceView> {
  const [
    cursor,
    control,
    undecided,
    unread,
    setAside,
    jobsToDispatch,
    oldestOpen,
    backup,
    balance,
    checksPassed,
    hashChain,
    limited,
  ] = await Promise.all([
    readCursor(db),
    readControl(db),
    db.$queryRaw<{ count: bigint }[]>`
        SELECT count(*) AS count FROM transfer WHERE status = 'undecided' AND NOT ${isTransferSetAside("transfer")}`,
    db.$queryRaw<{ publicKey: string; count: bigint }[]>`
        SELECT coalesce(request ->> 'publicKey', '?') AS "publicKey", count(*) AS count FROM transfer
         WHERE status = 'unread' GROUP BY 1 ORDER BY 1`,
    eventsSetAside(db),
    db.outbox.count(),
    db.payout.findFirst({
      where: { status: { in: ["due", "ready", "signed", "sent", "waiting_funds"] } },
      orderBy: { due: "asc" },
      select: { key: true, due: true },
    }),
    db.receipt.findFirst({ where: { event: "backup.made" }, orderBy: { id: "desc" } }),
    db.watcherNote.findFirst({ where: { kind: "balance" }, orderBy: { id: "desc" } }),
    Promise.all(NIGHTLY_CHECKS.map((check) => lastPassed(db, check))),
    hashChainProgress(db),
    limitedSums(db),
  ]);
  return {
    cursor,
    payments: control.payments,
    freezes: control.freezes,
    processFreezes: control.processFreezes,
    limits: control.limits,
    limited,
    recoveryHold: control.recoveryHold,
    lastBackup:
      backup === null
        ? undefined
        : {
            file: backup.subject,
            madeAtMs: backup.createdAt.getTime(),
            verified: (backup.details as { verified?: unknown }).verified === true,
          },
    balance: balance === null ? undefined : reconciledBalance(balance.value),
    checksPassed: checksPassed.flatMap((passed) => passed ?? []),
    undecidedTransfers: Number(undecided[0]?.count ?? 0n),
    unread: unread.map(({ publicKey, count }) => ({ publicKey, count: Number(count) })),
    setAside,
    jobsToDispatch,
    hashChain,
    oldestOpen:
      oldestOpen === null
        ? undefined
        : { key: oldestOpen.key as PayoutKey, dueMs: millis(Number(oldestOpen.due)) },
  };
}

async function lastPassed(
  db: Database,
  check: NightlyCheck,
): Promise<GlanceView["checksPassed"][number] | undefined> {
  const receipt = await db.receipt.findFirst({
    where: { event: passedEvent(check) },
    orderBy: { id: "desc" },
    select: { createdAt: true },
  });
  return receipt === null ? undefined : { check, atMs: receipt.createdAt.getTime() };
}

export async function watchView(db: Database): Promise<WatchView> {
  const [cursor, control, [facts], topUps, limited] = await Promise.all([
    readCursor(db),
    readControl(db),
    db.$queryRaw<{ leads: boolean; watches: boolean; oldest: bigint | null }[]>`
      SELECT ${isHeld(LOCKS.payer)} AS leads, ${isHeld(LOCKS.watcher)} AS watches,
             least((SELECT due FROM stake_row
                     WHERE status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled}
                     ORDER BY due LIMIT 1),
                   (SELECT due FROM payout WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds')
                     ORDER BY due LIMIT 1)) AS oldest`,
    db.topUp.groupBy({ by: ["status"], _count: true }),
    limitedSums(db),
  ]);
  return {
    cursor,
    payments: control.payments,
    freezes: control.freezes,
    processFreezes: control.processFreezes,
    limited,
    recoveryHold: control.recoveryHold,
    payerLeads: facts?.leads ?? false,
    watcherPresent: facts?.watches ?? false,
    oldestUnpaidMs: facts === undefined || facts.oldest === null ? undefined : millis(Number(facts.oldest)),
    topUps: topUps.map(({ status, _count }) => ({ status: status as TopUpStatus, count: _count })),
  };
}

/** A lock that is taken by one number of 64 bits is shown as two halves, and objsubid 1. */
const isHeld = (lock: number): Prisma.Sql => Prisma.sql`
  EXISTS (SELECT FROM pg_locks
           WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid::bigint = ${lock} AND objsubid = 1
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

async function limitedSums(db: Pick<Database, "$queryRaw">): Promise<readonly LimitedSum[]> {
  const rows = await db.$queryRaw<{ by: string; held: boolean; count: bigint; amount: bigint }[]>`
    SELECT limited_by AS by, status = 'held' AS held, count(*) AS count, sum(amount)::bigint AS amount FROM payout
     WHERE limited_by IS NOT NULL AND status IN ('due', 'ready', 'held') GROUP BY 1, 2 ORDER BY 1, 2`;
  return rows.map(({ by, held, count, amount }) => ({
    by: by as LimitedBy,
    held,
    count: Number(count),
    amount: bts(amount),
  }));
}

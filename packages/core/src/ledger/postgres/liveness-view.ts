import { LOCKS } from "../../database/locks.ts";
import type { TopUpStatus } from "../../rules/top-up.ts";
import { millis } from "@stakebts/kernel/time";
import type { WatchView } from "../view.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { debtIsNotCancelled } from "./payout-is-not-cancelled.ts";
import { recoveryHoldState } from "./recovery-hold-state.ts";
import { inForce, reportedOnly } from "../../rules/freeze.ts";
import { openFreezes, toSwitch } from "./freezes.ts";
import { limitedSums } from "./limited-sums.ts";
import { toCursor } from "./rows.ts";

export async function watchView(db: Database): Promise<WatchView> {
  const [cursor, freezes, [facts], topUps, recoveryHold, limited] = await Promise.all([
    db.chainCursor.findUnique({ where: { id: 1 } }),
    openFreezes(db),
    db.$queryRaw<{ leads: boolean; watches: boolean; oldest: bigint | null }[]>`
      SELECT ${isHeld(LOCKS.payer)} AS leads, ${isHeld(LOCKS.watcher)} AS watches,
             least((SELECT due FROM stake_row
                     WHERE status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled}
                     ORDER BY due LIMIT 1),
                   (SELECT due FROM payout WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds')
                     ORDER BY due LIMIT 1)) AS oldest`,
    db.topUp.groupBy({ by: ["status"], _count: true }),
    recoveryHoldState(db),
    limitedSums(db),
  ]);
  return {
    cursor: cursor === null ? undefined : toCursor(cursor),
    payments: toSwitch(freezes),
    freezes: inForce(freezes),
    processFreezes: reportedOnly(freezes),
    limited,
    recoveryHold,
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

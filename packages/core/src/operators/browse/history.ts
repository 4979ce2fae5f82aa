import { type Bts, bts, type Shares, shares } from "@stakebts/kernel/amount";
import { DAY_MS, millis, type Millis } from "@stakebts/kernel/time";
import type { Database } from "../../database/client.ts";
import { LOCKS } from "../../database/locks.ts";
import type { PayoutKind } from "../../rules/payout.ts";
import { processOfSession, type SessionProcess } from "../../runtime/session-name.ts";

export interface PaidInMonth {
  /** `2026-11`, UTC, by the block that holds the payment. */
  readonly month: string;
  readonly kind: PayoutKind;
  readonly count: number;
  readonly amount: Bts;
}

/** What was paid, by month and kind, from `fromMs` on. */
export async function paidByMonth(db: Database, fromMs: Millis): Promise<readonly PaidInMonth[]> {
  const rows = await db.$queryRaw<{ month: string; kind: string; count: bigint; amount: bigint }[]>`
    SELECT to_char(to_timestamp(day / 1000) AT TIME ZONE 'UTC', 'YYYY-MM') AS month, kind,
           sum(count)::bigint AS count, sum(amount)::bigint AS amount
      FROM (SELECT processed - processed % ${BigInt(DAY_MS)} AS day, kind, count(*) AS count, sum(amount) AS amount
              FROM payout WHERE status = 'confirmed' AND processed >= ${BigInt(fromMs)} GROUP BY 1, 2) AS days
     GROUP BY 1, 2 ORDER BY 1, 2`;
  return rows.map(({ month, kind, count, amount }) => ({
    month,
    kind: kind as PayoutKind,
    count: Number(count),
    amount: bts(amount),
  }));
}

export interface BalanceReport {
  /** Host time. */
  readonly atMs: number;
  readonly total: Shares;
  readonly hotWallet: Shares;
}

/**
 * What all wallets held, as the payer reported it, oldest first: at most one report for each step of time.
 * @param stepMs host time
 */
export async function balanceReports(
  db: Database,
  { fromMs, stepMs }: { readonly fromMs: number; readonly stepMs: number },
): Promise<readonly BalanceReport[]> {
  const rows = await db.$queryRaw<{ at: Date; total: string | null; hot: string | null }[]>`
    SELECT DISTINCT ON (step) at, total, hot FROM (
      SELECT id, created_at AS at, details ->> 'totalShares' AS total, details ->> 'hotWalletShares' AS hot,
             floor(extract(epoch FROM created_at) * 1000 / ${stepMs}::float8) AS step
        FROM receipt WHERE event = 'treasury.balances' AND created_at >= ${new Date(fromMs)}) AS reports
     ORDER BY step, id DESC`;
  return rows.flatMap(({ at, total, hot }) =>
    total !== null && hot !== null && /^\d{1,19}$/u.test(total) && /^\d{1,19}$/u.test(hot)
      ? [{ atMs: at.getTime(), total: shares(BigInt(total)), hotWallet: shares(BigInt(hot)) }]
      : [],
  );
}

export interface OpenStakes {
  readonly agreements: number;
  /** Base amounts that are with the custodian. */
  readonly base: Bts;
  /** What he keeps of them if they all stop: less than zero. */
  readonly penalty: Bts;
  /** Payouts that exist already and are neither paid nor cancelled. */
  readonly payouts: Bts;
}

/** What would have to be paid at once if everybody stopped now. */
export async function openStakes(db: Database): Promise<OpenStakes> {
  const [row] = await db.$queryRaw<{ agreements: bigint; base: bigint; penalty: bigint; payouts: bigint }[]>`
    SELECT count(*) FILTER (WHERE type = 'base_amount') AS agreements,
           coalesce(sum(amount) FILTER (WHERE type = 'base_amount'), 0)::bigint AS base,
           coalesce(sum(amount) FILTER (WHERE type = 'penalty'), 0)::bigint AS penalty,
           (SELECT coalesce(sum(amount), 0)::bigint FROM payout WHERE status <> 'confirmed' AND status <> 'cancelled') AS payouts
      FROM stake_row WHERE status = 'pending' AND type IN ('base_amount', 'penalty')`;
  return {
    agreements: Number(row?.agreements ?? 0n),
    base: bts(row?.base ?? 0n),
    penalty: bts(row?.penalty ?? 0n),
    payouts: bts(row?.payouts ?? 0n),
  };
}

export interface ProcessStart {
  readonly process: string;
  /** Host time. */
  readonly startedAtMs: number;
  /** As it was started, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The last start of each process. */
export async function lastStarts(db: Database): Promise<readonly ProcessStart[]> {
  const rows = await db.$queryRaw<{ subject: string; created_at: Date; details: Record<string, unknown> }[]>`
    SELECT DISTINCT ON (subject) subject, created_at, details FROM receipt WHERE event = 'process.started'
     ORDER BY subject, id DESC`;
  return rows.map(({ subject, created_at, details }) => ({
    process: subject,
    startedAtMs: created_at.getTime(),
    settings: details,
  }));
}

export const monthStart = (nowMs: number, monthsBack: number): Millis => {
  const now = new Date(nowMs);
  return millis(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - monthsBack, 1));
};

/** A process that has a session with the database now. */
export interface RunningProcess extends SessionProcess {
  /** It holds the lock of the payer that pays. */
  readonly leads: boolean;
}

/**
 * By the names of sessions, which the server shows to every login. Behind a pooler of sessions, which gives them names of its own,
 * nothing is found.
 */
export async function runningProcesses(db: Database): Promise<readonly RunningProcess[]> {
  const rows = await db.$queryRaw<{ name: string; leads: boolean }[]>`
    SELECT application_name AS name,
           bool_or(EXISTS (SELECT FROM pg_locks held WHERE held.pid = a.pid AND locktype = 'advisory' AND granted
                              AND classid = 0 AND objid::bigint = ${LOCKS.payer} AND objsubid = 1)) AS leads
      FROM pg_stat_activity a
     WHERE datname = current_database() AND application_name LIKE 'stakebts-%'
     GROUP BY 1 ORDER BY 1`;
  return rows.flatMap(({ name, leads }) => {
    const found = processOfSession(name);
    return found === undefined ? [] : [{ ...found, leads }];
  });
}

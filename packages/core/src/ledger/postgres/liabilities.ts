import { bts } from "@stakebts/kernel/amount";
import type { PayoutKind } from "../../rules/payout.ts";
import { DAY_MS, HOUR_MS, millis, type Millis } from "@stakebts/kernel/time";
import type { DebtFilter, DebtLine, Liabilities, LedgerView, Page, Sum } from "../view.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { debtIsNotCancelled } from "./stake-rows.ts";

/**
 * What the custodian still has to pay, one line each: rewards and base amounts that have not fallen due, as if every
 * nominator stays, and payouts that are neither confirmed nor cancelled.
 */
const openDebts = Prisma.sql`(
  SELECT nominator AS payee, due, amount, false AS stopped, status,
         CASE type WHEN 'base_amount' THEN 'base' ELSE type END AS kind
    FROM stake_row
   WHERE status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled}
  UNION ALL
  SELECT payee, due, amount, status IN ('held', 'failed'), status, kind FROM payout
   WHERE status NOT IN ('confirmed', 'cancelled'))`;

type Sums<Name extends string> = Record<`${Name}_count` | `${Name}_amount`, bigint>;

/** One look at every open debt; 100 000 of them take a fraction of a second. */
export async function liabilities(db: Database, asOfMs: Millis): Promise<Liabilities> {
  const until = (durationMs: number) => BigInt(asOfMs + durationMs);
  const [[debts], [paid], [cancelled]] = await Promise.all([
    db.$queryRaw<
      (Sums<"gross" | "d30" | "d7" | "h48" | "h24" | "past" | "stopped"> & { nominators: bigint })[]
    >`
      SELECT count(*) AS gross_count, coalesce(sum(amount), 0)::bigint AS gross_amount,
             count(*) FILTER (WHERE due <= ${until(30 * DAY_MS)}) AS d30_count,
             coalesce(sum(amount) FILTER (WHERE due <= ${until(30 * DAY_MS)}), 0)::bigint AS d30_amount,
             count(*) FILTER (WHERE due <= ${until(7 * DAY_MS)}) AS d7_count,
             coalesce(sum(amount) FILTER (WHERE due <= ${until(7 * DAY_MS)}), 0)::bigint AS d7_amount,
             count(*) FILTER (WHERE due <= ${until(48 * HOUR_MS)}) AS h48_count,
             coalesce(sum(amount) FILTER (WHERE due <= ${until(48 * HOUR_MS)}), 0)::bigint AS h48_amount,
             count(*) FILTER (WHERE due <= ${until(24 * HOUR_MS)}) AS h24_count,
             coalesce(sum(amount) FILTER (WHERE due <= ${until(24 * HOUR_MS)}), 0)::bigint AS h24_amount,
             count(*) FILTER (WHERE due <= ${until(0)}) AS past_count,
             coalesce(sum(amount) FILTER (WHERE due <= ${until(0)}), 0)::bigint AS past_amount,
             count(*) FILTER (WHERE stopped) AS stopped_count,
             coalesce(sum(amount) FILTER (WHERE stopped), 0)::bigint AS stopped_amount,
             count(DISTINCT payee) AS nominators
        FROM ${openDebts} AS debt`,
    db.$queryRaw<Sums<"paid">[]>`
      SELECT count(*) AS paid_count, coalesce(sum(amount), 0)::bigint AS paid_amount
        FROM payout WHERE status = 'confirmed' AND processed > ${until(-48 * HOUR_MS)}`,
    db.$queryRaw<Sums<"rows">[]>`
      SELECT count(*) AS rows_count, coalesce(sum(row.amount), 0)::bigint AS rows_amount
        FROM payout JOIN payout_stake_row link ON link.payout_id = payout.id
        JOIN stake_row AS row ON row.id = link.stake_row_id
       WHERE payout.status = 'cancelled' AND payout.kind IN ('reward', 'base') AND row.status = 'pending'`,
  ]);
  const sum = (count: bigint | undefined, amount: bigint | undefined): Sum => ({
    count: Number(count ?? 0n),
    amount: bts(amount ?? 0n),
  });
  return {
    asOfMs,
    gross: sum(debts?.gross_count, debts?.gross_amount),
    within30d: sum(debts?.d30_count, debts?.d30_amount),
    within7d: sum(debts?.d7_count, debts?.d7_amount),
    within48h: sum(debts?.h48_count, debts?.h48_amount),
    within24h: sum(debts?.h24_count, debts?.h24_amount),
    pastDue: sum(debts?.past_count, debts?.past_amount),
    stopped: sum(debts?.stopped_count, debts?.stopped_amount),
    paidLast48h: sum(paid?.paid_count, paid?.paid_amount),
    cancelled: sum(cancelled?.rows_count, cancelled?.rows_amount),
    nominators: Number(debts?.nominators ?? 0n),
  };
}

export async function dueByDay(db: Database, untilMs: Millis): ReturnType<LedgerView["dueByDay"]> {
  const rows = await db.$queryRaw<{ day: bigint; payments: bigint; amount: bigint }[]>`
    SELECT due - due % ${BigInt(DAY_MS)} AS day, count(*) AS payments, sum(amount)::bigint AS amount
      FROM ${openDebts} AS debt WHERE due < ${BigInt(untilMs)} GROUP BY 1 ORDER BY 1`;
  return rows.map((row) => ({
    dayMs: millis(Number(row.day)),
    payments: Number(row.payments),
    amount: bts(row.amount),
  }));
}

export async function debtLines(db: Database, filter: DebtFilter): Promise<Page<DebtLine>> {
  const { dueAfterMs, dueUpToMs, limit, offset = 0 } = filter;
  const where = Prisma.sql`NOT stopped
    ${dueAfterMs === undefined ? Prisma.empty : Prisma.sql`AND due > ${BigInt(dueAfterMs)}`}
    ${dueUpToMs === undefined ? Prisma.empty : Prisma.sql`AND due <= ${BigInt(dueUpToMs)}`}`;
  const [rows, [all]] = await Promise.all([
    db.$queryRaw<{ payee: string; amount: bigint; due: bigint; kind: string; status: string }[]>`
      SELECT payee, amount, due, kind, status FROM ${openDebts} AS debt WHERE ${where}
       ORDER BY due, payee, kind LIMIT ${limit ?? null} OFFSET ${offset}`,
    db.$queryRaw<{ total: bigint }[]>`SELECT count(*) AS total FROM ${openDebts} AS debt WHERE ${where}`,
  ]);
  const items = rows.map((row) => ({
    payee: row.payee,
    amount: bts(row.amount),
    dueMs: millis(Number(row.due)),
    kind: row.kind as PayoutKind,
    status: row.status as DebtLine["status"],
  }));
  return { items, total: Number(all?.total ?? 0n) };
}

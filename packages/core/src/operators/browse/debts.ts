import { bts } from "@stakebts/kernel/amount";
import type { OperationId } from "@stakebts/kernel/operation-id";
import { millis, type Millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import { debtIsNotCancelled } from "../../ledger/postgres/undecided.ts";
import type { DebtLine } from "../../ledger/view.ts";
import type { PayoutKey, PayoutKind } from "../../rules/payout.ts";
import { allOf, type Key, keysetPage, type KeysetPage, type KeysetWindow } from "./keyset.ts";
import type { CountedSum } from "./payouts.ts";

/** What is still to be paid: rows that have not fallen due, as if every nominator stays, and payouts that are not paid. */
export interface DebtSearch {
  readonly payee?: string | undefined;
  /** From (inclusive) to (exclusive), chain time. */
  readonly fromMs?: Millis | undefined;
  readonly toMs?: Millis | undefined;
}

export interface OpenDebt extends DebtLine {
  /** What it has a page under: its payout, or its agreement while there is none. */
  readonly payout: PayoutKey | undefined;
  readonly agreement: OperationId | undefined;
}

interface Row {
  readonly id: string;
  readonly payee: string;
  readonly amount: bigint;
  readonly due: bigint;
  readonly kind: string;
  readonly status: string;
  readonly payout: string | null;
  readonly agreement: string | null;
}

/** The conditions stand in both halves, where the indexes are. Rows are many and cut to the page; payouts that are open are few. */
function from({ payee, fromMs, toMs }: DebtSearch, cut = Prisma.empty): Prisma.Sql {
  const time = allOf([
    fromMs !== undefined && Prisma.sql`due >= ${BigInt(fromMs)}`,
    toMs !== undefined && Prisma.sql`due < ${BigInt(toMs)}`,
  ]);
  return Prisma.sql`FROM (
    (SELECT id, nominator AS payee, amount, due, CASE type WHEN 'base_amount' THEN 'base' ELSE type END AS kind, status,
           NULL AS payout, operation_name(block_start, trx_idx, ops_idx) AS agreement
      FROM stake_row
     WHERE status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled} AND ${time}
       ${payee === undefined ? Prisma.empty : Prisma.sql`AND nominator = ${payee}`} ${cut})
    UNION ALL
    SELECT id::text, payee, amount, due, kind, status, key, NULL FROM payout
     WHERE status <> 'confirmed' AND status <> 'cancelled' AND ${time}
       ${payee === undefined ? Prisma.empty : Prisma.sql`AND payee = ${payee}`}) AS debt`;
}

const BY_DUE: Key<Row> = {
  columns: Prisma.sql`due, id`,
  descending: false,
  of: ({ due, id }) => [`${due}`, id],
  parse: ([due, id]) =>
    due !== undefined && id !== undefined && /^\d{1,15}$/u.test(due)
      ? Prisma.sql`${BigInt(due)}, ${id}`
      : undefined,
};

/** In the order in which they fall due. */
export const findDebts = (
  db: Database,
  search: DebtSearch,
  window: KeysetWindow,
): Promise<KeysetPage<OpenDebt>> =>
  keysetPage<Row, OpenDebt>(
    db,
    { select: (cut) => Prisma.sql`SELECT * ${from(search, cut)} WHERE true`, key: BY_DUE, toLine },
    window,
  );

const toLine = (row: Row): OpenDebt => ({
  payee: row.payee,
  amount: bts(row.amount),
  dueMs: millis(Number(row.due)),
  kind: row.kind as PayoutKind,
  status: row.status as OpenDebt["status"],
  payout: (row.payout as PayoutKey | null) ?? undefined,
  agreement: (row.agreement as OperationId | null) ?? undefined,
});

export async function sumDebts(db: Database, search: DebtSearch, max: number): Promise<CountedSum> {
  // In the order of the index: without one the database, which does not know that what was due is no longer pending, reads all rows.
  const cut = Prisma.sql`ORDER BY due, id LIMIT ${max + 1}`;
  const [row] = await db.$queryRaw<{ count: bigint; amount: bigint }[]>`
    SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS amount
      FROM (SELECT amount ${from(search, cut)} LIMIT ${max + 1}) AS counted`;
  const count = Number(row?.count ?? 0n);
  return { count: Math.min(count, max), more: count > max, amount: bts(row?.amount ?? 0n) };
}

import { type Bts, bts } from "@stakebts/kernel/amount";
import type { Millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import { toPayoutLine } from "../../ledger/postgres/payout-lists.ts";
import type { PayoutLine } from "../../ledger/view.ts";
import type { Payout as PayoutModel } from "../../generated/prisma/client.ts";
import type { PayoutId, PayoutKind, PayoutStatus } from "../../rules/payout.ts";
import {
  allOf,
  type Counted,
  type Key,
  keysetPage,
  type KeysetPage,
  type KeysetWindow,
  numberAndUuid,
} from "./keyset.ts";

/** Which payouts. Times from (inclusive) to (exclusive), chain time; amounts are whole BTS, inclusive. */
export interface PayoutSearch {
  readonly statuses?: readonly PayoutStatus[] | undefined;
  readonly kinds?: readonly PayoutKind[] | undefined;
  readonly payee?: string | undefined;
  readonly dueFromMs?: Millis | undefined;
  readonly dueToMs?: Millis | undefined;
  /** Only those that are paid, by the time of the block that holds the payment; the newest payments first. */
  readonly paidFromMs?: Millis | undefined;
  readonly paidToMs?: Millis | undefined;
  readonly amountFrom?: bigint | undefined;
  readonly amountTo?: bigint | undefined;
  /** A limit holds them back, or makes them wait. */
  readonly limited?: boolean | undefined;
}

export interface CountedSum extends Counted {
  /** Of those that were counted. */
  readonly amount: Bts;
}

export interface PayeeSum {
  readonly payee: string;
  readonly count: number;
  readonly amount: Bts;
}

type Row = PayoutModel;

const isByPayment = ({ paidFromMs, paidToMs }: PayoutSearch): boolean =>
  paidFromMs !== undefined || paidToMs !== undefined;

const COLUMNS = Prisma.sql`
  id, key, kind, payee, amount, due, status, reason, attempts, limited_by AS "limitedBy",
  block_processed AS "blockProcessed", processed`;

const oneOf = (column: Prisma.Sql, values: readonly string[] | undefined): Prisma.Sql | undefined =>
  values === undefined ? undefined : Prisma.sql`${column} IN (${Prisma.join([...values])})`;

function where(search: PayoutSearch): Prisma.Sql {
  const { dueFromMs, dueToMs, paidFromMs, paidToMs, amountFrom, amountTo, payee } = search;
  return allOf([
    oneOf(Prisma.sql`status`, search.statuses),
    // What a partial index asks for, said again so that the planner sees it.
    search.statuses !== undefined &&
      !search.statuses.includes("confirmed") &&
      Prisma.sql`status <> 'confirmed'`,
    isByPayment(search) && Prisma.sql`status = 'confirmed'`,
    oneOf(Prisma.sql`kind`, search.kinds),
    payee !== undefined && Prisma.sql`payee = ${payee}`,
    dueFromMs !== undefined && Prisma.sql`due >= ${BigInt(dueFromMs)}`,
    dueToMs !== undefined && Prisma.sql`due < ${BigInt(dueToMs)}`,
    paidFromMs !== undefined && Prisma.sql`processed >= ${BigInt(paidFromMs)}`,
    paidToMs !== undefined && Prisma.sql`processed < ${BigInt(paidToMs)}`,
    amountFrom !== undefined && Prisma.sql`amount >= ${amountFrom}`,
    amountTo !== undefined && Prisma.sql`amount <= ${amountTo}`,
    search.limited === true && Prisma.sql`limited_by IS NOT NULL`,
  ]);
}

const BY_DUE: Key<Row> = {
  columns: Prisma.sql`due, id`,
  descending: true,
  of: ({ due, id }) => [`${due}`, id],
  parse: numberAndUuid,
};
const BY_PAYMENT: Key<Row> = {
  columns: Prisma.sql`processed, id`,
  descending: true,
  of: ({ processed, id }) => [`${processed}`, id],
  parse: numberAndUuid,
};

/** The newest debts first; the newest payments first when it is asked for the time of payment. */
export const findPayouts = (
  db: Database,
  search: PayoutSearch,
  window: KeysetWindow,
): Promise<KeysetPage<PayoutLine>> =>
  keysetPage<Row, PayoutLine>(
    db,
    {
      select: Prisma.sql`SELECT ${COLUMNS} FROM payout WHERE ${where(search)}`,
      key: isByPayment(search) ? BY_PAYMENT : BY_DUE,
      toLine: toPayoutLine,
    },
    window,
  );

/** In the order of their debts; those that are not there are left out. */
export async function payoutsNamed(
  db: Database,
  ids: readonly string[],
): Promise<readonly (PayoutLine & { readonly id: PayoutId })[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT ${COLUMNS} FROM payout WHERE id = ANY (${[...ids]}::uuid[]) ORDER BY due, id`;
  return rows.map((row) => ({ ...toPayoutLine(row), id: row.id as PayoutId }));
}

/** How many, and how much. */
export async function sumPayouts(db: Database, search: PayoutSearch, max: number): Promise<CountedSum> {
  const [row] = await db.$queryRaw<{ count: bigint; amount: bigint }[]>`
    SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS amount
      FROM (SELECT amount FROM payout WHERE ${where(search)} LIMIT ${max + 1}) AS counted`;
  const count = Number(row?.count ?? 0n);
  return { count: Math.min(count, max), more: count > max, amount: bts(row?.amount ?? 0n) };
}

/** Who is to get, or got, how much; by name. */
export const sumByPayee = (
  db: Database,
  search: PayoutSearch,
  window: KeysetWindow,
): Promise<KeysetPage<PayeeSum>> =>
  keysetPage<{ payee: string; count: bigint; amount: bigint }, PayeeSum>(
    db,
    {
      select: Prisma.sql`SELECT payee, count, amount FROM (
        SELECT payee, count(*) AS count, sum(amount)::bigint AS amount FROM payout WHERE ${where(search)}
         GROUP BY payee) AS sums WHERE true`,
      key: {
        columns: Prisma.sql`payee`,
        descending: false,
        of: ({ payee }) => [payee],
        parse: ([payee]) => (payee === undefined ? undefined : Prisma.sql`${payee}`),
      },
      toLine: ({ payee, count, amount }) => ({ payee, count: Number(count), amount: bts(amount) }),
    },
    window,
  );

/** Ids, the oldest debt first: for what is done to all of a filtered set. */
export async function payoutIds(
  db: Database,
  search: PayoutSearch,
  max: number,
): Promise<readonly PayoutId[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM payout WHERE ${where(search)} ORDER BY due, id LIMIT ${max}`;
  return rows.map(({ id }) => id as PayoutId);
}

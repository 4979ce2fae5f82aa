import { type Bts, bts } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { type OperationId, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { millis, type Millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import { type AgreementRow, toAgreementLine } from "../../ledger/postgres/stake-lists.ts";
import type { AgreementLine, AgreementStatus } from "../../ledger/view.ts";
import type { PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import type { AgreementTerms, TermMonths } from "../../rules/policy.ts";
import type { StakeRowId, StakeRowStatus, StakeRowType } from "../../rules/stake-row.ts";
import {
  allOf,
  type Counted,
  countUpTo,
  type Key,
  keysetPage,
  type KeysetPage,
  type KeysetWindow,
  numbers,
  order,
} from "./keyset.ts";

export interface AgreementSearch {
  readonly nominator?: string | undefined;
  readonly status?: AgreementStatus | undefined;
  readonly months?: TermMonths | undefined;
  /** Whole BTS, exactly: agreements come in a few sizes. */
  readonly amount?: bigint | undefined;
  readonly order?: "newest" | "oldest" | "largest" | undefined;
}

/** One row of an agreement's schedule, with what became of it. */
export interface ScheduleLine {
  readonly id: StakeRowId;
  readonly type: StakeRowType;
  readonly month: number;
  readonly amount: Bts;
  readonly dueMs: Millis;
  readonly status: StakeRowStatus;
  readonly processedMs: Millis | undefined;
  readonly blockProcessed: number | undefined;
  readonly payout: { readonly key: PayoutKey; readonly status: PayoutStatus } | undefined;
  /** The transfer that settled it. */
  readonly operation: OperationId | undefined;
  readonly txid: string | undefined;
}

export interface AgreementStory extends AgreementLine {
  readonly terms: AgreementTerms;
  readonly imported: boolean;
  readonly rows: readonly ScheduleLine[];
}

/** As an index has it (`stake_row_agreement_status`): what became of the base amount says what became of the agreement. */
const STATUS = Prisma.sql`(CASE base.status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing'
                                            WHEN 'premature' THEN 'stopped' ELSE 'ended' END)`;

const where = ({ nominator, status, months, amount }: AgreementSearch): Prisma.Sql =>
  allOf([
    nominator !== undefined && Prisma.sql`a.nominator = ${nominator}`,
    status !== undefined && Prisma.sql`${STATUS} = ${status}`,
    months !== undefined && Prisma.sql`a.months = ${months}`,
    amount !== undefined && Prisma.sql`a.amount = ${amount}`,
  ]);

/**
 * Which agreements of one term are open follows from when they began, which the database does not know: for both together it goes
 * through those of the term, in their order, and looks each up in `stake_row_base`. The other statuses are rare, and have an index.
 */
const goesThroughTerm = ({ status, months }: AgreementSearch): boolean =>
  months !== undefined && (status === "open" || status === "ended");

/** An agreement and the row of its base amount (`OFFSET 0` keeps the database from another plan). */
const from = (search: AgreementSearch): Prisma.Sql =>
  goesThroughTerm(search)
    ? Prisma.sql`
      FROM agreement a CROSS JOIN LATERAL (
        SELECT type, status, due, amount FROM stake_row b
         WHERE b.block_start = a.block_start AND b.trx_idx = a.trx_idx AND b.ops_idx = a.ops_idx
           AND b.type = 'base_amount' OFFSET 0) base`
    : Prisma.sql`
      FROM agreement a JOIN stake_row base
        ON base.block_start = a.block_start AND base.trx_idx = a.trx_idx AND base.ops_idx = a.ops_idx
       AND base.type = 'base_amount'`;

/** What the agreement itself and its base amount say. */
type BaseRow = Omit<AgreementRow, "rewards_paid" | "paid" | "owed" | "next_due"> & {
  readonly base_amount: bigint;
};

const position = ({ block_start, trx_idx, ops_idx }: BaseRow): readonly string[] =>
  [block_start, trx_idx, ops_idx].map(String);

const KEYS: Readonly<Record<NonNullable<AgreementSearch["order"]>, Key<BaseRow>>> = {
  newest: {
    columns: Prisma.sql`a.block_start, a.trx_idx, a.ops_idx`,
    descending: true,
    of: position,
    parse: numbers("int", "int", "int"),
  },
  oldest: {
    columns: Prisma.sql`a.block_start, a.trx_idx, a.ops_idx`,
    descending: false,
    of: position,
    parse: numbers("int", "int", "int"),
  },
  largest: {
    columns: Prisma.sql`a.amount, a.block_start, a.trx_idx, a.ops_idx`,
    descending: true,
    of: (row) => [`${row.amount}`, ...position(row)],
    parse: numbers("bigint", "int", "int", "int"),
  },
};

/** By the amount of the base row, which is that of its agreement: an index has it beside the status. */
const LARGEST_OF_STATUS: Key<BaseRow> = {
  ...KEYS.largest,
  columns: Prisma.sql`base.amount, base.block_start, base.trx_idx, base.ops_idx`,
  of: (row) => [`${row.base_amount}`, ...position(row)],
};

const keyOf = ({ order = "newest", status, months, nominator }: AgreementSearch): Key<BaseRow> =>
  order === "largest" && status !== undefined && months === undefined && nominator === undefined
    ? LARGEST_OF_STATUS
    : KEYS[order];

/** Of one agreement: what was paid, and what is to come. */
const SUMS = Prisma.sql`
  SELECT count(*) FILTER (WHERE type = 'reward' AND status IN ('confirmed', 'paid')) AS rewards_paid,
         coalesce(sum(amount) FILTER (WHERE status IN ('confirmed', 'premature')
                  OR (status = 'paid' AND type NOT LIKE 'agreement%')), 0)::bigint AS paid,
         coalesce(sum(amount) FILTER (WHERE type IN ('reward', 'base_amount')
                  AND status IN ('pending', 'processing')), 0)::bigint AS owed,
         min(due) FILTER (WHERE type IN ('reward', 'base_amount') AND status = 'pending') AS next_due
    FROM stake_row s`;

const select = (search: AgreementSearch): Prisma.Sql => Prisma.sql`
  SELECT a.block_start, a.trx_idx, a.ops_idx, a.nominator, a.amount, a.months, a.start, base.due AS "end",
         base.amount AS base_amount, ${STATUS} AS status ${from(search)} WHERE ${where(search)}`;

export async function findAgreements(
  db: Database,
  search: AgreementSearch,
  window: KeysetWindow,
): Promise<KeysetPage<AgreementLine>> {
  const key = keyOf(search);
  const page = await keysetPage<BaseRow, BaseRow>(
    db,
    { select: select(search), key, toLine: (row) => row },
    window,
  );
  return { ...page, items: await withSums(db, page.items) };
}

/** Of the agreements of one page only. */
async function withSums(db: Database, rows: readonly BaseRow[]): Promise<readonly AgreementLine[]> {
  const sums = await db.$queryRaw<
    (Pick<AgreementRow, "rewards_paid" | "paid" | "owed" | "next_due"> & { n: bigint })[]
  >`
    SELECT n, sums.* FROM unnest(${rows.map((row) => row.block_start)}::int[], ${rows.map((row) => row.trx_idx)}::int[],
                                 ${rows.map((row) => row.ops_idx)}::int[]) WITH ORDINALITY AS wanted (block, trx, op, n),
      LATERAL (${SUMS} WHERE s.block_start = wanted.block AND s.trx_idx = wanted.trx AND s.ops_idx = wanted.op) AS sums`;
  const byPlace = new Map(sums.map((sum) => [Number(sum.n), sum]));
  return rows.map((row, n) => {
    const sum = byPlace.get(n + 1);
    assert(sum !== undefined, "a sum of nothing is a row too");
    return toAgreementLine({ ...row, ...sum });
  });
}

export const countAgreements = (db: Database, search: AgreementSearch): Promise<Counted> =>
  countUpTo(
    db,
    // Those that are open are found among the newest first.
    goesThroughTerm(search)
      ? Prisma.sql`${from(search)} WHERE ${where(search)}
          ORDER BY ${order(KEYS.newest.columns, search.status === "open")}`
      : Prisma.sql`${from(search)} WHERE ${where(search)}`,
  );

interface RowOfSchedule {
  readonly id: string;
  readonly type: string;
  readonly number: number;
  readonly amount: bigint;
  readonly due: bigint;
  readonly status: string;
  readonly processed: bigint | null;
  readonly block_processed: number | null;
  readonly key: string | null;
  readonly payout_status: string | null;
  readonly block_num: number | null;
  readonly trx_in_block: number | null;
  readonly op_in_trx: number | null;
  readonly txid: string | null;
}

/** One agreement with its whole schedule, in the order of the due times. */
export async function agreementStory(
  db: Database,
  at: OperationPosition,
): Promise<AgreementStory | undefined> {
  const { blockNum, trxInBlock, opInTrx } = at;
  const here = Prisma.sql`block_start = ${blockNum} AND trx_idx = ${trxInBlock} AND ops_idx = ${opInTrx}`;
  const [found, rows, [more]] = await Promise.all([
    db.$queryRaw<
      BaseRow[]
    >`${select({})} AND a.block_start = ${blockNum} AND a.trx_idx = ${trxInBlock} AND a.ops_idx = ${opInTrx}`,
    db.$queryRaw<RowOfSchedule[]>`
      SELECT row.id, row.type, row.number, row.amount, row.due, row.status, row.processed, row.block_processed,
             debt.key, debt.status AS payout_status, s.block_num, s.trx_in_block, s.op_in_trx, t.txid
        FROM (SELECT * FROM stake_row WHERE ${here}) AS row
        LEFT JOIN LATERAL (
          SELECT p.id, p.key, p.status FROM payout_stake_row link JOIN payout p ON p.id = link.payout_id
           WHERE link.stake_row_id = row.id ORDER BY p.status = 'cancelled', p.created_at DESC LIMIT 1) AS debt ON true
        LEFT JOIN settlement s ON s.payout_id = debt.id
        LEFT JOIN transfer t USING (block_num, trx_in_block, op_in_trx)
       ORDER BY row.due, row.type DESC, row.number`,
    db.$queryRaw<{ terms: Record<string, string | number>; imported: boolean }[]>`
      SELECT terms, EXISTS (SELECT FROM imported_agreement WHERE ${here}) AS imported FROM agreement WHERE ${here}`,
  ]);
  const [agreement] = await withSums(db, found);
  if (agreement === undefined || more === undefined) return undefined;
  return {
    ...agreement,
    imported: more.imported,
    terms: {
      monthMs: Number(more.terms["monthMs"] ?? 0),
      rewardBps: BigInt(more.terms["rewardBps"] ?? 0),
      penaltyBps: BigInt(more.terms["penaltyBps"] ?? 0),
    },
    rows: rows.map((row) => ({
      id: row.id as StakeRowId,
      type: row.type as StakeRowType,
      month: row.number,
      amount: bts(row.amount),
      dueMs: millis(Number(row.due)),
      status: row.status as StakeRowStatus,
      processedMs: row.processed === null ? undefined : millis(Number(row.processed)),
      blockProcessed: row.block_processed ?? undefined,
      payout:
        row.key === null
          ? undefined
          : { key: row.key as PayoutKey, status: row.payout_status as PayoutStatus },
      operation:
        row.block_num === null
          ? undefined
          : operationId({
              blockNum: row.block_num,
              trxInBlock: row.trx_in_block ?? 0,
              opInTrx: row.op_in_trx ?? 0,
            }),
      txid: row.txid ?? undefined,
    })),
  };
}

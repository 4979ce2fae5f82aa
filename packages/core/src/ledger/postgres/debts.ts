import { bts, shares } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import type { AskingTransfer, Debt, DebtRow } from "../../rules/owed.ts";
import type { PayoutId, PayoutKey, PayoutKind, PayoutStatus } from "../../rules/payout.ts";
import type { TermMonths } from "../../rules/policy.ts";
import type { StakeRowType } from "../../rules/stake-row.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import { toTerms } from "./agreements.ts";
import { type StoredRequest, toRequest } from "./transfers.ts";

/** Numbers beyond those of JavaScript, and amounts, as digits. */
interface StoredTransfer {
  readonly at: OperationPosition;
  readonly timeMs: number;
  readonly sender: string;
  readonly amount: string;
  readonly assetId: string;
  readonly request: StoredRequest | null;
  readonly opened: boolean;
}

interface StoredRow {
  readonly type: StakeRowType;
  readonly number: number;
  readonly nominator: string;
  readonly amount: string;
  readonly at: OperationPosition;
  readonly agreedWith: string;
  readonly agreedAmount: string;
  readonly months: TermMonths;
  readonly startMs: number;
  readonly terms: Parameters<typeof toTerms>[0];
  readonly isImported: boolean;
  readonly openedBy: StoredTransfer | null;
  readonly alsoPaidBy: PayoutKey | null;
  readonly refundedBy: PayoutKey | null;
}

interface StoredDebt {
  readonly id: PayoutId;
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  readonly payee: string;
  readonly amount: bigint;
  readonly memo: string;
  readonly status: PayoutStatus;
  readonly rows: readonly StoredRow[];
  readonly cause: StoredTransfer | null;
  readonly attempts: readonly {
    readonly txid: string;
    readonly refBlockNum: number;
    readonly expirationMs: number;
  }[];
}

const position = (block: Prisma.Sql, trx: Prisma.Sql, op: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`json_build_object('blockNum', ${block}, 'trxInBlock', ${trx}, 'opInTrx', ${op})`;

/** An incoming transfer `t`, as one value. */
const TRANSFER = Prisma.sql`
  json_build_object('at', ${position(Prisma.sql`t.block_num`, Prisma.sql`t.trx_in_block`, Prisma.sql`t.op_in_trx`)},
    'timeMs', t.block_time_ms, 'sender', t.sender, 'amount', t.amount_shares::text, 'assetId', t.asset_id, 'request', t.request,
    'opened', EXISTS (SELECT FROM agreement o WHERE (o.block_start, o.trx_idx, o.ops_idx) = (t.block_num, t.trx_in_block, t.op_in_trx)))`;

/**
 * `<kind>:<block>:<trx>:<op>`, of a virtual operation with `.<v>`, written in one way only: `00` would be a second name of the same thing.
 * Matched once for each payout (OFFSET 0): it costs more than all else of the question.
 */
const CAUSE_KEY = Prisma.sql`'^(stop|refund|confirm|deposit):(0|[1-9][0-9]{0,8}):(0|[1-9][0-9]{0,8}):(0|[1-9][0-9]{0,4})(?:[.]([1-9][0-9]{0,4}))?$'`;

/** What payouts are owed for, in one question. The rows are those of one moment. */
export async function debtsOf(
  db: Pick<DatabaseTx, "$queryRaw">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Debt>> {
  const stored = await find(db, Prisma.sql`p.id = ANY(${[...ids]}::uuid[])`);
  const failedKeys = stored.flatMap(({ kind, key }) =>
    kind === "notice" ? [key.slice("notice:".length)] : [],
  );
  const failed =
    failedKeys.length === 0 ? [] : await find(db, Prisma.sql`p.key = ANY(${failedKeys}::text[])`);
  return new Map(
    stored.map((debt) => {
      const about = failed.find(({ key }) => debt.key === `notice:${key}`);
      return [debt.id, toDebt(debt, about === undefined ? undefined : toDebt(about, undefined))];
    }),
  );
}

const find = (db: Pick<DatabaseTx, "$queryRaw">, which: Prisma.Sql): Promise<StoredDebt[]> =>
  db.$queryRaw<StoredDebt[]>`
    SELECT p.id, p.key, p.kind, p.payee, p.amount, p.memo, p.status,
           (SELECT coalesce(json_agg(json_build_object(
                     'type', r.type, 'number', r.number, 'nominator', r.nominator, 'amount', r.amount::text,
                     'at', ${position(Prisma.sql`a.block_start`, Prisma.sql`a.trx_idx`, Prisma.sql`a.ops_idx`)},
                     'agreedWith', a.nominator, 'agreedAmount', a.amount::text, 'months', a.months, 'startMs', a.start,
                     'terms', a.terms,
                     'isImported', EXISTS (SELECT FROM imported_agreement i
                                            WHERE (i.block_start, i.trx_idx, i.ops_idx) = (a.block_start, a.trx_idx, a.ops_idx)),
                     'openedBy', (SELECT ${TRANSFER} FROM transfer t
                                   WHERE (t.block_num, t.trx_in_block, t.op_in_trx) = (a.block_start, a.trx_idx, a.ops_idx)
                                     AND t.direction = 'in'),
                     'alsoPaidBy', (SELECT other.key FROM payout_stake_row l JOIN payout other ON other.id = l.payout_id
                                     WHERE l.stake_row_id = r.id AND other.id <> p.id
                                       AND other.status IN ('signed', 'sent', 'confirmed') LIMIT 1),
                     'refundedBy', (SELECT refund.key FROM payout refund
                                     WHERE refund.key = 'refund:' || operation_name(a.block_start, a.trx_idx, a.ops_idx)
                                       AND refund.status <> 'cancelled')) ORDER BY r.id), '[]')
              FROM payout_stake_row link JOIN stake_row r ON r.id = link.stake_row_id
                   JOIN agreement a ON (a.block_start, a.trx_idx, a.ops_idx) = (r.block_start, r.trx_idx, r.ops_idx)
             WHERE link.payout_id = p.id) AS rows,
           (SELECT ${TRANSFER} FROM transfer t
             WHERE named.at[1] = p.kind AND t.direction = 'in'
               AND named.at[4]::int < 65536
               AND (t.block_num, t.trx_in_block, t.op_in_trx)
                 = (named.at[2]::int, named.at[3]::int, named.at[4]::int + 65536::bigint * coalesce(named.at[5], '0')::int)) AS cause,
           (SELECT coalesce(json_agg(json_build_object('txid', w.txid, 'refBlockNum', w.ref_block_num,
                                                       'expirationMs', w.expiration_ms)), '[]')
              FROM withdrawal w WHERE w.payout_id = p.id) AS attempts
      FROM payout p CROSS JOIN LATERAL (SELECT regexp_match(p.key, ${CAUSE_KEY}) AS at OFFSET 0) named
     WHERE ${which}`;

const toDebt = (
  { key, kind, payee, amount, memo, status, rows, cause, attempts }: StoredDebt,
  failed: Debt | undefined,
): Debt => ({
  key,
  kind,
  payee,
  amount: bts(amount),
  memo,
  status,
  rows: rows.map(toRow),
  cause: cause === null ? undefined : toAsking(cause),
  failed,
  attempts: attempts.map((attempt) => ({ ...attempt, expirationMs: millis(attempt.expirationMs) })),
});

const toRow = (row: StoredRow): DebtRow => ({
  type: row.type,
  number: row.number,
  nominator: row.nominator,
  amount: bts(BigInt(row.amount)),
  agreement: {
    operation: row.at,
    nominator: row.agreedWith,
    amount: bts(BigInt(row.agreedAmount)),
    months: row.months,
    startMs: millis(row.startMs),
    terms: toTerms(row.terms),
  },
  isImported: row.isImported,
  openedBy: row.openedBy === null ? undefined : toAsking(row.openedBy),
  alsoPaidBy: row.alsoPaidBy ?? undefined,
  refundedBy: row.refundedBy ?? undefined,
});

const toAsking = ({
  at,
  timeMs,
  sender,
  amount,
  assetId,
  request,
  opened,
}: StoredTransfer): AskingTransfer => ({
  operation: at,
  timeMs: millis(timeMs),
  sender,
  amount: shares(BigInt(amount)),
  assetId,
  request: request === null ? undefined : toRequest(request),
  opened,
});

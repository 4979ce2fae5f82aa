import { bts, shares } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../database/client.ts";
import { toTerms } from "../ledger/postgres/agreements.ts";
import { type StoredRequest, toRequest } from "../ledger/postgres/transfers.ts";
import type { AnsweredTransfer } from "../rules/answered.ts";
import type { TransferOutcome } from "../rules/decide.ts";
import type { PayoutKind } from "../rules/payout.ts";
import type { TermMonths } from "../rules/policy.ts";
import type { StakeRowId } from "../rules/stake-row.ts";
import type { IncomingToCheck } from "./monitor-ledger.ts";

interface Place {
  readonly block: number;
  readonly trx: number;
  readonly op: number;
}

interface WrittenRow extends Place {
  readonly sender: string;
  readonly time: bigint;
  readonly amount: bigint;
  readonly assetId: string;
  readonly memoStatus: string;
  readonly request: StoredRequest;
}

interface AnsweredRow extends WrittenRow {
  readonly outcome: TransferOutcome;
  readonly agreement: {
    readonly nominator: string;
    readonly amount: string;
    readonly months: TermMonths;
    readonly start: number;
    readonly terms: Parameters<typeof toTerms>[0];
  } | null;
  readonly rows: readonly { readonly id: StakeRowId; readonly amount: string; readonly due: number }[];
  readonly payouts: readonly { readonly kind: PayoutKind; readonly payee: string; readonly amount: string }[];
  readonly completesTopUp: boolean;
  readonly isImported: boolean;
  readonly hasOpenAgreement: boolean;
  readonly mayLoseAll: boolean;
}

const COLUMNS = Prisma.sql`
  t.block_num AS block, t.trx_in_block AS trx, t.op_in_trx AS op, t.sender, t.block_time_ms AS time, t.amount_shares AS amount,
  t.asset_id AS "assetId", t.memo_status AS "memoStatus", t.request`;
/** The name of a payout that this transfer `t` has asked for. */
const nameOf = (kind: "refund" | "stop"): Prisma.Sql =>
  Prisma.raw(`'${kind}:' || t.block_num || ':' || t.trx_in_block || ':' || t.op_in_trx`);

const placeOf = ({ block, trx, op }: Place): OperationPosition => ({
  blockNum: block,
  trxInBlock: trx,
  opInTrx: op,
});

/** Incoming transfers and what became of them, as a watcher uses them. */
export const incomingToCheck = (db: Database): IncomingToCheck => ({
  async written({ from, to, limit }) {
    const rows = await db.$queryRaw<WrittenRow[]>`
      SELECT ${COLUMNS} FROM transfer t
       WHERE t.block_num BETWEEN ${from} AND ${to} AND t.direction = 'in' ORDER BY 1, 2, 3 LIMIT ${limit}`;
    return rows.map((row) => ({
      operation: placeOf(row),
      sender: row.sender,
      timeMs: millis(Number(row.time)),
      amount: shares(row.amount),
      assetId: row.assetId,
      hasMemo: row.memoStatus !== "none",
      isDrawn: row.request.type === "drawn",
    }));
  },
  async leftOut() {
    const rows = await db.$queryRaw<
      { event: string }[]
    >`SELECT event FROM event_set_aside WHERE ended_at IS NULL`;
    return new Set(rows.map(({ event }) => event));
  },
  async answered(operations) {
    const rows = await db.$queryRaw<AnsweredRow[]>`
      SELECT ${COLUMNS}, t.outcome,
             (SELECT json_build_object('nominator', a.nominator, 'amount', a.amount::text, 'months', a.months, 'start', a.start,
                                       'terms', a.terms)
                FROM agreement a WHERE (a.block_start, a.trx_idx, a.ops_idx) = (t.block_num, t.trx_in_block, t.op_in_trx)) AS agreement,
             (SELECT coalesce(json_agg(json_build_object('id', r.id, 'amount', r.amount::text, 'due', r.due)), '[]')
                FROM stake_row r
               WHERE (r.block_start, r.trx_idx, r.ops_idx) = (t.block_num, t.trx_in_block, t.op_in_trx)) AS rows,
             (SELECT coalesce(json_agg(json_build_object('kind', p.kind, 'payee', p.payee, 'amount', p.amount::text)), '[]')
                FROM payout p WHERE p.key IN (${nameOf("refund")}, ${nameOf("stop")})) AS payouts,
             EXISTS (SELECT FROM top_up u WHERE u.status = 'arrived'
                        AND (u.arrived_block, u.arrived_trx, u.arrived_op) = (t.block_num, t.trx_in_block, t.op_in_trx)) AS "completesTopUp",
             t.import_mark IS NOT NULL
               OR t.block_num <= (SELECT processed_elsewhere_up_to_block_num FROM control)
               OR (t.outcome = 'already_processed' AND EXISTS (
                     SELECT FROM agreement a JOIN imported_agreement USING (block_start, trx_idx, ops_idx)
                      WHERE a.nominator = t.sender AND a.amount = t.amount_shares / 100000)) IS TRUE AS "isImported",
             EXISTS (SELECT FROM stake_row r
                      WHERE r.nominator = t.sender AND r.status = 'pending' AND r.type = 'base_amount' AND r.start <= t.block_time_ms
                        AND r.due > t.block_time_ms
                        AND (r.block_start, r.trx_idx, r.ops_idx) < (t.block_num, t.trx_in_block, t.op_in_trx)
                        -- Rows of a stop whose payout was cancelled are open again. When this transfer was answered they were not.
                        AND NOT EXISTS (SELECT FROM transfer s
                              WHERE s.sender = t.sender AND s.direction = 'in' AND s.outcome = 'stopped'
                                AND (s.block_num, s.trx_in_block, s.op_in_trx) > (r.block_start, r.trx_idx, r.ops_idx)
                                AND (s.block_num, s.trx_in_block, s.op_in_trx) < (t.block_num, t.trx_in_block, t.op_in_trx)))
               AS "hasOpenAgreement",
             EXISTS (SELECT FROM agreement a
                      WHERE a.nominator = t.sender AND (a.terms ->> 'penaltyBps')::bigint >= 10000) AS "mayLoseAll"
        FROM transfer t
       WHERE (t.block_num, t.trx_in_block, t.op_in_trx) IN (SELECT * FROM unnest(
               ${operations.map(({ blockNum }) => blockNum)}::int[],
               ${operations.map(({ trxInBlock }) => trxInBlock)}::int[],
               ${operations.map(({ opInTrx }) => opInTrx)}::int[]))
         AND t.direction = 'in' AND t.status = 'decided'`;
    return rows.map(toAnswered);
  },
});

function toAnswered(row: AnsweredRow): AnsweredTransfer {
  const { agreement, rows, payouts, sender, assetId, outcome } = row;
  const operation = placeOf(row);
  const { completesTopUp, isImported, hasOpenAgreement, mayLoseAll } = row;
  return {
    operation,
    sender,
    timeMs: millis(Number(row.time)),
    amount: shares(row.amount),
    assetId,
    request: toRequest(row.request),
    outcome,
    agreement:
      agreement === null
        ? undefined
        : {
            operation,
            nominator: agreement.nominator,
            amount: bts(BigInt(agreement.amount)),
            months: agreement.months,
            startMs: millis(agreement.start),
            terms: toTerms(agreement.terms),
          },
    rows: rows.map(({ id, amount, due }) => ({ id, amount: bts(BigInt(amount)), dueMs: millis(due) })),
    payouts: payouts.map((payout) => ({ ...payout, amount: bts(BigInt(payout.amount)) })),
    completesTopUp,
    isImported,
    hasOpenAgreement,
    mayLoseAll,
  };
}

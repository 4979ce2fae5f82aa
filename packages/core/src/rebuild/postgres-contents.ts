import postgres from "postgres";
import { openCursors } from "../runtime/database-session.ts";
import type { LedgerContents, PaymentFact, WholeLedger } from "./ledger-contents.ts";
import type {
  Agreement as AgreementModel,
  ChainCursor as ChainCursorModel,
  Payout as PayoutModel,
  StakeRow as StakeRowModel,
  Transfer as TransferModel,
} from "../generated/prisma/client.ts";
import { shares } from "@stakebts/kernel/amount";
import type { TransferOutcome } from "../rules/decide.ts";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutKey } from "../rules/payout.ts";
import type { StakeRowId } from "../rules/stake-row.ts";
import { toAgreement } from "../ledger/postgres/agreements.ts";
import { toCursor } from "../ledger/postgres/cursor.ts";
import { toPayout } from "../ledger/postgres/payout-row.ts";
import { toStakeRow } from "../ledger/postgres/stake-rows.ts";
import { toTransfer } from "../ledger/postgres/transfers.ts";
import { hasWork } from "../ledger/postgres/undecided.ts";

const ROWS_PER_PAGE = 5_000;
/** Shown to people: more than a person reads. */
const PAYMENTS_MAX = 1_000;

/**
 * The ledger in PostgreSQL as a whole: one moment, in a transaction that can write nothing, page after page from cursors
 * of the database. (Prisma has no cursors of this kind.)
 */
export const createWholeLedger = ({ url }: { url: string }): WholeLedger => ({
  look: async (work) => {
    const sql = await openCursors(url, {
      name: "stakebts-compare",
      transform: { column: { from: postgres.toCamel } },
    });
    try {
      return (await sql.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", async (tx) =>
        work(await contentsOf(tx)),
      )) as Awaited<ReturnType<typeof work>>;
    } finally {
      await sql.end();
    }
  },
});

type Sql = postgres.TransactionSql<{ bigint: bigint }>;

async function* pagesOf<Row extends object, T>(
  pages: AsyncIterable<readonly Row[]>,
  toFact: (row: Row) => T,
): AsyncGenerator<readonly T[]> {
  for await (const page of pages) yield page.map(toFact);
}

async function contentsOf(sql: Sql): Promise<LedgerContents> {
  const [state] = await sql<
    (Partial<ChainCursorModel> & { processedElsewhereUpTo: number | null; hasWork: boolean })[]
  >`
    SELECT c.*, processed_elsewhere_up_to_block_num AS processed_elsewhere_up_to,
           ${sql.unsafe(hasWork(true).sql)} AS has_work
      FROM control LEFT JOIN chain_cursor c ON true`;
  const [counts] = await sql<{ [name in keyof LedgerContents["counts"]]: number }[]>`
    SELECT (SELECT count(*) FROM transfer)::int AS transfers, (SELECT count(*) FROM agreement)::int AS agreements,
           (SELECT count(*) FROM stake_row)::int AS rows, (SELECT count(*) FROM payout)::int AS payouts,
           (SELECT count(*) FROM top_up)::int AS top_ups,
           (SELECT count(*) FROM receipt)::int AS receipts`;
  return {
    cursor:
      state?.blockNum === undefined || state.blockNum === null
        ? undefined
        : toCursor(state as ChainCursorModel),
    processedElsewhereUpToBlockNum: state?.processedElsewhereUpTo ?? 0,
    hasWork: state?.hasWork ?? false,
    counts: counts as LedgerContents["counts"],
    transfers: (fromBlockNum) =>
      pagesOf(
        sql<TransferModel[]>`
          SELECT * FROM transfer WHERE block_num >= ${fromBlockNum}
           ORDER BY block_num, trx_in_block, op_in_trx`.cursor(ROWS_PER_PAGE),
        (row) => ({
          ...toTransfer(row),
          outcome: (row.outcome as TransferOutcome | null) ?? undefined,
          reason: row.reason ?? undefined,
          isImported: row.importMark !== null,
        }),
      ),
    agreements: () =>
      pagesOf(
        sql<(AgreementModel & { opened: boolean })[]>`
          SELECT a.*, t.block_num IS NOT NULL AS opened
            FROM agreement a
            LEFT JOIN transfer t ON (t.block_num, t.trx_in_block, t.op_in_trx) = (a.block_start, a.trx_idx, a.ops_idx)
                                AND t.outcome = 'agreement_opened'
           ORDER BY a.block_start, a.trx_idx, a.ops_idx`.cursor(ROWS_PER_PAGE),
        (row) => ({ ...toAgreement(row), isOpenedByTransfer: row.opened }),
      ),
    rows: () =>
      pagesOf(
        sql<StakeRowModel[]>`SELECT * FROM stake_row ORDER BY id COLLATE "C"`.cursor(ROWS_PER_PAGE),
        (row) => ({ ...toStakeRow(row), blockProcessed: row.blockProcessed ?? undefined }),
      ),
    payouts: () =>
      pagesOf(
        sql<(PayoutModel & { links: string[] })[]>`
          SELECT p.*, ARRAY(SELECT stake_row_id || ' ' || settles_as FROM payout_stake_row l
                             WHERE l.payout_id = p.id ORDER BY stake_row_id COLLATE "C") AS links
            FROM payout p ORDER BY p.key COLLATE "C"`.cursor(ROWS_PER_PAGE),
        (row) => ({
          ...toPayout(row),
          blockProcessed: row.blockProcessed ?? undefined,
          rows: row.links.map((link) => {
            const [id, settlesAs] = link.split(" ") as [StakeRowId, string];
            return { id, settlesAs };
          }),
        }),
      ),
    unmatchedPayments: async () =>
      (
        await sql<PaymentRow[]>`
          SELECT operation_name(block_num, trx_in_block, op_in_trx) AS at, payout_key, receiver, amount_shares
            FROM transfer
           WHERE direction = 'out' AND payout_key NOT LIKE 'checkpoint:%'
             AND NOT EXISTS (SELECT FROM payout WHERE payout.key = transfer.payout_key)
             AND NOT EXISTS (SELECT FROM payout WHERE 'notice:' || payout.key = transfer.payout_key)
           ORDER BY block_num, trx_in_block, op_in_trx LIMIT ${PAYMENTS_MAX}`
      ).map(toPayment),
    repeatedPayments: async () =>
      (
        await sql<PaymentRow[]>`
          SELECT at, payout_key, receiver, amount_shares FROM (
            SELECT operation_name(block_num, trx_in_block, op_in_trx) AS at, payout_key, receiver, amount_shares,
                   row_number() OVER (PARTITION BY payout_key ORDER BY block_num, trx_in_block, op_in_trx) AS n
              FROM transfer WHERE direction = 'out' AND payout_key IS NOT NULL) numbered
           WHERE n > 1 LIMIT ${PAYMENTS_MAX}`
      ).map(toPayment),
    settledByHand: async () => {
      const rows = await sql<{ key: string }[]>`
        SELECT key FROM settlement JOIN payout ON payout.id = payout_id WHERE matched_by = 'operator'`;
      return rows.map(({ key }) => key);
    },
    receiptsOf: async (event, by) => {
      const rows = await sql<{ subject: string; details: Record<string, unknown> }[]>`
        SELECT subject, details FROM receipt
         WHERE event = ${event} AND written_by IN (
           SELECT login FROM (SELECT DISTINCT written_by AS login FROM receipt WHERE event = ${event}) AS writers
            WHERE written_by_one_of(login, ${[...by]}))`;
      return rows;
    },
  };
}

interface PaymentRow {
  readonly at: OperationId;
  readonly payoutKey: PayoutKey;
  readonly receiver: string;
  readonly amountShares: bigint;
}

const toPayment = ({ at, payoutKey, receiver, amountShares }: PaymentRow): PaymentFact => ({
  operation: at,
  payout: payoutKey,
  receiver,
  amount: shares(amountShares),
});

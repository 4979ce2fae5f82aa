import { bts } from "@stakebts/kernel/amount";
import { operationId, type OperationId } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import { SAME_START_MS } from "../../rules/import-mark.ts";
import type { AgreementTerms, TermMonths } from "../../rules/policy.ts";
import type { Agreement } from "../../rules/terms.ts";
import type { Agreement as AgreementModel } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { AgreementsTx, NewAgreement } from "../ledger.ts";
import { jsonRows } from "./json-rows.ts";
import { insertStakeRows } from "./stake-rows.ts";

const fromAgreement = (agreement: Agreement) => ({
  blockStart: agreement.operation.blockNum,
  trxIdx: agreement.operation.trxInBlock,
  opsIdx: agreement.operation.opInTrx,
  nominator: agreement.nominator,
  amount: agreement.amount,
  months: agreement.months,
  start: BigInt(agreement.startMs),
  terms: fromTerms(agreement.terms),
});

const fromTerms = (terms: AgreementTerms) => ({
  monthMs: terms.monthMs,
  rewardBps: `${terms.rewardBps}`,
  penaltyBps: `${terms.penaltyBps}`,
});

export const toAgreement = (row: AgreementModel): Agreement => ({
  operation: { blockNum: row.blockStart, trxInBlock: row.trxIdx, opInTrx: row.opsIdx },
  nominator: row.nominator,
  amount: bts(row.amount),
  months: row.months as TermMonths,
  startMs: millis(Number(row.start)),
  terms: toTerms(row.terms as unknown as ReturnType<typeof fromTerms>),
});

export const toTerms = (stored: ReturnType<typeof fromTerms>): AgreementTerms => ({
  monthMs: stored.monthMs,
  rewardBps: BigInt(stored.rewardBps),
  penaltyBps: BigInt(stored.penaltyBps),
});

/** Table agreement; the rows of an agreement are written with it. */
export class PostgresAgreements implements AgreementsTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find({ nominators }: { readonly nominators: readonly string[] }): Promise<readonly Agreement[]> {
    const rows = await this.#db.agreement.findMany({
      where: { nominator: { in: [...nominators] } },
      orderBy: [{ blockStart: "asc" }, { trxIdx: "asc" }, { opsIdx: "asc" }],
    });
    return rows.map(toAgreement);
  }

  async insert(
    agreements: readonly NewAgreement[],
    { imported }: { readonly imported: boolean } = { imported: false },
  ): Promise<readonly NewAgreement[]> {
    if (agreements.length === 0) return [];
    const written = await this.#db.$queryRaw<{ at: string }[]>`
      INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
      SELECT "blockStart", "trxIdx", "opsIdx", nominator, amount, months, start, terms
        FROM jsonb_to_recordset(${jsonRows(agreements.map(({ agreement }) => fromAgreement(agreement)))}::jsonb) AS new (
               "blockStart" int, "trxIdx" int, "opsIdx" int, nominator text, amount bigint, months int, start bigint,
               terms jsonb)
          ON CONFLICT DO NOTHING
      RETURNING operation_name(block_start, trx_idx, ops_idx) AS at`;
    const isNew = new Set(written.map((row) => row.at));
    const fresh = agreements.filter(({ agreement }) => isNew.delete(operationId(agreement.operation)));
    await insertStakeRows(
      this.#db,
      fresh.flatMap(({ rows }) => rows),
    );
    if (imported) await this.#noteImported(fresh);
    return fresh;
  }

  /** Only an operator's login may; the database notes which one it was. */
  async #noteImported(agreements: readonly NewAgreement[]): Promise<void> {
    const places = agreements.map(({ agreement }) => agreement.operation);
    await this.#db.$executeRaw`
      INSERT INTO imported_agreement (block_start, trx_idx, ops_idx)
      SELECT * FROM unnest(${places.map(({ blockNum }) => blockNum)}::int[],
                           ${places.map(({ trxInBlock }) => trxInBlock)}::int[],
                           ${places.map(({ opInTrx }) => opInTrx)}::int[])`;
  }

  /**
   * Each is found by one transfer: that one is decided as `already_processed`, and its reason ends with the agreement's name.
   */
  async importedDuplicate({
    operation,
    nominator,
    amount,
    months,
    startMs,
  }: Agreement): Promise<OperationId | undefined> {
    const start = BigInt(startMs);
    const [duplicate] = await this.#db.$queryRaw<{ at: OperationId }[]>`
      SELECT operation_name(block_start, trx_idx, ops_idx) AS at
        FROM agreement a
       WHERE (nominator = ${nominator} AND amount = ${amount} AND months = ${months}
              AND abs(start - ${start}) <= ${BigInt(SAME_START_MS)}
          OR (block_start, trx_idx, ops_idx) = (${operation.blockNum}::int, ${operation.trxInBlock}::int, ${operation.opInTrx}::int))
         AND (SELECT true FROM transfer t WHERE outcome = 'agreement_opened'
                 AND (t.block_num, t.trx_in_block, t.op_in_trx) = (a.block_start, a.trx_idx, a.ops_idx)) IS NULL
         AND (SELECT true FROM transfer t WHERE sender = a.nominator AND outcome = 'already_processed'
                 AND reason LIKE '% ' || operation_name(block_start, trx_idx, ops_idx) LIMIT 1) IS NULL
       ORDER BY (block_start, trx_idx, ops_idx) = (${operation.blockNum}::int, ${operation.trxInBlock}::int, ${operation.opInTrx}::int) DESC,
                abs(start - ${start}), block_start, trx_idx, ops_idx
       LIMIT 1`;
    return duplicate?.at;
  }
}

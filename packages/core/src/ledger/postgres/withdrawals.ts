import { shares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import { IN_FLIGHT_STATUSES, type PayoutId } from "../../rules/payout.ts";
import type { WithdrawalId, WithdrawalStatus } from "../../rules/withdrawal.ts";
import type { Withdrawal as WithdrawalModel } from "../../generated/prisma/client.ts";
import { type DatabaseTx, isUniqueViolation } from "../../database/client.ts";
import { jsonRows } from "./json-rows.ts";
import type {
  LedgerAccount,
  NewWithdrawal,
  WithdrawalQuery,
  WithdrawalRecord,
  WithdrawalRefusal,
  Withdrawals,
  WithdrawalsTx,
} from "../ledger.ts";

const LIVE = ["signed", "broadcast"];

const ANSWERS = [
  "saved",
  "epoch_over",
  "payout_moved",
  "payments_off",
  "another_account",
] as const satisfies readonly ("saved" | WithdrawalRefusal)[];

type WithdrawalColumns = Pick<
  WithdrawalModel,
  | "id"
  | "payoutId"
  | "txid"
  | "bytes"
  | "refBlockNum"
  | "expirationMs"
  | "feeShares"
  | "status"
  | "writerEpoch"
  | "refusedFor"
>;

export const toWithdrawal = (row: WithdrawalColumns): WithdrawalRecord => ({
  id: row.id as WithdrawalId,
  payoutId: row.payoutId as PayoutId,
  txid: row.txid,
  bytes: row.bytes,
  refBlockNum: row.refBlockNum,
  expirationMs: millis(Number(row.expirationMs)),
  fee: shares(row.feeShares),
  status: row.status as WithdrawalStatus,
  writerEpoch: row.writerEpoch,
  refusedFor: row.refusedFor ?? undefined,
});

const sameAccount = (one: LedgerAccount, other: LedgerAccount): boolean =>
  one.chainId === other.chainId &&
  one.custodianId === other.custodianId &&
  one.custodianName === other.custodianName;

/** Table withdrawal. */
export class PostgresWithdrawals implements WithdrawalsTx, Withdrawals {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find(query: WithdrawalQuery): Promise<readonly WithdrawalRecord[]> {
    if ("txids" in query) return this.#findByTxid(query.txids);
    const rows = await ("liveExpiringBeforeMs" in query
      ? this.#db.withdrawal.findMany({
          where: {
            status: { in: LIVE },
            expirationMs: { lt: BigInt(query.liveExpiringBeforeMs) },
            ...(query.refBlockNumMin === undefined ? {} : { refBlockNum: { gte: query.refBlockNumMin } }),
          },
          orderBy: [{ expirationMs: "asc" }, { id: "asc" }],
          ...(query.limit === undefined ? {} : { take: query.limit }),
        })
      : this.#db.withdrawal.findMany({
          where: { payoutId: query.payoutId },
          orderBy: [{ createdAt: "asc" }, { id: "asc" }],
        }));
    return rows.map(toWithdrawal);
  }

  /** Asked for each block. One parameter for all: Prisma's `in` has one for each. */
  async #findByTxid(txids: readonly string[]): Promise<readonly WithdrawalRecord[]> {
    if (txids.length === 0) return [];
    const rows = await this.#db.$queryRaw<WithdrawalColumns[]>`
      SELECT id, payout_id AS "payoutId", txid, bytes, ref_block_num AS "refBlockNum", expiration_ms AS "expirationMs",
             fee_shares AS "feeShares", status, writer_epoch AS "writerEpoch", refused_for AS "refusedFor"
        FROM withdrawal WHERE txid = ANY(${[...txids]}::text[]) ORDER BY created_at, id`;
    return rows.map(toWithdrawal);
  }

  /** In one statement, like the payouts that they settle. */
  async confirm(
    found: readonly { readonly id: WithdrawalId; readonly at: OperationPosition }[],
  ): Promise<number> {
    if (found.length === 0) return 0;
    const ids = found.map((f) => f.id as string);
    const blocks = found.map((f) => f.at.blockNum);
    const trxs = found.map((f) => f.at.trxInBlock);
    const ops = found.map((f) => f.at.opInTrx);
    return this.#db.$executeRaw`
      UPDATE withdrawal
         SET status = 'confirmed', block_num = f.block_num, trx_in_block = f.trx, op_in_trx = f.op, updated_at = now()
        FROM unnest(${ids}::uuid[], ${blocks}::int[], ${trxs}::int[], ${ops}::int[]) AS f (id, block_num, trx, op)
       WHERE withdrawal.id = f.id AND withdrawal.status IN ('signed', 'broadcast')`;
  }

  async expire(ids: readonly WithdrawalId[]): Promise<number> {
    if (ids.length === 0) return 0;
    return this.#db.$executeRaw`
      UPDATE withdrawal SET status = 'expired', updated_at = now()
       WHERE id = ANY(${[...ids]}::uuid[]) AND status IN ('signed', 'broadcast')`;
  }

  /**
   * The point of no return as one statement: the function `save_withdrawals` of the database looks at the switch, the epoch, the
   * recovery hold and the payouts under locks, and answers for each in order.
   */
  async save(withdrawals: readonly NewWithdrawal[]): Promise<readonly ("saved" | WithdrawalRefusal)[]> {
    try {
      return await this.#saveAll(withdrawals);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Two payers at the same instant: the unique index let one of them through.
      if (withdrawals.length === 1) return ["payout_moved"];
    }
    // Nothing is written yet: the others are no worse for it.
    const answers: ("saved" | WithdrawalRefusal)[] = [];
    for (const withdrawal of withdrawals) answers.push(...(await this.save([withdrawal])));
    return answers;
  }

  async #saveAll(withdrawals: readonly NewWithdrawal[]): Promise<readonly ("saved" | WithdrawalRefusal)[]> {
    const [first] = withdrawals;
    if (first === undefined) return [];
    const { account, writerEpoch } = first;
    assert(
      withdrawals.every((other) => other.writerEpoch === writerEpoch && sameAccount(other.account, account)),
      "what is saved together was signed by one payer for one account",
    );
    const rows = withdrawals.map(({ id, payoutId, txid, bytes, refBlockNum, expirationMs, fee }) => ({
      id,
      payoutId,
      txid,
      refBlockNum,
      expirationMs,
      fee,
      bytes: Buffer.from(bytes).toString("hex"),
    }));
    const answers = await this.#db.$queryRaw<{ answer: string }[]>`
      SELECT unnest(save_withdrawals(${jsonRows(rows)}::jsonb, ${writerEpoch}::bigint, ${account.chainId}, ${account.custodianId},
                                     ${account.custodianName})) AS answer`;
    assert(answers.length === withdrawals.length, "an answer for each withdrawal");
    // A word that a later version taught the database is no `saved`: nothing was written, so nothing may go out.
    return answers.map(({ answer }) => ANSWERS.find((known) => known === answer) ?? "payments_off");
  }

  async markSent(withdrawals: readonly Pick<WithdrawalRecord, "id" | "payoutId">[]): Promise<void> {
    if (withdrawals.length === 0) return;
    const ids = withdrawals.map(({ id }) => id as string);
    await this.#db.$executeRaw`
      WITH sent AS (
        UPDATE withdrawal SET status = 'broadcast', updated_at = now()
         WHERE id = ANY(${ids}::uuid[]) AND status = 'signed' RETURNING payout_id
      )
      UPDATE payout SET status = 'sent', updated_at = now() FROM sent WHERE id = payout_id AND status = 'signed'`;
  }

  async noteRefusal(
    { id, payoutId }: Pick<WithdrawalRecord, "id" | "payoutId">,
    { reason, commonCause }: Parameters<Withdrawals["noteRefusal"]>[1],
  ): Promise<void> {
    if (commonCause !== undefined)
      await this.#db.withdrawal.updateMany({
        where: { id, status: { in: LIVE }, refusedFor: null },
        data: { refusedFor: commonCause },
      });
    if (reason === undefined) return;
    await this.#db.payout.updateMany({
      where: { id: payoutId, status: { in: [...IN_FLIGHT_STATUSES] } },
      data: { reason },
    });
  }
}

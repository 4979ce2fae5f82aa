import { bts } from "@stakebts/kernel/amount";
import { millis, type Millis } from "@stakebts/kernel/time";
import type { StakeRowMove } from "../../rules/decide.ts";
import {
  assertStakeRowMove,
  type NewStakeRow,
  type StakeRow,
  type StakeRowId,
  type StakeRowStatus,
  type StakeRowType,
} from "../../rules/stake-row.ts";
import type { StakeRow as StakeRowModel } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { StakeRowQuery, StakeRowsTx } from "../ledger.ts";
import { jsonRows } from "./json-rows.ts";
import { debtIsNotCancelled, isAwaited } from "./undecided.ts";

const fromStakeRow = (row: NewStakeRow) => ({
  id: row.id,
  nominator: row.nominator,
  digitalAsset: row.digitalAsset,
  amount: row.amount,
  type: row.type,
  nonce: BigInt(row.startMs),
  start: BigInt(row.startMs),
  due: BigInt(row.dueMs),
  status: row.status,
  blockStart: row.agreement.blockNum,
  trxIdx: row.agreement.trxInBlock,
  opsIdx: row.agreement.opInTrx,
  number: row.number,
  ...settlementOf(row),
});

function settlementOf({ settlement, status, startMs, agreement }: NewStakeRow) {
  if (settlement !== undefined)
    return {
      processed: settlement.processedMs === undefined ? null : BigInt(settlement.processedMs),
      blockProcessed: settlement.blockProcessed ?? null,
    };
  // An agreement row is settled by the transfer that opened it.
  return status === "paid" ? { processed: BigInt(startMs), blockProcessed: agreement.blockNum } : {};
}

export const toStakeRow = (row: StakeRowModel): StakeRow => ({
  id: row.id as StakeRowId,
  agreement: { blockNum: row.blockStart, trxInBlock: row.trxIdx, opInTrx: row.opsIdx },
  nominator: row.nominator,
  digitalAsset: row.digitalAsset,
  amount: bts(row.amount),
  type: row.type as StakeRowType,
  number: row.number,
  startMs: millis(Number(row.start)),
  dueMs: millis(Number(row.due)),
  status: row.status as StakeRowStatus,
});

export async function insertStakeRows(db: DatabaseTx, rows: readonly NewStakeRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db.$executeRaw`
    INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, processed, status,
                           block_start, trx_idx, ops_idx, block_processed, number)
    SELECT id, nominator, "digitalAsset", amount, type, nonce, start, due, processed, status,
           "blockStart", "trxIdx", "opsIdx", "blockProcessed", number
      FROM jsonb_to_recordset(${jsonRows(rows.map(fromStakeRow))}::jsonb) AS new (
             id text, nominator text, "digitalAsset" text, amount bigint, type text, nonce bigint, start bigint,
             due bigint, processed bigint, status text, "blockStart" int, "trxIdx" int, "opsIdx" int,
             "blockProcessed" int, number int)`;
}

/** Table stake_row. */
export class PostgresStakeRows implements StakeRowsTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find(query: StakeRowQuery): Promise<readonly StakeRow[]> {
    if ("dueUpToMs" in query) return this.#due(query);
    const rows = await ("payoutId" in query
      ? this.#db.stakeRow.findMany({
          where: { payouts: { some: { payoutId: query.payoutId } } },
          orderBy: { id: "asc" },
        })
      : this.#db.stakeRow.findMany({
          where: { nominator: query.pendingOf, status: "pending" },
          orderBy: [{ start: "asc" }, { due: "asc" }, { id: "asc" }],
        }));
    return rows.map(toStakeRow);
  }

  async #due({ dueUpToMs, limit }: { dueUpToMs: Millis; limit: number }): Promise<readonly StakeRow[]> {
    const due = await this.#db.$queryRaw<{ id: string }[]>`
      SELECT id FROM stake_row
       WHERE due <= ${BigInt(dueUpToMs)} AND ${isAwaited}
       ORDER BY due, id LIMIT ${limit}`;
    if (due.length === 0) return [];
    const rows = await this.#db.stakeRow.findMany({
      where: { id: { in: due.map(({ id }) => id) } },
      orderBy: [{ due: "asc" }, { id: "asc" }],
    });
    return rows.map(toStakeRow);
  }

  async pendingAmong(nominators: readonly string[]): Promise<readonly string[]> {
    const rows = await this.#db.$queryRaw<{ nominator: string }[]>`
      SELECT nominator FROM unnest(${[...nominators]}::text[]) AS asked (nominator)
       WHERE EXISTS (SELECT FROM stake_row WHERE stake_row.nominator = asked.nominator AND status = 'pending')`;
    return rows.map(({ nominator }) => nominator);
  }

  async move(moves: readonly StakeRowMove[]): Promise<number> {
    const groups = new Map<string, StakeRowMove[]>();
    for (const move of moves) {
      assertStakeRowMove(move.from, move.to);
      const group = groups.get(`${move.from} ${move.to}`);
      if (group === undefined) groups.set(`${move.from} ${move.to}`, [move]);
      else group.push(move);
    }
    let moved = 0;
    for (const group of groups.values()) {
      const [{ from, to }] = group as [StakeRowMove];
      const { count } = await this.#db.stakeRow.updateMany({
        where: { id: { in: group.map((move) => move.row.id) }, status: from },
        data: { status: to },
      });
      moved += count;
    }
    return moved;
  }

  async nextDueInstants(limit: number): Promise<readonly Millis[]> {
    const rows = await this.#db.$queryRaw<{ due: bigint }[]>`
      SELECT DISTINCT due FROM stake_row WHERE status = 'pending' AND ${debtIsNotCancelled} ORDER BY due LIMIT ${limit}`;
    return rows.map((row) => millis(Number(row.due)));
  }
}

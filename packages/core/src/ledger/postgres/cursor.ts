import { assert } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import type { ChainCursor as ChainCursorModel } from "../../generated/prisma/client.ts";
import type { DatabaseTx } from "../../database/client.ts";
import type { Cursor, CursorMove, CursorTx } from "../ledger.ts";

export const toCursor = (row: ChainCursorModel): Cursor => ({
  blockNum: row.blockNum,
  blockId: row.blockId,
  blockTimeMs: millis(Number(row.blockTimeMs)),
  scannedFromBlockNum: row.scannedFromBlockNum,
  ...(row.historyBlockNum === null ? {} : { historyBlockNum: row.historyBlockNum }),
});

export async function readCursor(db: Pick<DatabaseTx, "chainCursor">): Promise<Cursor | undefined> {
  const row = await db.chainCursor.findUnique({ where: { id: 1 } });
  return row === null ? undefined : toCursor(row);
}

/** Table chain_cursor, of one row. */
export class PostgresCursor implements CursorTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  read(): Promise<Cursor | undefined> {
    return readCursor(this.#db);
  }

  async move(expected: number | undefined, next: CursorMove): Promise<boolean> {
    const values = { ...next, blockTimeMs: BigInt(next.blockTimeMs) };
    const { scannedFromBlockNum } = next;
    assert(
      expected !== undefined || scannedFromBlockNum !== undefined,
      "the first cursor says where it begins",
    );
    const { count } =
      expected === undefined
        ? await this.#db.chainCursor.createMany({
            data: { id: 1, scannedFromBlockNum: scannedFromBlockNum ?? 0, ...values },
            skipDuplicates: true,
          })
        : await this.#db.chainCursor.updateMany({ where: { id: 1, blockNum: expected }, data: values });
    return count === 1;
  }

  async moveHistory(expected: number | undefined, to: number): Promise<boolean> {
    const { count } = await this.#db.chainCursor.updateMany({
      where: { id: 1, historyBlockNum: expected ?? null },
      data: { historyBlockNum: to },
    });
    return count === 1;
  }

  async extendScan({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    await this.#db.chainCursor.updateMany({
      where: { id: 1, scannedFromBlockNum: { gt: from, lte: to + 1 } },
      data: { scannedFromBlockNum: from },
    });
  }
}

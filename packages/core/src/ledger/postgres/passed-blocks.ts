import type { DatabaseTx } from "../../database/client.ts";
import type { LedgerTx, PassedBlocks } from "../ledger.ts";

export class PostgresPassedBlocks implements PassedBlocks {
  readonly #db: Pick<DatabaseTx, "passedBlock">;

  constructor(db: Pick<DatabaseTx, "passedBlock">) {
    this.#db = db;
  }

  async within({ from, to }: { from: number; to: number }): Promise<readonly number[]> {
    const rows = await this.#db.passedBlock.findMany({
      where: { blockNum: { gte: from, lte: to } },
      orderBy: { blockNum: "asc" },
      select: { blockNum: true },
    });
    return rows.map(({ blockNum }) => blockNum);
  }

  async add(order: Parameters<LedgerTx["passedBlocks"]["add"]>[0]): Promise<boolean> {
    const { count } = await this.#db.passedBlock.createMany({ data: [order], skipDuplicates: true });
    return count === 1;
  }
}

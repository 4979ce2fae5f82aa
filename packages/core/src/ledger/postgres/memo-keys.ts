import type { DatabaseTx } from "../../database/client.ts";
import type { Ledger, LedgerTx, SeenMemoKey } from "../ledger.ts";

/** Table memo_key. */
export class PostgresMemoKeys {
  readonly #db: Pick<DatabaseTx, "memoKey">;

  constructor(db: Pick<DatabaseTx, "memoKey">) {
    this.#db = db;
  }

  async all(): ReturnType<Ledger["memoKeys"]["all"]> {
    const rows = await this.#db.memoKey.findMany({ orderBy: [{ createdAt: "asc" }, { publicKey: "asc" }] });
    return rows.map(({ publicKey, sinceBlockNum }): SeenMemoKey => ({
      publicKey,
      sinceBlockNum: sinceBlockNum ?? undefined,
    }));
  }

  async add(keys: Parameters<LedgerTx["memoKeys"]["add"]>[0]): Promise<void> {
    if (keys.length === 0) return;
    await this.#db.memoKey.createMany({
      data: keys.map(({ publicKey, sinceBlockNum = null }) => ({ publicKey, sinceBlockNum })),
      skipDuplicates: true,
    });
  }
}

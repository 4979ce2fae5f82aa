import type { DatabaseTx } from "../../database/client.ts";
import { jsonRows } from "./json-rows.ts";
import type { Ledger, LedgerTx, SeenMemoKey } from "../ledger.ts";

/** Table memo_key. */
export class PostgresMemoKeys {
  readonly #db: Pick<DatabaseTx, "memoKey" | "$executeRaw">;

  constructor(db: Pick<DatabaseTx, "memoKey" | "$executeRaw">) {
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
    // Not by Prisma: it writes every column, and the login of the ingester may not say who wrote it and when.
    await this.#db.$executeRaw`
      INSERT INTO memo_key (public_key, since_block_num)
      SELECT "publicKey", "sinceBlockNum"
        FROM jsonb_to_recordset(${jsonRows(keys)}::jsonb) AS new ("publicKey" text, "sinceBlockNum" int)
          ON CONFLICT DO NOTHING`;
  }
}

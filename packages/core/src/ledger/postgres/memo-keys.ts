import type { DatabaseTx } from "../../database/client.ts";
import { jsonRows } from "./json-rows.ts";
import type { Ledger, LedgerTx, LostMemoKey, SeenMemoKey } from "../ledger.ts";

/** Tables memo_key, lost_memo_key. */
export class PostgresMemoKeys {
  readonly #db: Pick<DatabaseTx, "memoKey" | "lostMemoKey" | "$executeRaw">;

  constructor(db: Pick<DatabaseTx, "memoKey" | "lostMemoKey" | "$executeRaw">) {
    this.#db = db;
  }

  async all(): ReturnType<Ledger["memoKeys"]["all"]> {
    const rows = await this.#db.memoKey.findMany({ orderBy: [{ createdAt: "asc" }, { publicKey: "asc" }] });
    const lost = new Set((await this.#db.lostMemoKey.findMany()).map(({ publicKey }) => publicKey));
    return rows.map(({ publicKey, sinceBlockNum }): SeenMemoKey => ({
      publicKey,
      sinceBlockNum: sinceBlockNum ?? undefined,
      ...(lost.has(publicKey) ? { isLost: true } : {}),
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

  async lose({ publicKey, actor, agreedBy, reason }: LostMemoKey): Promise<boolean> {
    const added = await this.#db.$executeRaw`
      INSERT INTO lost_memo_key (public_key, actor, agreed_by, reason)
      VALUES (${publicKey}, ${actor}, ${agreedBy}, ${reason}) ON CONFLICT DO NOTHING`;
    return added > 0;
  }
}

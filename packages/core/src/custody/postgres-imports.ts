import { bts } from "@stakebts/kernel/amount";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { Database } from "../database/client.ts";
import type { ImportsToCheck } from "./monitor-ledger.ts";

/** Table imported_agreement, as a watcher uses it. */
export const importsToCheck = (db: Database): ImportsToCheck => ({
  async unchecked(limit) {
    const rows = await db.$queryRaw<{ name: OperationId; amount: bigint; writtenBy: string }[]>`
      SELECT block_start || ':' || trx_idx || ':' || ops_idx AS name, a.amount, i.written_by AS "writtenBy"
        FROM imported_agreement i JOIN agreement a USING (block_start, trx_idx, ops_idx)
       WHERE i.checked_at IS NULL ORDER BY block_start, trx_idx, ops_idx LIMIT ${limit}`;
    return rows.map((row) => ({ ...row, amount: bts(row.amount) }));
  },
  async setChecked(imports) {
    const names = imports.map(({ name }) => name);
    await db.$executeRaw`
      UPDATE imported_agreement SET checked_at = now()
       WHERE checked_at IS NULL AND block_start || ':' || trx_idx || ':' || ops_idx = ANY(${names}::text[])`;
  },
});

import { bts } from "@stakebts/kernel/amount";
import type { LimitedBy } from "../../rules/limits.ts";
import type { LimitedSum } from "../view.ts";
import type { Database } from "../../database/client.ts";

export async function limitedSums(db: Pick<Database, "$queryRaw">): Promise<readonly LimitedSum[]> {
  const rows = await db.$queryRaw<{ by: string; held: boolean; count: bigint; amount: bigint }[]>`
    SELECT limited_by AS by, status = 'held' AS held, count(*) AS count, sum(amount)::bigint AS amount FROM payout
     WHERE limited_by IS NOT NULL AND status IN ('due', 'ready', 'held') GROUP BY 1, 2 ORDER BY 1, 2`;
  return rows.map(({ by, held, count, amount }) => ({
    by: by as LimitedBy,
    held,
    count: Number(count),
    amount: bts(amount),
  }));
}

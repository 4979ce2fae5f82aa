import { assert } from "@stakebts/kernel/assert";
import type { FenceState } from "../../rules/recovery-hold.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { type FenceColumns, toFence } from "./rows.ts";

/** The fence, and whether this is the database, and the run of its server, for which it was last considered. */
export async function fenceState(db: Pick<DatabaseTx, "$queryRaw">): Promise<FenceState> {
  const [row] = await db.$queryRaw<(FenceColumns & { databaseChanged: boolean })[]>`
    SELECT fence_until_ms AS "fenceUntilMs", fence_from_block_num AS "fenceFromBlockNum", fence_reason AS "fenceReason",
           database_identity IS DISTINCT FROM database_identity() AS "databaseChanged"
      FROM control WHERE id = 1`;
  assert(row !== undefined, "the control row is missing");
  return { raised: toFence(row), databaseChanged: row.databaseChanged };
}

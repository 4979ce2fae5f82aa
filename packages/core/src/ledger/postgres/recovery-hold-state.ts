import { assert } from "@stakebts/kernel/assert";
import type { RecoveryHoldState } from "../../rules/recovery-hold.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { type RecoveryHoldColumns, toRecoveryHold } from "./rows.ts";

/** The recovery hold, and whether this is the database, and the run of its server, for which it was last considered. */
export async function recoveryHoldState(db: Pick<DatabaseTx, "$queryRaw">): Promise<RecoveryHoldState> {
  const [row] = await db.$queryRaw<(RecoveryHoldColumns & { databaseChanged: boolean })[]>`
    SELECT recovery_hold_until_ms AS "recoveryHoldUntilMs", recovery_hold_from_block_num AS "recoveryHoldFromBlockNum", recovery_hold_reason AS "recoveryHoldReason",
           database_identity IS DISTINCT FROM database_identity() AS "databaseChanged"
      FROM control WHERE id = 1`;
  assert(row !== undefined, "the control row is missing");
  return { raised: toRecoveryHold(row), databaseChanged: row.databaseChanged };
}

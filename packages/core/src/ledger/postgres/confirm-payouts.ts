import type { PayoutConfirmation } from "../ledger.ts";
import type { DatabaseTx } from "../../database/client.ts";

/**
 * Payouts that are in an irreversible block, with the rows that each settles, in one statement: a block may confirm
 * hundreds. What is confirmed already stays; what an operator cancelled stays cancelled and is not counted. The function
 * refuses what the ledger knows no payment of.
 */
export async function confirmPayouts(
  db: DatabaseTx,
  confirmed: readonly PayoutConfirmation[],
): Promise<number> {
  const ids = confirmed.map((c) => c.payoutId as string);
  const blocks = confirmed.map((c) => c.blockNum);
  const times = confirmed.map((c) => BigInt(c.blockTimeMs));
  const [row] = await db.$queryRaw<{ confirmed: bigint }[]>`
    SELECT confirm_payouts(${ids}::uuid[], ${blocks}::int[], ${times}::bigint[]) AS confirmed`;
  return Number(row?.confirmed ?? 0n);
}

import type { NewWithdrawal, WithdrawalRefusal } from "../ledger.ts";
import type { Database } from "../../database/client.ts";

const ANSWERS = ["saved", "epoch_over", "payout_moved", "payments_off"] as const satisfies readonly (
  | "saved"
  | WithdrawalRefusal
)[];

/**
 * The point of no return as one statement: the function `save_withdrawal` of the database looks at the switch, the epoch,
 * the recovery hold and the payout under locks, and writes all or nothing. (As five statements of a transaction it took twice as long.)
 */
export async function saveWithdrawal(
  db: Database,
  withdrawal: NewWithdrawal,
): Promise<"saved" | WithdrawalRefusal> {
  const { id, payoutId, txid, bytes, refBlockNum, expirationMs, fee, writerEpoch } = withdrawal;
  const [row] = await db.$queryRaw<{ answer: string }[]>`
    SELECT save_withdrawal(${id}::uuid, ${payoutId}::uuid, ${txid}, ${Buffer.from(bytes)}, ${refBlockNum}::int,
                           ${BigInt(expirationMs)}::bigint, ${fee as bigint}::bigint, ${writerEpoch}::bigint) AS answer`;
  // A word that a later version taught the database is no `saved`: nothing was written, so nothing may go out.
  return ANSWERS.find((known) => known === row?.answer) ?? "payments_off";
}

import type { IdentifiedPayout } from "../ledger.ts";
import type { DatabaseTx } from "../../database/client.ts";

/** Debts of agreements and requests. Those that are there already stay as they are. */
export async function insertDebts(db: DatabaseTx, debts: readonly IdentifiedPayout[]): Promise<void> {
  await db.payout.createMany({
    data: debts.map(({ id, key, kind, payee, amount, memo, dueMs }) => ({
      id,
      key,
      kind,
      payee,
      amount,
      memo,
      due: BigInt(dueMs),
      status: "due",
    })),
    skipDuplicates: true,
  });
}

/** The one debt that ingester and payer may write down, so that it goes through a function of the database. */
export async function createNotice(db: DatabaseTx, notice: IdentifiedPayout): Promise<void> {
  const { id, key, payee, amount, memo, dueMs } = notice;
  await db.$queryRaw`
    SELECT create_notice(${id}::uuid, ${key}, ${payee}, ${amount as bigint}::bigint, ${memo}, ${BigInt(dueMs)}::bigint)`;
}

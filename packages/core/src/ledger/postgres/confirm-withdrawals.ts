import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { WithdrawalId } from "../../rules/withdrawal.ts";
import type { DatabaseTx } from "../../database/client.ts";

/** Live withdrawals that were found in irreversible blocks, in one statement. */
export function confirmWithdrawals(
  db: DatabaseTx,
  found: readonly { id: WithdrawalId; at: OperationPosition }[],
): Promise<number> {
  const ids = found.map((f) => f.id as string);
  const blocks = found.map((f) => f.at.blockNum);
  const trxs = found.map((f) => f.at.trxInBlock);
  const ops = found.map((f) => f.at.opInTrx);
  return db.$executeRaw`
    UPDATE withdrawal
       SET status = 'confirmed', block_num = f.block_num, trx_in_block = f.trx, op_in_trx = f.op, updated_at = now()
      FROM unnest(${ids}::uuid[], ${blocks}::int[], ${trxs}::int[], ${ops}::int[]) AS f (id, block_num, trx, op)
     WHERE withdrawal.id = f.id AND withdrawal.status IN ('signed', 'broadcast')`;
}

import type { OperationId } from "@stakebts/kernel/operation-id";
import type { Agreement } from "../../rules/terms.ts";
import type { DatabaseTx } from "../../database/client.ts";

/**
 * The agreement of an import that this one is: at its own place first, then by the nearest start. Each is found by one
 * transfer: that one is decided as `already_processed`, and its reason ends with the agreement's name.
 */
export async function findImportedDuplicate(
  db: DatabaseTx,
  { operation, nominator, amount, months, startMs }: Agreement,
  toleranceMs: number,
): Promise<OperationId | undefined> {
  const start = BigInt(startMs);
  const [duplicate] = await db.$queryRaw<{ at: OperationId }[]>`
    SELECT block_start || ':' || trx_idx || ':' || ops_idx AS at
      FROM agreement a
     WHERE (nominator = ${nominator} AND amount = ${amount} AND months = ${months}
            AND abs(start - ${start}) <= ${BigInt(toleranceMs)}
        OR (block_start, trx_idx, ops_idx) = (${operation.blockNum}::int, ${operation.trxInBlock}::int, ${operation.opInTrx}::int))
       AND NOT EXISTS (SELECT FROM transfer t WHERE outcome = 'agreement_opened'
                          AND (t.block_num, t.trx_in_block, t.op_in_trx) = (a.block_start, a.trx_idx, a.ops_idx))
       AND NOT EXISTS (SELECT FROM transfer t WHERE sender = a.nominator AND outcome = 'already_processed'
                          AND reason LIKE '% ' || block_start || ':' || trx_idx || ':' || ops_idx)
     ORDER BY (block_start, trx_idx, ops_idx) = (${operation.blockNum}::int, ${operation.trxInBlock}::int, ${operation.opInTrx}::int) DESC,
              abs(start - ${start}), block_start, trx_idx, ops_idx
     LIMIT 1`;
  return duplicate?.at;
}

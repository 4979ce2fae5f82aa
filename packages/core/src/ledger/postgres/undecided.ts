import { Prisma } from "../../database/client.ts";

/**
 * Condition on `transfer`: undecided, and answered also while nominations are not. What asks for an agreement waits, and so
 * does a stop of somebody who asked for one before it, for it would end that one too. Everything else comes to the same before
 * and after it. ADR 0019.
 */
export const isDecidable = (accepting: boolean): Prisma.Sql =>
  accepting
    ? Prisma.sql`transfer.status = 'undecided'`
    : Prisma.sql`transfer.status = 'undecided' AND transfer.request->>'type' <> 'open'
        AND NOT (transfer.request->>'type' = 'stop' AND EXISTS (
          SELECT FROM transfer earlier
           WHERE earlier.status = 'undecided' AND earlier.sender = transfer.sender AND earlier.request->>'type' = 'open'
             AND (earlier.block_num, earlier.trx_in_block, earlier.op_in_trx)
               < (transfer.block_num, transfer.trx_in_block, transfer.op_in_trx)))`;

/**
 * Condition on `stake_row`: its nominator has made no stop before it fell due that waits for an answer. In the order of the
 * chain there never is one; but stops may have to wait for nominations that are not answered now.
 */
export const isNotStopped = Prisma.sql`NOT EXISTS (
  SELECT FROM transfer stop
   WHERE stop.status = 'undecided' AND stop.sender = stake_row.nominator AND stop.request->>'type' = 'stop'
     AND stop.block_time_ms < stake_row.due)`;

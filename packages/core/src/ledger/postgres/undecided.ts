import { Prisma } from "../../database/client.ts";

/** Is this transfer set aside? `of` is a name of the table; nothing else comes in here. */
export const isTransferSetAside = (of: "transfer" | "earlier"): Prisma.Sql =>
  Prisma.raw(`EXISTS (SELECT FROM event_set_aside aside WHERE aside.ended_at IS NULL
    AND aside.event = operation_name(${of}.block_num, ${of}.trx_in_block, ${of}.op_in_trx))`);

/** Condition on `stake_row`: an operator has set it aside. */
const isRowSetAside = Prisma.sql`EXISTS (
  SELECT FROM event_set_aside aside WHERE aside.ended_at IS NULL AND aside.event = stake_row.id)`;

/** Condition on `transfer`: undecided, and answered now. The rule is `decidable` of testkit/src/twins/undecided.ts. */
export const isDecidable = (accepting: boolean): Prisma.Sql => Prisma.sql`
  transfer.status = 'undecided' AND NOT ${isTransferSetAside("transfer")}
  ${accepting ? Prisma.empty : Prisma.sql`AND transfer.request->>'type' <> 'open'`}
  AND (transfer.request->>'type' = 'stop' AND (
    EXISTS (
      SELECT FROM transfer unread
       WHERE unread.status = 'unread' AND unread.direction = 'in' AND unread.sender = transfer.sender
         AND (unread.block_num, unread.trx_in_block, unread.op_in_trx)
           < (transfer.block_num, transfer.trx_in_block, transfer.op_in_trx))
    OR EXISTS (
      SELECT FROM transfer earlier
       WHERE earlier.status = 'undecided' AND earlier.sender = transfer.sender
         AND (earlier.block_num, earlier.trx_in_block, earlier.op_in_trx)
           < (transfer.block_num, transfer.trx_in_block, transfer.op_in_trx)
         AND (${accepting ? Prisma.sql`false` : Prisma.sql`earlier.request->>'type' = 'open'`}
              OR (earlier.request->>'type' IN ('open', 'stop') AND ${isTransferSetAside("earlier")})))
    OR EXISTS (
      SELECT FROM event_set_aside aside JOIN stake_row ON stake_row.id = aside.event
       WHERE aside.ended_at IS NULL AND stake_row.status = 'pending' AND stake_row.nominator = transfer.sender
         AND stake_row.due <= transfer.block_time_ms))) IS NOT TRUE`;

/**
 * Condition on `stake_row`: no operator has cancelled the payout that this row makes when it falls due. Such a row stays
 * pending, as an open promise that a stop can still settle; a cancelled *stop* leaves the row to its own due date.
 * A pending row that was never owed has no link, so the common case is one look into an index.
 */
export const debtIsNotCancelled = Prisma.sql`NOT EXISTS (
  SELECT FROM payout_stake_row link JOIN payout ON payout.id = link.payout_id
   WHERE link.stake_row_id = stake_row.id AND payout.status = 'cancelled' AND payout.kind IN ('reward', 'base'))`;

/**
 * Condition on `stake_row`: it waits for its due date, no operator has set it aside or cancelled its payout, and its nominator has made no stop
 * before it falls due that waits for an answer, nor sent anything before that cannot be read yet and may be one (`isStopped` of testkit/src/twins/undecided.ts).
 */
export const isAwaited = Prisma.sql`stake_row.status = 'pending' AND stake_row.type IN ('reward', 'base_amount', 'penalty')
  AND NOT ${isRowSetAside} AND ${debtIsNotCancelled} AND NOT EXISTS (
    SELECT FROM transfer stop
     WHERE stop.status = 'undecided' AND stop.sender = stake_row.nominator AND stop.request->>'type' = 'stop'
       AND stop.block_time_ms < stake_row.due)
  AND NOT EXISTS (
    SELECT FROM transfer unread
     WHERE unread.status = 'unread' AND unread.direction = 'in' AND unread.sender = stake_row.nominator
       AND unread.block_time_ms < stake_row.due)`;

/** Is there a transfer that can be answered now, or a row that has fallen due by the time of the cursor? */
export const hasWork = (accepting: boolean): Prisma.Sql => Prisma.sql`(
  EXISTS (SELECT FROM transfer WHERE ${isDecidable(accepting)})
  OR EXISTS (SELECT FROM stake_row, chain_cursor WHERE stake_row.due <= chain_cursor.block_time_ms AND ${isAwaited}))`;

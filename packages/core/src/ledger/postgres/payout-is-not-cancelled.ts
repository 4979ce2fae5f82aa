import { Prisma } from "../../database/client.ts";

/**
 * Condition on `stake_row`: no operator has cancelled the payout that this row makes when it falls due. Such a row stays
 * pending, as an open promise that a stop can still settle; a cancelled *stop* leaves the row to its own due date.
 * A pending row that was never owed has no link, so the common case is one look into an index.
 */
export const debtIsNotCancelled = Prisma.sql`NOT EXISTS (
  SELECT FROM payout_stake_row link JOIN payout ON payout.id = link.payout_id
   WHERE link.stake_row_id = stake_row.id AND payout.status = 'cancelled' AND payout.kind IN ('reward', 'base'))`;

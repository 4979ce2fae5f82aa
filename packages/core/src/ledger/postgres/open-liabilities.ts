import { Prisma } from "../../database/client.ts";
import { debtIsNotCancelled } from "./payout-is-not-cancelled.ts";

/**
 * What the custodian still has to pay, one line each: rewards and base amounts that have not fallen due, as if every
 * nominator stays, and payouts that are neither confirmed nor cancelled.
 */
export const openDebts = Prisma.sql`(
  SELECT nominator AS payee, due, amount, false AS stopped, status,
         CASE type WHEN 'base_amount' THEN 'base' ELSE type END AS kind
    FROM stake_row
   WHERE status = 'pending' AND type IN ('reward', 'base_amount') AND ${debtIsNotCancelled}
  UNION ALL
  SELECT payee, due, amount, status IN ('held', 'failed'), status, kind FROM payout
   WHERE status NOT IN ('confirmed', 'cancelled'))`;

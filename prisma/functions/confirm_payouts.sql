-- Confirms payouts, with the stake rows that each settles, and only by a payment that the ledger has read from the chain: a
-- withdrawal of this payout that is confirmed in that block, or an outgoing transfer of that amount to the payee in it. A payout
-- that is confirmed or cancelled already stays as it is. Returns how many payouts were confirmed by this call.
CREATE OR REPLACE FUNCTION confirm_payouts(ids uuid[], blocks int[], times bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  unpaid text;
  confirmed bigint;
BEGIN
  SELECT p.key INTO unpaid
    FROM unnest(ids, blocks) AS f (id, block_num) JOIN payout p ON p.id = f.id
   WHERE p.status NOT IN ('confirmed', 'cancelled')
     AND NOT EXISTS (SELECT FROM withdrawal w
                      WHERE w.payout_id = p.id AND w.status = 'confirmed' AND w.block_num = f.block_num)
     AND NOT EXISTS (SELECT FROM transfer t
                      WHERE t.block_num = f.block_num AND t.direction = 'out' AND t.receiver = p.payee
                        AND t.asset_id = '1.3.0' AND t.amount_shares = p.amount * 100000)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'payout % is not confirmed: the ledger knows no payment of it in that block', unpaid
      USING ERRCODE = 'check_violation';
  END IF;
  WITH found AS (
    SELECT * FROM unnest(ids, blocks, times) AS f (id, block_num, time_ms)
  ), moved AS (
    UPDATE payout SET status = 'confirmed', reason = NULL, block_processed = f.block_num, processed = f.time_ms,
                      updated_at = now()
      FROM found f
     WHERE payout.id = f.id AND payout.status NOT IN ('confirmed', 'cancelled')
    RETURNING payout.id, f.block_num, f.time_ms
  ), settled AS (
    UPDATE stake_row SET status = link.settles_as, block_processed = moved.block_num, processed = moved.time_ms
      FROM payout_stake_row link JOIN moved ON moved.id = link.payout_id
     WHERE stake_row.id = link.stake_row_id AND stake_row.status IN ('processing', 'paid')
  )
  SELECT count(*) INTO confirmed FROM moved;
  RETURN confirmed;
END $$;

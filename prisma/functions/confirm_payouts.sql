-- Confirms payouts, with the stake rows that each settles and a receipt, each by one transfer that the ledger has read from the chain:
-- it pays this amount to the payee, settles nothing else (`settlement`), names no other payout, and names this one by the id of a
-- transaction that was signed for it, by the key in its memo, or by the nonce of a deposit. Where nothing names it, an operator says
-- that it is the payment (`said` has actor and reason). A payout that is confirmed or cancelled already stays as it is.
-- Returns how many payouts were confirmed by this call.
-- Each row is looked up by its key (LATERAL with OFFSET 0), so that the plan does not depend on the statistics of the tables: with a
-- generic plan, and on a ledger without statistics, 500 payouts took seconds.
CREATE OR REPLACE FUNCTION confirm_payouts(ids uuid[], blocks int[], trxs int[], ops int[], said jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  by_hand boolean := coalesce(said ->> 'actor', '') <> '' AND coalesce(said ->> 'reason', '') <> '' AND login_is('operator');
  unpaid text;
  moving uuid[];
BEGIN
  SELECT array_agg(id) INTO moving
    FROM (SELECT id FROM payout WHERE id = ANY (ids) AND status NOT IN ('confirmed', 'cancelled') ORDER BY id FOR UPDATE) open;
  IF moving IS NULL THEN RETURN 0; END IF;
  INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by)
  SELECT f.id, f.block_num, f.trx, f.op, m.matched_by
    FROM unnest(ids, blocks, trxs, ops) AS f (id, block_num, trx, op)
    CROSS JOIN LATERAL (SELECT * FROM payout WHERE id = f.id OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT * FROM transfer
                         WHERE (block_num, trx_in_block, op_in_trx) = (f.block_num, f.trx, f.op) OFFSET 0) AS t
    CROSS JOIN LATERAL (SELECT CASE
      WHEN EXISTS (SELECT FROM withdrawal w WHERE w.payout_id = p.id AND w.txid = t.txid) THEN 'txid'
      WHEN t.payout_key = p.key THEN 'key'
      WHEN p.kind = 'deposit' AND t.memo_nonce = ANY (deposit_nonces(p.key)) THEN 'nonce'
      WHEN by_hand AND NOT EXISTS (SELECT FROM withdrawal w WHERE w.txid = t.txid) THEN 'operator' END) AS m (matched_by)
   WHERE p.status NOT IN ('confirmed', 'cancelled') AND m.matched_by IS NOT NULL AND t.direction = 'out' AND t.receiver = p.payee
     AND t.asset_id = '1.3.0' AND t.amount_shares = p.amount * 100000 AND coalesce(t.payout_key, p.key) = p.key;
  SELECT (SELECT key FROM payout WHERE payout.id = m.id) INTO unpaid FROM unnest(moving) AS m (id)
   WHERE (SELECT true FROM settlement s WHERE s.payout_id = m.id) IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'payout % is not confirmed: the ledger knows no payment of it at that place', unpaid
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO receipt (event, subject, chain_time_ms, details)
  SELECT 'payout.confirmed', p.key, t.block_time_ms, coalesce(said, '{}') || jsonb_build_object(
           'payoutId', p.id, 'payee', p.payee, 'amountShares', t.amount_shares::text, 'txid', t.txid, 'was', p.status,
           'operation', operation_name(s.block_num, s.trx_in_block, s.op_in_trx), 'matchedBy', s.matched_by)
    FROM unnest(moving) AS m (id)
    CROSS JOIN LATERAL (SELECT * FROM settlement WHERE payout_id = m.id OFFSET 0) AS s
    CROSS JOIN LATERAL (SELECT * FROM payout WHERE id = m.id OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT * FROM transfer
                         WHERE (block_num, trx_in_block, op_in_trx) = (s.block_num, s.trx_in_block, s.op_in_trx) OFFSET 0) AS t
   ORDER BY s.block_num, s.trx_in_block, s.op_in_trx;
  UPDATE stake_row SET status = link.settles_as, block_processed = s.block_num, processed = t.block_time_ms
    FROM unnest(moving) AS m (id)
    CROSS JOIN LATERAL (SELECT * FROM payout_stake_row WHERE payout_id = m.id OFFSET 0) AS link
    CROSS JOIN LATERAL (SELECT * FROM settlement WHERE payout_id = m.id OFFSET 0) AS s
    CROSS JOIN LATERAL (SELECT * FROM transfer
                         WHERE (block_num, trx_in_block, op_in_trx) = (s.block_num, s.trx_in_block, s.op_in_trx) OFFSET 0) AS t
   WHERE stake_row.id = link.stake_row_id AND stake_row.status IN ('processing', 'paid');
  UPDATE payout SET status = 'confirmed', reason = NULL, updated_at = now(), (block_processed, processed) =
           (SELECT s.block_num, t.block_time_ms FROM settlement s JOIN transfer t USING (block_num, trx_in_block, op_in_trx)
             WHERE s.payout_id = payout.id)
   WHERE id = ANY (moving);
  RETURN cardinality(moving);
END $$;

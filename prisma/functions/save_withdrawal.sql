-- Saves signed bytes: from here on the payout can only be confirmed, or wait until this withdrawal is dead (ADR 0003). The first
-- payer wins, and only within the limits, while payments are on and no recovery hold is up. Payers of the version before call it too:
-- 'payments_off' means every kind of "not now", and `control` says which.
-- Locks: the control row, so that a switch or a new epoch comes before or after and not between; the payout row, so that the
-- second of two payers waits and finds the payout moved.
CREATE OR REPLACE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea, new_ref_block_num int,
                                           new_expiration_ms bigint, new_fee_shares bigint, epoch bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  switch control%ROWTYPE;
  found_status text;
BEGIN
  SELECT * INTO STRICT switch FROM control WHERE id = 1 FOR NO KEY UPDATE;
  IF switch.writer_epoch <> epoch THEN RETURN 'epoch_over'; END IF;
  IF NOT switch.payments_on OR switch.manager_freeze IN ('pay-nothing', 'all') OR switch.recovery_hold_until_ms IS NOT NULL
      OR switch.database_identity IS DISTINCT FROM database_identity() THEN
    RETURN 'payments_off';
  END IF;
  SELECT status INTO STRICT found_status FROM payout WHERE id = of_payout FOR UPDATE;
  IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'payout_moved'; END IF;
  CASE limit_payment(of_payout)
    WHEN 'go' THEN NULL;
    WHEN 'held' THEN RETURN 'payout_moved';
    WHEN 'later' THEN RETURN 'payments_off';
  END CASE;
  IF found_status <> 'ready' THEN
    UPDATE payout SET status = 'ready', waiting_since = NULL WHERE id = of_payout;
  END IF;
  UPDATE payout SET status = 'signed', reason = NULL, limited_by = NULL, attempts = attempts + 1, enqueued_at = now(),
                    updated_at = now()
   WHERE id = of_payout;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch,
                          signed_ms)
  VALUES (new_id, of_payout, new_txid, new_bytes, new_ref_block_num, new_expiration_ms, new_fee_shares, 'signed', epoch,
          coalesce((SELECT block_time_ms FROM chain_cursor), new_expiration_ms));
  RETURN 'saved';
END $$;

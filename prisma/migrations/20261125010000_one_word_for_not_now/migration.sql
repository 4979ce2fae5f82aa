-- A payer built before the recovery hold did not know the answer `on recovery hold`, and stopped. While old and new run side by side the
-- function may only answer what both know: saved, epoch_over, payout_moved, and payments_off for "not now", whatever the
-- reason; which one it is stands in `control`. By hand: the function.
--
-- Lock: none but the catalogue's. Back: save_withdrawal as in 20261124210000_add_fence.

CREATE OR REPLACE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea,
                                           new_ref_block_num int, new_expiration_ms bigint, new_fee_shares bigint,
                                           epoch bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  switch control%ROWTYPE;
  found_status text;
BEGIN
  SELECT * INTO STRICT switch FROM control WHERE id = 1 FOR SHARE;
  IF switch.writer_epoch <> epoch THEN RETURN 'epoch_over'; END IF;
  IF NOT switch.payments_on OR switch.recovery_hold_until_ms IS NOT NULL
      OR switch.database_identity IS DISTINCT FROM database_identity() THEN
    RETURN 'payments_off';
  END IF;
  SELECT status INTO STRICT found_status FROM payout WHERE id = of_payout FOR UPDATE;
  IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'payout_moved'; END IF;
  IF found_status <> 'ready' THEN
    UPDATE payout SET status = 'ready', waiting_since = NULL WHERE id = of_payout;
  END IF;
  UPDATE payout SET status = 'signed', reason = NULL, attempts = attempts + 1, enqueued_at = now(), updated_at = now()
   WHERE id = of_payout;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch)
  VALUES (new_id, of_payout, new_txid, new_bytes, new_ref_block_num, new_expiration_ms, new_fee_shares, 'signed', epoch);
  RETURN 'saved';
END $$;

-- Saves signed bytes: from here on the payout can only be confirmed, or wait until this withdrawal is dead (ADR 0003). The first
-- payer wins, and only from the account that the ledger is of, within the limits, while no freeze stops payments and no recovery hold
-- is placed. Payers of the version before
-- call it too: 'payments_off' means every kind of "not now".
-- Locks: the control row, so that a freeze or a new epoch comes before or after and not between; the payout row, so that the
-- second of two payers waits and finds the payout moved.
CREATE OR REPLACE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea, new_ref_block_num int,
                                           new_expiration_ms bigint, new_fee_shares bigint, epoch bigint,
                                           of_chain text, of_custodian text, of_name text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  newest_epoch bigint;
  found_status text;
  bound ledger_account%ROWTYPE := bind_ledger(of_chain, of_custodian, of_name);
BEGIN
  IF (bound.chain_id, bound.custodian_id) IS DISTINCT FROM (of_chain, of_custodian) THEN RETURN 'another_account'; END IF;
  SELECT writer_epoch INTO STRICT newest_epoch FROM control WHERE id = 1 FOR NO KEY UPDATE;
  IF newest_epoch <> epoch THEN RETURN 'epoch_over'; END IF;
  IF is_frozen() OR is_on_recovery_hold() THEN RETURN 'payments_off'; END IF;
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

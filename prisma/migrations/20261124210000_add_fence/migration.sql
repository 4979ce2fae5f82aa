-- A ledger that comes from a backup does not know what was signed after it. Until everything of that is in the ledger or
-- dead, nothing new may be signed: the recovery hold. ADR 0012. By hand: the identity, the check, the trigger and the function.
-- Lock: control, one row, for an instant. A running payer is refused (`on recovery hold`) until the ingester of this version has
-- looked at the database once. Back: save_withdrawal as in 20261123120100_fences, then drop what is added here.

-- AlterTable
ALTER TABLE "control" ADD COLUMN     "database_identity" TEXT,
ADD COLUMN     "recovery_hold_from_block_num" INTEGER,
ADD COLUMN     "recovery_hold_reason" TEXT,
ADD COLUMN     "recovery_hold_until_ms" BIGINT;

ALTER TABLE control ADD CONSTRAINT control_recovery_hold_is_whole
  CHECK (num_nulls(recovery_hold_until_ms, recovery_hold_from_block_num, recovery_hold_reason) IN (0, 3));

-- Differs after whatever may have put older rows in the place of newer ones: another database or table (pg_restore, a
-- copy), another server (a promoted replica), the same server started anew (a snapshot, point-in-time recovery, the loss
-- of commits that were not flushed). Needs no rights, unlike the system identifier, and says more than that.
CREATE FUNCTION database_identity() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('%s:%s:%s', extract(epoch FROM pg_postmaster_start_time()),
                (SELECT oid FROM pg_database WHERE datname = current_database()), 'control'::regclass::oid)
$$;

-- It goes forward, and falls only when the ledger has passed it (domain/recovery hold.ts).
CREATE FUNCTION recovery_hold_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.recovery_hold_until_ms IS NULL AND NOT EXISTS
      (SELECT FROM chain_cursor WHERE block_time_ms > OLD.recovery_hold_until_ms
                                  AND scanned_from_block_num <= OLD.recovery_hold_from_block_num) THEN
    RAISE EXCEPTION 'the fence stays up until the ledger has read a block later than %', OLD.recovery_hold_until_ms
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.recovery_hold_until_ms < OLD.recovery_hold_until_ms OR NEW.recovery_hold_from_block_num > OLD.recovery_hold_from_block_num THEN
    RAISE EXCEPTION 'the fence is never lowered' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER recovery_hold_holds BEFORE UPDATE ON control FOR EACH ROW
  WHEN (OLD.recovery_hold_until_ms IS NOT NULL) EXECUTE FUNCTION recovery_hold_holds();

-- As before (ADR 0003), and refused while the recovery hold is up, or ought to be and the ingester has not seen it yet.
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
  IF NOT switch.payments_on THEN RETURN 'payments_off'; END IF;
  IF switch.recovery_hold_until_ms IS NOT NULL OR switch.database_identity IS DISTINCT FROM database_identity() THEN
    RETURN 'fenced';
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

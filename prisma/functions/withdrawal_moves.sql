-- The status moves as WITHDRAWAL_MOVES says (a test compares them pair by pair), and what was signed is not changed.
CREATE OR REPLACE FUNCTION withdrawal_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'signed' THEN NEW.status IN ('broadcast', 'confirmed', 'expired')
      WHEN 'broadcast' THEN NEW.status IN ('confirmed', 'expired')
      ELSE false END) THEN
    RAISE EXCEPTION 'withdrawal % does not go from % to %', OLD.txid, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.payout_id, OLD.txid, OLD.bytes, OLD.ref_block_num, OLD.expiration_ms, OLD.fee_shares, OLD.writer_epoch)
     IS DISTINCT FROM
     (NEW.id, NEW.payout_id, NEW.txid, NEW.bytes, NEW.ref_block_num, NEW.expiration_ms, NEW.fee_shares, NEW.writer_epoch) THEN
    RAISE EXCEPTION 'withdrawal % is signed and is not changed', OLD.txid USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER withdrawal_moves BEFORE UPDATE ON withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_moves();

-- The status moves as STAKE_ROW_MOVES says (a test compares them pair by pair), and what is owed is not changed.
CREATE OR REPLACE FUNCTION stake_row_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'pending' THEN NEW.status IN ('processing', 'aborted')
      WHEN 'processing' THEN NEW.status IN ('confirmed', 'premature', 'pending')
      WHEN 'paid' THEN NEW.status = 'confirmed'
      ELSE false END) THEN
    RAISE EXCEPTION 'stake row % does not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.nominator, OLD.digital_asset, OLD.amount, OLD.type, OLD.nonce, OLD.start, OLD.due, OLD.number,
      OLD.block_start, OLD.trx_idx, OLD.ops_idx)
     IS DISTINCT FROM
     (NEW.id, NEW.nominator, NEW.digital_asset, NEW.amount, NEW.type, NEW.nonce, NEW.start, NEW.due, NEW.number,
      NEW.block_start, NEW.trx_idx, NEW.ops_idx) THEN
    RAISE EXCEPTION 'stake row % says what is owed and is not changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER stake_row_moves_forward BEFORE UPDATE ON stake_row FOR EACH ROW EXECUTE FUNCTION stake_row_moves_forward();

-- The status moves as TOP_UP_MOVES says (a test compares them pair by pair), and what was asked for is not changed.
CREATE OR REPLACE FUNCTION top_up_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'requested' THEN NEW.status IN ('asked', 'refused', 'arrived')
      WHEN 'asked' THEN NEW.status IN ('requested', 'accepted', 'arrived', 'refused', 'cancelled', 'unresolved')
      WHEN 'accepted' THEN NEW.status IN ('arrived', 'cancelled', 'unresolved')
      WHEN 'unresolved' THEN NEW.status IN ('accepted', 'arrived', 'cancelled')
      WHEN 'refused' THEN NEW.status = 'arrived'
      WHEN 'cancelled' THEN NEW.status = 'arrived'
      ELSE false END) THEN
    RAISE EXCEPTION 'exchange withdrawal % does not go from % to %', OLD.key, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.client_id, OLD.key, OLD.kind, OLD.account, OLD.amount_shares, OLD.memo, OLD.requested_ms)
     IS DISTINCT FROM
     (NEW.client_id, NEW.key, NEW.kind, NEW.account, NEW.amount_shares, NEW.memo, NEW.requested_ms)
     OR (OLD.bytes IS NOT NULL AND (OLD.bytes, OLD.txid, OLD.ref_block_num, OLD.expiration_ms)
         IS DISTINCT FROM (NEW.bytes, NEW.txid, NEW.ref_block_num, NEW.expiration_ms)) THEN
    RAISE EXCEPTION 'exchange withdrawal % says what was asked for and is not changed', OLD.key
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER top_up_moves BEFORE UPDATE ON top_up FOR EACH ROW EXECUTE FUNCTION top_up_moves();

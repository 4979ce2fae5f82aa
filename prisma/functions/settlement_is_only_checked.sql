-- Nothing is changed of a settlement but that a watcher has held it against the chain, once.
CREATE OR REPLACE FUNCTION settlement_is_only_checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.checked_at IS NOT NULL OR NEW.checked_at IS NULL
     OR (OLD.payout_id, OLD.block_num, OLD.trx_in_block, OLD.op_in_trx, OLD.matched_by, OLD.created_at)
        IS DISTINCT FROM (NEW.payout_id, NEW.block_num, NEW.trx_in_block, NEW.op_in_trx, NEW.matched_by, NEW.created_at) THEN
    RAISE EXCEPTION 'the settlement of payout % is checked once, and not changed otherwise', OLD.payout_id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER settlement_is_only_checked BEFORE UPDATE ON settlement FOR EACH ROW EXECUTE FUNCTION settlement_is_only_checked();

-- The recovery hold only moves forward, and it ends only when the ledger has read past it (ADR 0012).
CREATE OR REPLACE FUNCTION recovery_hold_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.recovery_hold_until_ms IS NULL
     AND NOT recovery_hold_is_passed(OLD.recovery_hold_until_ms, OLD.recovery_hold_from_block_num) THEN
    RAISE EXCEPTION 'the recovery hold stays until the ledger has read a block later than %', OLD.recovery_hold_until_ms
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.recovery_hold_until_ms < OLD.recovery_hold_until_ms OR NEW.recovery_hold_from_block_num > OLD.recovery_hold_from_block_num THEN
    RAISE EXCEPTION 'the recovery hold is never lowered' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER recovery_hold_holds BEFORE UPDATE ON control FOR EACH ROW
  WHEN (old.recovery_hold_until_ms IS NOT NULL) EXECUTE FUNCTION recovery_hold_holds();

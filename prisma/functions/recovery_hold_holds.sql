-- The recovery hold only moves forward, and it ends only when the ledger has read past it (domain/recovery hold.ts, ADR 0012).
CREATE OR REPLACE FUNCTION recovery_hold_holds() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE TRIGGER recovery_hold_holds BEFORE UPDATE ON control FOR EACH ROW
  WHEN (old.recovery_hold_until_ms IS NOT NULL) EXECUTE FUNCTION recovery_hold_holds();

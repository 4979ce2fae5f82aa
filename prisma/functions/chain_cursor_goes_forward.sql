-- The cursor never goes back to an older block.
CREATE OR REPLACE FUNCTION chain_cursor_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.block_num < OLD.block_num THEN
    RAISE EXCEPTION 'the cursor stands at block % and does not go back to %', OLD.block_num, NEW.block_num
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER chain_cursor_goes_forward BEFORE UPDATE ON chain_cursor FOR EACH ROW EXECUTE FUNCTION chain_cursor_goes_forward();

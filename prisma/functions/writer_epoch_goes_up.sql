-- A payer whose epoch is over does not come back.
CREATE OR REPLACE FUNCTION writer_epoch_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.writer_epoch < OLD.writer_epoch THEN
    RAISE EXCEPTION 'the writer epoch % is over', NEW.writer_epoch USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER writer_epoch_goes_up BEFORE UPDATE ON control FOR EACH ROW EXECUTE FUNCTION writer_epoch_goes_up();

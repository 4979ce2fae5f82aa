-- A debt begins with nothing paid of it. (Only the owner of the tables may write it otherwise: a test, or the way back by hand.)
CREATE OR REPLACE FUNCTION payout_begins_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.status <> 'due' OR NEW.attempts <> 0) AND NOT login_is('owner') THEN
    RAISE EXCEPTION 'payout % begins as due, and not as %', NEW.key, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER payout_begins_due BEFORE INSERT ON payout FOR EACH ROW EXECUTE FUNCTION payout_begins_due();

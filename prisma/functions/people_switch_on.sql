-- Any process may stop payments. Only people start them again: those who may stop nominations (command line, console, owner).
CREATE OR REPLACE FUNCTION people_switch_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT has_column_privilege('control', 'accepting_on', 'UPDATE') THEN
    RAISE EXCEPTION 'payments are switched on by people, and % is a process', current_user
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER people_switch_on BEFORE UPDATE ON control FOR EACH ROW
  WHEN (new.payments_on AND NOT old.payments_on) EXECUTE FUNCTION people_switch_on();

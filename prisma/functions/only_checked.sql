-- Nothing is changed of such a row but that a watcher has looked at it, once.
CREATE OR REPLACE FUNCTION only_checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.checked_at IS NOT NULL OR NEW.checked_at IS NULL
     OR to_jsonb(OLD) - 'checked_at' IS DISTINCT FROM to_jsonb(NEW) - 'checked_at' THEN
    RAISE EXCEPTION 'a row of % is checked once, and not changed otherwise', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER only_checked BEFORE UPDATE ON settlement FOR EACH ROW EXECUTE FUNCTION only_checked();
CREATE OR REPLACE TRIGGER only_checked BEFORE UPDATE ON imported_agreement FOR EACH ROW EXECUTE FUNCTION only_checked();

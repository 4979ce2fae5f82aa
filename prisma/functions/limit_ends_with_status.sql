-- A payout that moves has another reason for its status than the limit that held it back.
CREATE OR REPLACE FUNCTION limit_ends_with_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.limited_by := NULL;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER limit_ends_with_status BEFORE UPDATE ON payout FOR EACH ROW
  WHEN (old.status <> new.status AND old.limited_by IS NOT NULL AND old.limited_by = new.limited_by)
  EXECUTE FUNCTION limit_ends_with_status();

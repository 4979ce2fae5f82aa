-- Nothing is changed of a freeze but that it ends, once.
CREATE OR REPLACE FUNCTION freeze_is_only_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
     OR (OLD.id, OLD.level, OLD.source, OLD.process, OLD.reason, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.level, NEW.source, NEW.process, NEW.reason, NEW.created_at) THEN
    RAISE EXCEPTION 'freeze % is ended once, and not changed otherwise', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER freeze_is_only_ended BEFORE UPDATE ON ledger_freeze FOR EACH ROW EXECUTE FUNCTION freeze_is_only_ended();

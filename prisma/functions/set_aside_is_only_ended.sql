-- Nothing is changed of it but that it ends, once.
CREATE OR REPLACE FUNCTION set_aside_is_only_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
     OR (OLD.id, OLD.event, OLD.actor, OLD.reason, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.event, NEW.actor, NEW.reason, NEW.created_at) THEN
    RAISE EXCEPTION 'that event % is set aside is ended once, and not changed otherwise', OLD.event USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER set_aside_is_only_ended BEFORE UPDATE ON event_set_aside FOR EACH ROW EXECUTE FUNCTION set_aside_is_only_ended();

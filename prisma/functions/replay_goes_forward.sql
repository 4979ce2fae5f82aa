-- Nothing is changed of a replay but how far it is, what it waits for, and that it ends, once.
CREATE OR REPLACE FUNCTION replay_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL OR NEW.next_block < OLD.next_block OR NEW.transfers_added < OLD.transfers_added
     OR (OLD.id, OLD.from_block, OLD.to_block, OLD.actor, OLD.reason, OLD.written_by, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.from_block, NEW.to_block, NEW.actor, NEW.reason, NEW.written_by, NEW.created_at) THEN
    RAISE EXCEPTION 'replay % goes forward, ends once, and is not changed otherwise', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER replay_goes_forward BEFORE UPDATE ON replay_order FOR EACH ROW EXECUTE FUNCTION replay_goes_forward();

-- Is this event (block:trx:op of a transfer, or the id of a stake row) set aside now?
CREATE OR REPLACE FUNCTION is_set_aside(of_event text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM event_set_aside WHERE event = of_event AND ended_at IS NULL)
$$;

-- An event that is set aside is answered after all, in its turn, with a receipt; false: it is not set aside.
CREATE OR REPLACE FUNCTION resume_event(of_event text, by_whom text, why text, action text DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  details jsonb := jsonb_strip_nulls(jsonb_build_object('actor', by_whom, 'reason', why, 'action', action));
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  UPDATE event_set_aside SET ended_at = now(), ended_by = by_whom, end_reason = why WHERE event = of_event AND ended_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO receipt (event, subject, details) VALUES ('event.resumed', of_event, details);
  RETURN true;
END $$;

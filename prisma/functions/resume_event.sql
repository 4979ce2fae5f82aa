-- An event that is set aside is answered after all, in its turn; false: it is not set aside.
CREATE OR REPLACE FUNCTION resume_event(of_event text, by_whom text, why text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT login_is('operator') THEN
    RAISE EXCEPTION 'events are resumed by operators, and % is none', session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE event_set_aside SET ended_at = now(), ended_by = by_whom, end_reason = why WHERE event = of_event AND ended_at IS NULL;
  RETURN FOUND;
END $$;

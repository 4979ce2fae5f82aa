-- Ends a freeze, or the part of it that is not `still`; false: it is over already. People end freezes. A process ends only what it has
-- said of its own environment and file.
CREATE OR REPLACE FUNCTION end_freeze(of_freeze bigint, still text, by_whom text, why text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  old ledger_freeze%ROWTYPE;
BEGIN
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE;
  SELECT * INTO old FROM ledger_freeze WHERE id = of_freeze AND ended_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF NOT (login_is('operator') OR login_is('console')
          OR (old.source IN ('environment', 'file') AND login_is(old.process))) THEN
    RAISE EXCEPTION 'freezes are ended by people, and % is a process', session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF still IS NOT NULL AND (old.level <> 'all' OR still = 'all') THEN
    RAISE EXCEPTION 'of a freeze % there is no part %', old.level, still USING ERRCODE = 'check_violation';
  END IF;
  UPDATE ledger_freeze SET ended_at = now(), ended_by = by_whom, end_reason = why WHERE id = of_freeze;
  IF still IS NOT NULL THEN
    INSERT INTO ledger_freeze (level, source, process, reason) VALUES (still, old.source, old.process, old.reason);
  END IF;
  RETURN true;
END $$;

-- Adds a freeze; false: the same one is open already. Every process may stop what it has to, and says no more of it than its login
-- may: that of an operator comes from people's logins, that of a manager from the scheduler, which reads the memos, and every
-- other names the process of the login. (An operator's login may name another one: it does an ingester's work in a rebuild.)
CREATE OR REPLACE FUNCTION add_freeze(new_level text, new_source text, new_process text, new_reason text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (CASE new_source
      WHEN 'operator' THEN login_is('operator') OR login_is('console')
      WHEN 'manager' THEN login_is('scheduler')
      ELSE login_is('operator') OR login_is(new_process) END) THEN
    RAISE EXCEPTION 'a freeze by % is not added by %', concat_ws(' ', new_source, new_process), session_user
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE; -- Of two that add the same one, the second finds it.
  IF EXISTS (SELECT FROM ledger_freeze
              WHERE ended_at IS NULL AND level = new_level AND source = new_source AND reason = new_reason
                AND process IS NOT DISTINCT FROM new_process) THEN
    RETURN false;
  END IF;
  INSERT INTO ledger_freeze (level, source, process, reason) VALUES (new_level, new_source, new_process, new_reason);
  RETURN true;
END $$;

-- Is the login of this session that of this kind of process? The owner's login is that of every kind: where the roles of processes
-- are missing, all processes share it. The login and not the current role, so that it is the same in functions of the owner.
CREATE OR REPLACE FUNCTION login_is(process text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_class WHERE oid = 'ledger_freeze'::regclass AND pg_has_role(session_user, relowner, 'MEMBER'))
      OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'stakebts_' || process AND pg_has_role(session_user, oid, 'MEMBER'))
$$;

-- Was this written with the login of one of these kinds of processes, or with the owner's? A login that the server does not know is of
-- before a restore, and is believed: no process can choose what is written there.
CREATE OR REPLACE FUNCTION written_by_one_of(login text, processes text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN true
    ELSE EXISTS (SELECT FROM pg_class WHERE oid = 'ledger_freeze'::regclass AND pg_has_role(login, relowner, 'MEMBER'))
      OR EXISTS (SELECT FROM unnest(processes) AS process JOIN pg_roles ON rolname = 'stakebts_' || process
                  WHERE pg_has_role(login, pg_roles.oid, 'MEMBER')) END
$$;

-- Makes one database role for each kind of process, and returns the roles that could not be made. Roles belong to the whole
-- server: a migration of another database may make the same role at the same moment. ADR 0020.
CREATE OR REPLACE FUNCTION ensure_process_roles() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  role text;
  missing text[] := '{}';
BEGIN
  FOREACH role IN ARRAY ARRAY['stakebts_backup', 'stakebts_console', 'stakebts_ingester', 'stakebts_operator',
                              'stakebts_payer', 'stakebts_scheduler', 'stakebts_watcher'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      END IF;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN missing := missing || role;
    END;
  END LOOP;
  RETURN missing;
END $$;

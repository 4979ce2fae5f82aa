-- Differs after every event that may have put older rows in the place of newer ones: another database or table (pg_restore, a
-- copy), another server (a promoted replica), the same server started again (a snapshot, point-in-time recovery, the loss of
-- commits that were not flushed). It needs no rights, unlike the system identifier. ADR 0012.
CREATE OR REPLACE FUNCTION database_identity() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('%s:%s:%s', extract(epoch FROM pg_postmaster_start_time()),
                (SELECT oid FROM pg_database WHERE datname = current_database()), 'control'::regclass::oid)
$$;

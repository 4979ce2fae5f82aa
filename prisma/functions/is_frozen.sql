-- Does an open freeze stop payments? Twin: whyPaysNothing and inForce in packages/core/src/rules/freeze.ts, and a test compares them.
-- VOLATILE, so that it sees what was committed while its caller waited for a lock.
CREATE OR REPLACE FUNCTION is_frozen() RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT EXISTS (SELECT FROM ledger_freeze
                  WHERE ended_at IS NULL AND level IN ('pay-nothing', 'all') AND source NOT IN ('environment', 'file'))
$$;

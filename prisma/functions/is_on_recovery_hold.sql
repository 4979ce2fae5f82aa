-- May nothing be signed, or given to the payer, because the ledger may have forgotten payments? Twin: isOnRecoveryHold in
-- packages/core/src/rules/recovery-hold.ts, and a test compares them.
-- In plpgsql, whose body is looked at when it runs: one in SQL would keep database_identity() from getting other arguments.
CREATE OR REPLACE FUNCTION is_on_recovery_hold() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT FROM control
                  WHERE recovery_hold_until_ms IS NOT NULL OR database_identity IS DISTINCT FROM database_identity());
END $$;

-- Has the ledger looked into every block that may hold what it has forgotten? Twin: isRecoveryHoldPassed in
-- packages/core/src/rules/recovery-hold.ts, and a test compares them.
CREATE OR REPLACE FUNCTION recovery_hold_is_passed(until_ms bigint, from_block_num int) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM chain_cursor WHERE block_time_ms > until_ms AND scanned_from_block_num <= from_block_num)
$$;

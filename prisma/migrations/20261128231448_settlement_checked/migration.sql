-- Why: a watcher holds each settlement against the chain, once, also those that were written while no watcher was there.
-- Lock: writers to settlement wait while the index is built, seconds for millions of rows. Back: drop both; nothing else reads them.
ALTER TABLE settlement ADD COLUMN checked_at timestamptz(3);
CREATE INDEX settlement_unchecked ON settlement (created_at, payout_id) WHERE checked_at IS NULL;

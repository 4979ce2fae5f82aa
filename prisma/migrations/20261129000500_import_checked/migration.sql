-- Why: a watcher has people look at what was imported, once. What is there already was looked at.
-- Lock: none that lasts; the tables of imports are small. Back: drop the column.
ALTER TABLE imported_agreement ADD COLUMN checked_at timestamptz(3) DEFAULT CURRENT_TIMESTAMP;
ALTER TABLE imported_agreement ALTER COLUMN checked_at DROP DEFAULT;
CREATE INDEX imported_agreement_unchecked ON imported_agreement (block_start, trx_idx, ops_idx) WHERE checked_at IS NULL;

-- Why: a watcher asks once a minute which rows count as being paid and have no payout.
-- Lock: writers to stake_row wait while the index is built, seconds for millions of rows. Back: drop it.
CREATE INDEX stake_row_processing ON stake_row (due, id) WHERE status = 'processing';

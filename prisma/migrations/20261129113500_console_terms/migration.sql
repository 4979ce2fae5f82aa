-- Why: the console's list of the agreements of one term that are open, oldest first, looks up the base amount of each that has ended.
--   Over a million stake rows that took a third of a second, most of it for reading the rows; this index has what is asked.
-- Lock: building the index keeps writers of stake_row waiting, less than a second for each million rows.
-- Back: drop it. The version before needs none.

CREATE INDEX stake_row_base ON stake_row (block_start, trx_idx, ops_idx) INCLUDE (status, due, amount) WHERE type = 'base_amount';

-- Why: transfers that the chain carries out itself, from proposals that were approved, are in no block; the account's history has them.
--   It is read up to a block of its own, because nodes may not tell it for a while.
-- Lock: a moment; one column of a table of one row.
-- Back: ALTER TABLE chain_cursor DROP COLUMN history_block_num; the version before does not read it.

-- What came before this version is not looked for: it may have been answered by hand. `stakebts transfers record` writes it down.
ALTER TABLE chain_cursor ADD COLUMN history_block_num integer;
UPDATE chain_cursor SET history_block_num = block_num;

-- Why: each page of the console under 300 ms over a million stake rows. Agreements are sorted by size and filtered by term, and what was
--   paid in a month is summed without reading its rows.
-- Lock: building the indexes keeps writers of payout, stake_row and agreement waiting, about a second for each million rows. Deploy
--   with the processes stopped, or when little is due.
-- Back: drop them, and CREATE INDEX payout_by_payment ON payout (processed, id) WHERE status = 'confirmed'. The version before needs none.

CREATE INDEX agreement_by_size ON agreement (amount, block_start, trx_idx, ops_idx);
CREATE INDEX agreement_by_term ON agreement (months, block_start, trx_idx, ops_idx);

DROP INDEX stake_row_agreement_status;
CREATE INDEX stake_row_agreement_status ON stake_row ((
  CASE status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing' WHEN 'premature' THEN 'stopped' ELSE 'ended' END
), block_start, trx_idx, ops_idx) INCLUDE (status, due, amount) WHERE type = 'base_amount';
CREATE INDEX stake_row_agreement_size ON stake_row ((
  CASE status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing' WHEN 'premature' THEN 'stopped' ELSE 'ended' END
), amount, block_start, trx_idx, ops_idx) INCLUDE (status, due) WHERE type = 'base_amount';

DROP INDEX payout_by_payment;
CREATE INDEX payout_by_payment ON payout (processed, id) INCLUDE (payee, amount) WHERE status = 'confirmed';

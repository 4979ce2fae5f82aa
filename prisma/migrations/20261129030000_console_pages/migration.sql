-- Why: the console's lists go from page to page by a key, over millions of rows, and somebody may approve who may do nothing else.
-- Lock: building the indexes keeps writers of payout, stake_row, transfer, agreement and receipt waiting, about a second for each
--   million rows. Deploy with the processes stopped, or when little is due.
-- Back: drop them, CREATE INDEX receipt_event_idx ON receipt (event), and the check of roles as before. The version before needs none.

CREATE INDEX payout_by_due ON payout (due, id);
CREATE INDEX payout_by_payment ON payout (processed, id) WHERE status = 'confirmed';

-- What became of the base amount says what became of the agreement.
CREATE INDEX stake_row_agreement_status ON stake_row ((
  CASE status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing' WHEN 'premature' THEN 'stopped' ELSE 'ended' END
), block_start, trx_idx, ops_idx) WHERE type = 'base_amount';

-- By bytes: a name that begins with others stands behind them, whatever the language of the database.
CREATE INDEX agreement_by_nominator ON agreement (nominator COLLATE "C");

CREATE INDEX transfer_by_receiver ON transfer (receiver, block_num) WHERE direction = 'out';

DROP INDEX receipt_event_idx;
CREATE INDEX receipt_event_id_idx ON receipt (event, id);

ALTER TABLE console_user DROP CONSTRAINT console_user_role_known;
ALTER TABLE console_user ADD CONSTRAINT console_user_role_known CHECK (role IN ('viewer', 'approver', 'operator'));

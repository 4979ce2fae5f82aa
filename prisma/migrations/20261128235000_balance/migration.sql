-- Why: the watcher compares what the custodian holds with what it can account for. People say what else is legitimate, and record
--   transfers of executed proposals that no node tells of any more.
-- Lock: a moment; new tables, and the check of a small one is made wider.
-- Back: DROP TABLE balance_adjustment, recorded_transfer; the version before reads neither. Its watcher reads no note of the new kind.

ALTER TABLE watcher_note DROP CONSTRAINT watcher_note_kind_known;
ALTER TABLE watcher_note ADD CONSTRAINT watcher_note_kind_known CHECK (kind IN ('position', 'incoming', 'authority', 'alert', 'balance'));

-- What came to the custodian, or left it, otherwise than by a transfer, and that a person vouches for. Shares; less than zero: it left.
CREATE TABLE balance_adjustment (
  id            bigserial PRIMARY KEY,
  amount_shares bigint NOT NULL,
  actor         text NOT NULL,
  reason        text NOT NULL,
  written_by    text NOT NULL DEFAULT SESSION_USER,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT balance_adjustment_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT balance_adjustment_is_something CHECK (amount_shares <> 0)
);

-- A transfer to the custodian that a proposal made when it was executed, where no node tells of it any more: at which place it is in
-- the ledger, and which operation of which proposal it was. What it says stands in the block of the proposal.
CREATE TABLE recorded_transfer (
  block_num      integer NOT NULL,
  trx_in_block   integer NOT NULL,
  op_in_trx      integer NOT NULL,
  proposal_block integer NOT NULL,
  proposal_trx   integer NOT NULL,
  proposal_op    integer NOT NULL,
  -- Among the operations of the proposal, from 0 on.
  proposed_op    integer NOT NULL,
  actor          text NOT NULL,
  reason         text NOT NULL,
  written_by     text NOT NULL DEFAULT SESSION_USER,
  created_at     timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (block_num, trx_in_block, op_in_trx),
  CONSTRAINT recorded_transfer_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT recorded_transfer_comes_later CHECK (block_num >= proposal_block)
);
-- A proposal is executed once.
CREATE UNIQUE INDEX recorded_transfer_of_one_operation
  ON recorded_transfer (proposal_block, proposal_trx, proposal_op, proposed_op);

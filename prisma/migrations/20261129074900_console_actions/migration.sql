-- Why: operators cancel payouts and have blocks read again from the console, whose login writes to neither. What it may do goes
--   through functions (prisma/functions), which need who has asked before, and how far a replay is.
-- Lock: a moment; two new tables, which the version before does not read.
-- Back: DROP TABLE cancel_request, replay_order.

CREATE TABLE cancel_request (
  id         bigserial PRIMARY KEY,
  payout_id  uuid NOT NULL REFERENCES payout (id) ON UPDATE CASCADE ON DELETE RESTRICT,
  actor      text NOT NULL,
  reason     text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT cancel_request_has_author CHECK (actor <> '' AND reason <> '')
);
CREATE INDEX cancel_request_payout_id_idx ON cancel_request (payout_id);

CREATE TABLE replay_order (
  id              bigserial PRIMARY KEY,
  from_block      integer NOT NULL,
  to_block        integer NOT NULL,
  actor           text NOT NULL,
  reason          text NOT NULL,
  written_by      text NOT NULL DEFAULT SESSION_USER,
  created_at      timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- The first block that is not read again yet.
  next_block      integer NOT NULL,
  transfers_added integer NOT NULL DEFAULT 0,
  started_at      timestamptz(3),
  ended_at        timestamptz(3),
  ended_by        text,
  remark          text,
  CONSTRAINT replay_order_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT replay_order_has_blocks CHECK (from_block > 0 AND to_block >= from_block),
  CONSTRAINT replay_order_stands_within CHECK (next_block >= from_block AND next_block <= to_block + 1)
);
-- One after the other.
CREATE UNIQUE INDEX replay_order_one_open ON replay_order ((true)) WHERE ended_at IS NULL;

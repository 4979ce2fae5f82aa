-- The tables of the ledger. Whatever a process, a second process or an operator in a hurry does, the database refuses states
-- that the rules do not know: by the checks and unique indexes here, and by the triggers in prisma/functions. Which words each
-- closed set has is said in TypeScript, and a test compares (test/ledger/closed-sets.db.test.ts).
-- Units: agreement, stake_row, payout and receipt count whole BTS and milliseconds since the epoch; transfer, withdrawal and
-- top_up count shares (1e-5 BTS).
-- Lock: none, everything is new. Back: drop the database, there is nothing before it.

-- The last irreversible block that was fully processed. One row.
CREATE TABLE chain_cursor (
  id                     integer NOT NULL DEFAULT 1 PRIMARY KEY,
  block_num              integer NOT NULL,
  block_id               text NOT NULL,
  block_time_ms          bigint NOT NULL,
  scanned_from_block_num integer NOT NULL,
  created_at             timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at             timestamptz(3) NOT NULL,
  CONSTRAINT chain_cursor_is_one_row CHECK (id = 1)
);

-- Every transfer into or out of the custodian, named by its place in the chain.
CREATE TABLE transfer (
  block_num                 integer NOT NULL,
  trx_in_block              integer NOT NULL,
  op_in_trx                 integer NOT NULL,
  block_time_ms             bigint NOT NULL,
  direction                 text NOT NULL,
  txid                      text,
  sender                    text NOT NULL,
  receiver                  text NOT NULL,
  -- As it stands in the block, where a hash vouches for it: a payee has to be an account that has sent under this name.
  -- ADR 0015.
  sender_id                 text,
  sender_is_lifetime_member boolean NOT NULL,
  amount_shares             bigint NOT NULL,
  asset_id                  text NOT NULL,
  fee_shares                bigint NOT NULL,
  memo_status               text NOT NULL,
  memo_text                 text,
  request                   jsonb,
  payout_key                text,
  -- What an import knows of it and the chain does not: it was answered elsewhere before. ADR 0011.
  import_mark               jsonb,
  memo_nonce                text,
  replayed                  boolean NOT NULL DEFAULT false,
  status                    text NOT NULL,
  outcome                   text,
  reason                    text,
  created_at                timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (block_num, trx_in_block, op_in_trx),
  CONSTRAINT transfer_direction_known CHECK (direction IN ('in', 'out')),
  CONSTRAINT transfer_memo_status_known CHECK (memo_status IN ('none', 'text', 'public', 'unreadable')),
  CONSTRAINT transfer_status_known CHECK (status IN ('undecided', 'decided')),
  CONSTRAINT transfer_amount_positive CHECK (amount_shares > 0),
  CONSTRAINT transfer_decided_has_outcome CHECK ((direction = 'in' AND status = 'decided') = (outcome IS NOT NULL)),
  CONSTRAINT transfer_in_has_request CHECK ((direction = 'in') = (request IS NOT NULL))
);
CREATE INDEX transfer_txid_idx ON transfer (txid);
CREATE INDEX transfer_payout_key_idx ON transfer (payout_key);
CREATE INDEX transfer_sender_sender_id_idx ON transfer (sender, sender_id);
CREATE INDEX transfer_already_processed ON transfer (sender) WHERE outcome = 'already_processed';
CREATE INDEX transfer_memo_nonce ON transfer (memo_nonce) WHERE memo_nonce IS NOT NULL;
-- Strangers choose how many are undecided: what is asked of some of them is not looked for among all.
CREATE INDEX transfer_undecided_by_sender ON transfer (sender, block_time_ms)
  WHERE status = 'undecided' AND request->>'type' IN ('open', 'stop');
CREATE INDEX transfer_undecided_no_open ON transfer (block_num, trx_in_block, op_in_trx)
  WHERE status = 'undecided' AND request->>'type' <> 'open';
CREATE INDEX transfer_undecided ON transfer (block_num, trx_in_block, op_in_trx) WHERE status = 'undecided';

-- One accepted nomination, with the terms it was opened under.
CREATE TABLE agreement (
  block_start integer NOT NULL,
  trx_idx     integer NOT NULL,
  ops_idx     integer NOT NULL,
  nominator   text NOT NULL,
  amount      bigint NOT NULL,
  months      integer NOT NULL,
  start       bigint NOT NULL,
  terms       jsonb NOT NULL,
  created_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (block_start, trx_idx, ops_idx),
  CONSTRAINT agreement_amount_positive CHECK (amount > 0),
  CONSTRAINT agreement_months_known CHECK (months IN (3, 6, 12))
);
CREATE INDEX agreement_nominator_idx ON agreement (nominator);

-- Which agreements an operator's import has written. Every other one has to follow from a transfer that payer and watcher read from the
-- chain themselves, before they let anything be paid for it. ADR 0011.
CREATE TABLE imported_agreement (
  block_start integer NOT NULL,
  trx_idx     integer NOT NULL,
  ops_idx     integer NOT NULL,
  written_by  text NOT NULL DEFAULT session_user,
  created_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (block_start, trx_idx, ops_idx),
  CONSTRAINT imported_agreement_block_start_trx_idx_ops_idx_fkey FOREIGN KEY (block_start, trx_idx, ops_idx)
    REFERENCES agreement (block_start, trx_idx, ops_idx) ON DELETE RESTRICT ON UPDATE CASCADE
);

-- One payment that an agreement may cause, written down when it opens.
CREATE TABLE stake_row (
  id              text NOT NULL PRIMARY KEY,
  nominator       text NOT NULL,
  digital_asset   text NOT NULL,
  amount          bigint NOT NULL,
  type            text NOT NULL,
  nonce           bigint NOT NULL,
  start           bigint NOT NULL,
  due             bigint NOT NULL,
  processed       bigint,
  status          text NOT NULL,
  block_start     integer NOT NULL,
  trx_idx         integer NOT NULL,
  ops_idx         integer NOT NULL,
  block_processed integer,
  number          integer NOT NULL,
  created_at      timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT stake_row_block_start_trx_idx_ops_idx_fkey FOREIGN KEY (block_start, trx_idx, ops_idx)
    REFERENCES agreement (block_start, trx_idx, ops_idx) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT stake_row_type_known
    CHECK (type IN ('agreement_3', 'agreement_6', 'agreement_12', 'base_amount', 'penalty', 'reward')),
  CONSTRAINT stake_row_status_known
    CHECK (status IN ('pending', 'processing', 'confirmed', 'premature', 'paid', 'aborted')),
  CONSTRAINT stake_row_sign CHECK (CASE WHEN type = 'penalty' THEN amount <= 0 ELSE amount >= 0 END),
  CONSTRAINT stake_row_rewards_are_numbered CHECK ((type = 'reward') = (number > 0)),
  CONSTRAINT stake_row_settled_has_block
    CHECK (status NOT IN ('confirmed', 'premature') OR (block_processed IS NOT NULL AND processed IS NOT NULL))
);
CREATE UNIQUE INDEX stake_row_type_number_position ON stake_row (type, number, block_start, trx_idx, ops_idx);
CREATE INDEX stake_row_block_start_trx_idx_ops_idx_idx ON stake_row (block_start, trx_idx, ops_idx);
CREATE INDEX stake_row_pending_by_due ON stake_row (due, id) WHERE status = 'pending';
CREATE INDEX stake_row_pending_by_nominator ON stake_row (nominator) WHERE status = 'pending';

-- One debt, settled by one transfer.
CREATE TABLE payout (
  id              uuid NOT NULL PRIMARY KEY,
  key             text NOT NULL,
  kind            text NOT NULL,
  payee           text NOT NULL,
  amount          bigint NOT NULL,
  memo            text NOT NULL,
  due             bigint NOT NULL,
  status          text NOT NULL,
  reason          text,
  attempts        integer NOT NULL DEFAULT 0,
  waiting_since   bigint,
  block_processed integer,
  processed       bigint,
  enqueued_at         timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  enqueued_again      integer NOT NULL DEFAULT 0,
  limited_by      text,
  created_at      timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at      timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_kind_known
    CHECK (kind IN ('reward', 'base', 'stop', 'refund', 'confirm', 'notice', 'deposit', 'checkpoint')),
  CONSTRAINT payout_status_known CHECK (status IN
    ('due', 'ready', 'signed', 'sent', 'confirmed', 'waiting_funds', 'held', 'failed', 'cancelled')),
  CONSTRAINT payout_limited_by_known CHECK (limited_by IN ('payment_cap', 'approval', 'hour_cap', 'day_cap')),
  CONSTRAINT payout_amount_positive CHECK (amount > 0),
  CONSTRAINT payout_stopped_has_reason CHECK (status NOT IN ('held', 'failed', 'cancelled') OR reason IS NOT NULL),
  CONSTRAINT payout_waiting_has_since CHECK ((status = 'waiting_funds') <= (waiting_since IS NOT NULL)),
  CONSTRAINT payout_confirmed_has_block CHECK ((status = 'confirmed') = (block_processed IS NOT NULL))
);
CREATE UNIQUE INDEX payout_key_key ON payout (key);
CREATE INDEX payout_payee_idx ON payout (payee);
CREATE INDEX payout_open_by_due ON payout (due) WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds');
CREATE INDEX payout_open_by_lane ON payout ((kind = 'refund'), due, id) WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds');
-- What is open, failed, held or cancelled is a handful; what is confirmed grows for ever.
CREATE INDEX payout_unconfirmed ON payout (status, due) WHERE status <> 'confirmed';
CREATE INDEX payout_limited ON payout (due, id) WHERE limited_by IS NOT NULL;

-- Which rows a payout settles, and as what.
CREATE TABLE payout_stake_row (
  payout_id    uuid NOT NULL REFERENCES payout (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  stake_row_id text NOT NULL REFERENCES stake_row (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  settles_as   text NOT NULL,
  created_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (payout_id, stake_row_id)
);
CREATE INDEX payout_stake_row_stake_row_id_idx ON payout_stake_row (stake_row_id);

-- Which transfer settled a payout: one transfer settles one payout, and a payout is settled by one transfer. Written by
-- `confirm_payouts` alone. How the two were matched: by the id of a transaction of ours, by the payout's key in the memo, by the nonce
-- of a deposit, or because an operator says so.
CREATE TABLE settlement (
  payout_id    uuid NOT NULL PRIMARY KEY REFERENCES payout (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  block_num    integer NOT NULL,
  trx_in_block integer NOT NULL,
  op_in_trx    integer NOT NULL,
  matched_by   text NOT NULL,
  created_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT settlement_block_num_trx_in_block_op_in_trx_fkey FOREIGN KEY (block_num, trx_in_block, op_in_trx)
    REFERENCES transfer (block_num, trx_in_block, op_in_trx) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT settlement_matched_by_known CHECK (matched_by IN ('txid', 'key', 'nonce', 'operator'))
);
CREATE UNIQUE INDEX settlement_of_one_transfer ON settlement (block_num, trx_in_block, op_in_trx);

-- One attempt to move funds out: the signed bytes and what became of them. ADR 0003, 0004.
CREATE TABLE withdrawal (
  id            uuid NOT NULL PRIMARY KEY,
  payout_id     uuid NOT NULL REFERENCES payout (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  txid          text NOT NULL,
  bytes         bytea NOT NULL,
  ref_block_num integer NOT NULL,
  expiration_ms bigint NOT NULL,
  fee_shares    bigint NOT NULL,
  status        text NOT NULL,
  writer_epoch  bigint NOT NULL,
  signed_ms     bigint,
  block_num     integer,
  trx_in_block  integer,
  op_in_trx     integer,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT withdrawal_status_known CHECK (status IN ('signed', 'broadcast', 'confirmed', 'expired')),
  CONSTRAINT withdrawal_confirmed_has_block CHECK ((status = 'confirmed') = (block_num IS NOT NULL))
);
CREATE UNIQUE INDEX withdrawal_txid_key ON withdrawal (txid);
-- Of two payers that race, the second fails here and not on the chain.
CREATE UNIQUE INDEX withdrawal_one_live_per_payout ON withdrawal (payout_id) WHERE status IN ('signed', 'broadcast');
-- A payout whose payment is in a block is never paid by a second one.
CREATE UNIQUE INDEX withdrawal_one_confirmed_per_payout ON withdrawal (payout_id) WHERE status = 'confirmed';
CREATE INDEX withdrawal_payout_id_idx ON withdrawal (payout_id);
CREATE INDEX withdrawal_live_by_expiration ON withdrawal (expiration_ms) WHERE status IN ('signed', 'broadcast');
CREATE INDEX withdrawal_signed_ms_idx ON withdrawal (signed_ms);

-- One request to a source of funds, written down under its own name before the source is asked: cover, or an exchange
-- withdrawal that a manager has asked for.
CREATE TABLE top_up (
  client_id     uuid NOT NULL PRIMARY KEY,
  key           text NOT NULL,
  kind          text NOT NULL,
  -- 0 is the reserve account, 1 to 3 are exchange accounts.
  account       integer NOT NULL,
  amount_shares bigint NOT NULL,
  memo          text NOT NULL,
  status        text NOT NULL,
  reason        text,
  venue_status  text,
  exchange_id   text,
  txid          text,
  asks          integer NOT NULL DEFAULT 0,
  asked_at      timestamptz(3),
  requested_ms  bigint NOT NULL,
  bytes         bytea,
  ref_block_num integer,
  expiration_ms bigint,
  arrived_block integer,
  arrived_trx   integer,
  arrived_op    integer,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT top_up_kind_known CHECK (kind IN ('shortage', 'admin')),
  CONSTRAINT top_up_status_known CHECK (status IN
    ('requested', 'asked', 'accepted', 'arrived', 'refused', 'cancelled', 'unresolved')),
  CONSTRAINT top_up_account_known CHECK (account BETWEEN 0 AND 3),
  CONSTRAINT top_up_amount_positive CHECK (amount_shares > 0),
  CONSTRAINT top_up_arrived_has_place CHECK ((status = 'arrived') = (arrived_block IS NOT NULL)),
  CONSTRAINT top_up_ended_has_reason
    CHECK (status NOT IN ('refused', 'cancelled', 'unresolved') OR reason IS NOT NULL),
  CONSTRAINT top_up_bytes_are_whole
    CHECK ((bytes IS NULL) = (ref_block_num IS NULL) AND (bytes IS NULL) = (expiration_ms IS NULL))
);
CREATE UNIQUE INDEX top_up_key_key ON top_up (key);
-- Cover is caused by the shortage, not by each payout: of one source there is one open request at a time.
CREATE UNIQUE INDEX top_up_one_open_shortage ON top_up (account)
  WHERE kind = 'shortage' AND status IN ('requested', 'asked', 'accepted', 'unresolved');
-- A transfer completes one request, and a request is completed by one transfer.
CREATE UNIQUE INDEX top_up_arrived_by ON top_up (arrived_block, arrived_trx, arrived_op)
  WHERE status = 'arrived';

-- Jobs to be enqueued, written together with the state that causes them. A job that is on the queue is no row any more.
CREATE TABLE outbox (
  id         bigserial NOT NULL PRIMARY KEY,
  job_id    text NOT NULL,
  kind       text NOT NULL,
  data       jsonb NOT NULL,
  delay_ms   bigint NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX outbox_job_id_key ON outbox (job_id);

-- The audit log. Rows are added, nothing else. The database says with which login: no login may write that column. Nothing is decided by
-- a receipt, for every process may write any.
CREATE TABLE receipt (
  id            bigserial NOT NULL PRIMARY KEY,
  event         text NOT NULL,
  subject       text NOT NULL,
  chain_time_ms bigint,
  details       jsonb NOT NULL,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  written_by    text NOT NULL DEFAULT session_user
);
CREATE INDEX receipt_subject_event_idx ON receipt (subject, event);
CREATE INDEX receipt_event_idx ON receipt (event);

-- The place of a receipt in the chain of hashes, so that one that is changed, removed or inserted later shows. It has an
-- order of its own: receipts are not numbered in the order in which they are committed. ADR 0018.
CREATE TABLE hash_chain_entry (
  seq        bigint NOT NULL PRIMARY KEY,
  receipt_id bigint NOT NULL REFERENCES receipt (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  hash       text NOT NULL,
  chained_at  timestamptz(3) NOT NULL,
  CONSTRAINT hash_chain_entry_seq_begins_at_one CHECK (seq > 0),
  CONSTRAINT hash_chain_entry_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$')
);
CREATE UNIQUE INDEX hash_chain_entry_receipt_id_key ON hash_chain_entry (receipt_id);

-- The account and the chain that this ledger is of, from its first start on. One row, written by `bind_ledger` and never changed:
-- a process for another account is refused, so that no debt is paid from an account whose payments this ledger does not read.
CREATE TABLE ledger_account (
  id             integer NOT NULL DEFAULT 1 PRIMARY KEY,
  chain_id       text NOT NULL,
  custodian_id   text NOT NULL,
  custodian_name text NOT NULL,
  created_at     timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT ledger_account_is_one_row CHECK (id = 1),
  CONSTRAINT ledger_account_is_whole CHECK (chain_id <> '' AND custodian_id ~ '^1\.2\.[0-9]+$' AND custodian_name <> '')
);

-- What a watcher has to remember to be safe, which only a watcher writes: up to where it has looked, the authority that it has seen, and
-- what it has given an alert of already. The newest of a kind holds. ADR 0016.
CREATE TABLE watcher_note (
  id         bigserial NOT NULL PRIMARY KEY,
  kind       text NOT NULL,
  subject    text NOT NULL,
  value      text NOT NULL,
  written_by text NOT NULL DEFAULT session_user,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT watcher_note_kind_known CHECK (kind IN ('position', 'authority', 'alert'))
);
CREATE INDEX watcher_note_newest ON watcher_note (kind, id);
CREATE UNIQUE INDEX watcher_note_one_alert ON watcher_note (subject) WHERE kind = 'alert';

-- Who has given a payout back to the payer, written by `requeue_payout` alone: those people do not approve it. ADR 0019.
CREATE TABLE payout_request (
  id         bigserial NOT NULL PRIMARY KEY,
  payout_id  uuid NOT NULL REFERENCES payout (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  actor      text NOT NULL,
  written_by text NOT NULL DEFAULT session_user,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_request_has_actor CHECK (actor <> '')
);
CREATE INDEX payout_request_payout_id_idx ON payout_request (payout_id);

-- What every payer looks at under one lock: the writer's epoch and the recovery hold of a restored ledger (ADR 0012). One row.
CREATE TABLE control (
  id                       integer NOT NULL DEFAULT 1 PRIMARY KEY,
  writer_epoch             bigint NOT NULL DEFAULT 0,
  recovery_hold_until_ms           bigint,
  recovery_hold_from_block_num     integer,
  recovery_hold_reason             text,
  database_identity        text,
  processed_elsewhere_up_to_block_num integer,
  created_at               timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at               timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT control_is_one_row CHECK (id = 1),
  CONSTRAINT control_recovery_hold_is_whole CHECK (num_nulls(recovery_hold_until_ms, recovery_hold_from_block_num, recovery_hold_reason) IN (0, 3))
);
INSERT INTO control (id) VALUES (1);

-- Everything that stops payments, nominations or both, and what is over of it. `add_freeze` and `end_freeze` write here, and say
-- who may. Those with source environment or file are what a process has found in its own: they tell others, and stop nothing but
-- that process, which looks for itself. ADR 0019.
CREATE TABLE ledger_freeze (
  id         bigserial NOT NULL PRIMARY KEY,
  level      text NOT NULL,
  source     text NOT NULL,
  process    text,
  reason     text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at   timestamptz(3),
  ended_by   text,
  end_reason text,
  CONSTRAINT ledger_freeze_level_known CHECK (level IN ('pay-nothing', 'accept-nothing', 'all')),
  CONSTRAINT ledger_freeze_source_known CHECK (source IN ('operator', 'manager', 'process', 'environment', 'file')),
  CONSTRAINT ledger_freeze_process_known
    CHECK (process IN ('backup', 'console', 'ingester', 'operator', 'payer', 'scheduler', 'watcher')),
  CONSTRAINT ledger_freeze_of_process_names_it CHECK ((source IN ('process', 'environment', 'file')) = (process IS NOT NULL)),
  CONSTRAINT ledger_freeze_has_reason CHECK (reason <> ''),
  CONSTRAINT ledger_freeze_end_is_whole CHECK (num_nulls(ended_at, ended_by, end_reason) IN (0, 3)),
  CONSTRAINT ledger_freeze_end_has_author CHECK (ended_by <> '' AND end_reason <> '')
);
CREATE INDEX ledger_freeze_open ON ledger_freeze (id) WHERE ended_at IS NULL;

-- Transfers and stake rows that an operator has set aside, because they could not be answered and the others waited behind them. Only
-- `set_event_aside` and `resume_event` write here. ADR 0019.
CREATE TABLE event_set_aside (
  id         bigserial NOT NULL PRIMARY KEY,
  event      text NOT NULL,
  actor      text NOT NULL,
  reason     text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at   timestamptz(3),
  ended_by   text,
  end_reason text,
  CONSTRAINT event_set_aside_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT event_set_aside_end_is_whole CHECK (num_nulls(ended_at, ended_by, end_reason) IN (0, 3)),
  CONSTRAINT event_set_aside_end_has_author CHECK (ended_by <> '' AND end_reason <> '')
);
CREATE UNIQUE INDEX event_set_aside_open ON event_set_aside (event) WHERE ended_at IS NULL;

-- Blocks that no node can deliver and that an operator has ordered to pass. Ingester and watcher then ask the nodes for what
-- they can say of the block (header, history of the custodian) and go on when a majority agrees. No row is changed.
CREATE TABLE passed_block (
  block_num  integer NOT NULL PRIMARY KEY,
  actor      text NOT NULL,
  reason     text NOT NULL,
  ordered_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT passed_block_is_one CHECK (block_num > 0),
  CONSTRAINT passed_block_has_author CHECK (actor <> '' AND reason <> '')
);

-- How much may be paid: the newest row holds, and null is no limit. ADR 0019.
CREATE TABLE payment_limits (
  id            bigserial NOT NULL PRIMARY KEY,
  payment_cap   bigint,
  hour_cap      bigint,
  day_cap       bigint,
  approval_from bigint,
  -- Of what goes back to those who sent it; null: as much as the other caps say, apart from what they count.
  return_hour_cap bigint,
  return_day_cap  bigint,
  actor         text NOT NULL,
  reason        text NOT NULL,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payment_limits_positive
    CHECK (least(payment_cap, hour_cap, day_cap, approval_from, return_hour_cap, return_day_cap) > 0),
  CONSTRAINT payment_limits_has_author CHECK (actor <> '' AND reason <> '')
);

-- A person approves a payout although it is large. It is good for this payee and this amount.
CREATE TABLE payout_approval (
  id         bigserial NOT NULL PRIMARY KEY,
  payout_id  uuid NOT NULL REFERENCES payout (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  payee      text NOT NULL,
  amount     bigint NOT NULL,
  approver   text NOT NULL,
  reason     text NOT NULL,
  written_by text NOT NULL DEFAULT session_user,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_approval_has_author CHECK (approver <> '' AND reason <> '')
);
CREATE UNIQUE INDEX payout_approval_payout_id_approver_payee_amount_key
  ON payout_approval (payout_id, approver, payee, amount);

-- Who may sign in to the console. Users are disabled and never deleted, because receipts name them.
CREATE TABLE console_user (
  name          text NOT NULL PRIMARY KEY,
  role          text NOT NULL,
  password_hash text NOT NULL,
  disabled      boolean NOT NULL DEFAULT false,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT console_user_name_is_plain CHECK (name ~ '^[a-z][a-z0-9._-]{0,31}$'),
  CONSTRAINT console_user_role_known CHECK (role IN ('viewer', 'operator')),
  CONSTRAINT console_user_password_is_hashed CHECK (password_hash LIKE '$scrypt$%')
);

-- A browser that is signed in. It can be ended at once, which a signed cookie cannot; it is no part of the ledger.
CREATE TABLE console_session (
  token_hash text NOT NULL PRIMARY KEY,
  user_name  text NOT NULL REFERENCES console_user (name) ON DELETE RESTRICT ON UPDATE CASCADE,
  csrf_token text NOT NULL,
  seen_at    timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT console_session_token_is_hashed CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  CONSTRAINT console_session_ends CHECK (expires_at > created_at)
);
CREATE INDEX console_session_user_name_idx ON console_session (user_name);

-- A message to people by one channel, written down before it is sent, so that it is not lost with the process.
CREATE TABLE notification (
  id         bigserial NOT NULL PRIMARY KEY,
  message_id uuid NOT NULL,
  channel    text NOT NULL,
  event      text NOT NULL,
  message    jsonb NOT NULL,
  status     text NOT NULL,
  attempts   integer NOT NULL DEFAULT 0,
  try_at     timestamptz(3) NOT NULL,
  problem    text,
  sent_at    timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT notification_status_known CHECK (status IN ('waiting', 'sent', 'given_up')),
  CONSTRAINT notification_sent_has_time CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);
CREATE UNIQUE INDEX notification_message_id_channel_key ON notification (message_id, channel);
CREATE INDEX notification_event_created_at_idx ON notification (event, created_at);
CREATE INDEX notification_waiting ON notification (try_at) WHERE status = 'waiting';

-- Receipts that ask for a person and have been dealt with. Each is named: receipts are not numbered in the order in which
-- they are committed, so a mark "read up to here" would pass some over.
CREATE TABLE notified_receipt (
  receipt_id bigint NOT NULL PRIMARY KEY,
  message_id uuid,
  event      text NOT NULL,
  subject    text NOT NULL,
  digest     text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX notified_receipt_event_subject_created_at_idx ON notified_receipt (event, subject, created_at);

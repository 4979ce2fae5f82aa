-- The structure of the database after all migrations: for reading, and for a test. `npm run db:dump` writes this file.
-- The bodies of the functions are in prisma/functions, the rights in packages/core (rights.ts).

CREATE TABLE agreement (
  block_start integer NOT NULL,
  trx_idx integer NOT NULL,
  ops_idx integer NOT NULL,
  nominator text NOT NULL,
  amount bigint NOT NULL,
  months integer NOT NULL,
  start bigint NOT NULL,
  terms jsonb NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT agreement_pkey PRIMARY KEY (block_start, trx_idx, ops_idx),
  CONSTRAINT agreement_amount_positive CHECK (amount > 0),
  CONSTRAINT agreement_months_known CHECK (months = ANY (ARRAY[3, 6, 12]))
);
CREATE INDEX agreement_by_nominator ON agreement (nominator COLLATE "C");
CREATE INDEX agreement_by_size ON agreement (amount, block_start, trx_idx, ops_idx);
CREATE INDEX agreement_by_term ON agreement (months, block_start, trx_idx, ops_idx);
CREATE INDEX agreement_nominator_idx ON agreement (nominator);
CREATE TRIGGER no_delete BEFORE DELETE ON agreement FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON agreement FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON agreement FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE balance_adjustment (
  id bigint NOT NULL DEFAULT nextval('balance_adjustment_id_seq'::regclass),
  amount_shares bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT balance_adjustment_pkey PRIMARY KEY (id),
  CONSTRAINT balance_adjustment_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT balance_adjustment_is_something CHECK (amount_shares <> 0)
);
CREATE TRIGGER no_delete BEFORE DELETE ON balance_adjustment FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON balance_adjustment FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON balance_adjustment FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE cancel_request (
  id bigint NOT NULL DEFAULT nextval('cancel_request_id_seq'::regclass),
  payout_id uuid NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT cancel_request_pkey PRIMARY KEY (id),
  CONSTRAINT cancel_request_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT cancel_request_has_author CHECK (actor <> '' AND reason <> '')
);
CREATE INDEX cancel_request_payout_id_idx ON cancel_request (payout_id);
CREATE TRIGGER no_delete BEFORE DELETE ON cancel_request FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON cancel_request FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON cancel_request FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE chain_cursor (
  id integer NOT NULL DEFAULT 1,
  block_num integer NOT NULL,
  block_id text NOT NULL,
  block_time_ms bigint NOT NULL,
  scanned_from_block_num integer NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL,
  history_block_num integer,
  CONSTRAINT chain_cursor_pkey PRIMARY KEY (id),
  CONSTRAINT chain_cursor_is_one_row CHECK (id = 1)
);
CREATE TRIGGER chain_cursor_goes_forward BEFORE UPDATE ON chain_cursor FOR EACH ROW EXECUTE FUNCTION chain_cursor_goes_forward();
CREATE TRIGGER ledger_has_changed AFTER INSERT OR UPDATE ON chain_cursor FOR EACH STATEMENT EXECUTE FUNCTION ledger_has_changed();
CREATE TRIGGER no_delete BEFORE DELETE ON chain_cursor FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON chain_cursor FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE TABLE console_session (
  token_hash text NOT NULL,
  user_name text NOT NULL,
  csrf_token text NOT NULL,
  seen_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT console_session_pkey PRIMARY KEY (token_hash),
  CONSTRAINT console_session_user_name_fkey FOREIGN KEY (user_name) REFERENCES console_user(name) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT console_session_ends CHECK (expires_at > created_at),
  CONSTRAINT console_session_token_is_hashed CHECK (token_hash ~ '^[0-9a-f]{64}$')
);
CREATE INDEX console_session_user_name_idx ON console_session (user_name);

CREATE TABLE console_user (
  name text NOT NULL,
  role text NOT NULL,
  password_hash text NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT console_user_pkey PRIMARY KEY (name),
  CONSTRAINT console_user_name_is_plain CHECK (name ~ '^[a-z][a-z0-9._-]{0,31}$'),
  CONSTRAINT console_user_password_is_hashed CHECK (password_hash ~~ '$scrypt$%'),
  CONSTRAINT console_user_role_known CHECK (role = ANY (ARRAY['viewer', 'approver', 'operator']))
);
CREATE TRIGGER no_delete BEFORE DELETE ON console_user FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON console_user FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE TABLE control (
  id integer NOT NULL DEFAULT 1,
  writer_epoch bigint NOT NULL DEFAULT 0,
  recovery_hold_until_ms bigint,
  recovery_hold_from_block_num integer,
  recovery_hold_reason text,
  database_identity text,
  processed_elsewhere_up_to_block_num integer,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT control_pkey PRIMARY KEY (id),
  CONSTRAINT control_is_one_row CHECK (id = 1),
  CONSTRAINT control_recovery_hold_is_whole CHECK (num_nulls(recovery_hold_until_ms, recovery_hold_from_block_num, recovery_hold_reason) = ANY (ARRAY[0, 3]))
);
CREATE TRIGGER no_delete BEFORE DELETE ON control FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON control FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER recovery_hold_holds BEFORE UPDATE ON control FOR EACH ROW WHEN (old.recovery_hold_until_ms IS NOT NULL) EXECUTE FUNCTION recovery_hold_holds();
CREATE TRIGGER writer_epoch_goes_up BEFORE UPDATE ON control FOR EACH ROW EXECUTE FUNCTION writer_epoch_goes_up();

CREATE TABLE event_set_aside (
  id bigint NOT NULL DEFAULT nextval('event_set_aside_id_seq'::regclass),
  event text NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at timestamptz(3),
  ended_by text,
  end_reason text,
  CONSTRAINT event_set_aside_pkey PRIMARY KEY (id),
  CONSTRAINT event_set_aside_end_has_author CHECK (ended_by <> '' AND end_reason <> ''),
  CONSTRAINT event_set_aside_end_is_whole CHECK (num_nulls(ended_at, ended_by, end_reason) = ANY (ARRAY[0, 3])),
  CONSTRAINT event_set_aside_has_author CHECK (actor <> '' AND reason <> '')
);
CREATE UNIQUE INDEX event_set_aside_open ON event_set_aside (event) WHERE ended_at IS NULL;
CREATE TRIGGER no_delete BEFORE DELETE ON event_set_aside FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_set_aside FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER set_aside_is_only_ended BEFORE UPDATE ON event_set_aside FOR EACH ROW EXECUTE FUNCTION set_aside_is_only_ended();

CREATE TABLE hash_chain_entry (
  seq bigint NOT NULL,
  receipt_id bigint NOT NULL,
  hash text NOT NULL,
  chained_at timestamptz(3) NOT NULL,
  CONSTRAINT hash_chain_entry_pkey PRIMARY KEY (seq),
  CONSTRAINT hash_chain_entry_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT hash_chain_entry_hash_is_sha256 CHECK (hash ~ '^[0-9a-f]{64}$'),
  CONSTRAINT hash_chain_entry_seq_begins_at_one CHECK (seq > 0)
);
CREATE UNIQUE INDEX hash_chain_entry_receipt_id_key ON hash_chain_entry (receipt_id);
CREATE TRIGGER no_delete BEFORE DELETE ON hash_chain_entry FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON hash_chain_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON hash_chain_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE imported_agreement (
  block_start integer NOT NULL,
  trx_idx integer NOT NULL,
  ops_idx integer NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  checked_at timestamptz(3),
  CONSTRAINT imported_agreement_pkey PRIMARY KEY (block_start, trx_idx, ops_idx),
  CONSTRAINT imported_agreement_block_start_trx_idx_ops_idx_fkey FOREIGN KEY (block_start, trx_idx, ops_idx) REFERENCES agreement(block_start, trx_idx, ops_idx) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX imported_agreement_unchecked ON imported_agreement (block_start, trx_idx, ops_idx) WHERE checked_at IS NULL;
CREATE TRIGGER no_delete BEFORE DELETE ON imported_agreement FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON imported_agreement FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER only_checked BEFORE UPDATE ON imported_agreement FOR EACH ROW EXECUTE FUNCTION only_checked();

CREATE TABLE ledger_account (
  id integer NOT NULL DEFAULT 1,
  chain_id text NOT NULL,
  custodian_id text NOT NULL,
  custodian_name text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT ledger_account_pkey PRIMARY KEY (id),
  CONSTRAINT ledger_account_is_one_row CHECK (id = 1),
  CONSTRAINT ledger_account_is_whole CHECK (chain_id <> '' AND custodian_id ~ '^1\.2\.[0-9]+$' AND custodian_name <> '')
);
CREATE TRIGGER no_delete BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE ledger_freeze (
  id bigint NOT NULL DEFAULT nextval('ledger_freeze_id_seq'::regclass),
  level text NOT NULL,
  source text NOT NULL,
  process text,
  reason text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at timestamptz(3),
  ended_by text,
  end_reason text,
  CONSTRAINT ledger_freeze_pkey PRIMARY KEY (id),
  CONSTRAINT ledger_freeze_end_has_author CHECK (ended_by <> '' AND end_reason <> ''),
  CONSTRAINT ledger_freeze_end_is_whole CHECK (num_nulls(ended_at, ended_by, end_reason) = ANY (ARRAY[0, 3])),
  CONSTRAINT ledger_freeze_has_reason CHECK (reason <> ''),
  CONSTRAINT ledger_freeze_level_known CHECK (level = ANY (ARRAY['pay-nothing', 'accept-nothing', 'all'])),
  CONSTRAINT ledger_freeze_of_process_names_it CHECK ((source = ANY (ARRAY['process', 'environment', 'file'])) = (process IS NOT NULL)),
  CONSTRAINT ledger_freeze_process_known CHECK (process = ANY (ARRAY['backup', 'console', 'ingester', 'operator', 'payer', 'scheduler', 'watcher'])),
  CONSTRAINT ledger_freeze_source_known CHECK (source = ANY (ARRAY['operator', 'manager', 'process', 'environment', 'file']))
);
CREATE INDEX ledger_freeze_open ON ledger_freeze (id) WHERE ended_at IS NULL;
CREATE TRIGGER freeze_is_only_ended BEFORE UPDATE ON ledger_freeze FOR EACH ROW EXECUTE FUNCTION freeze_is_only_ended();
CREATE TRIGGER freeze_waits_for_payments BEFORE INSERT ON ledger_freeze FOR EACH ROW EXECUTE FUNCTION freeze_waits_for_payments();
CREATE TRIGGER no_delete BEFORE DELETE ON ledger_freeze FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_freeze FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE TABLE lost_memo_key (
  public_key text NOT NULL,
  actor text NOT NULL,
  agreed_by text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT lost_memo_key_pkey PRIMARY KEY (public_key),
  CONSTRAINT lost_memo_key_of_two CHECK (actor <> '' AND agreed_by <> '' AND reason <> '' AND actor <> agreed_by)
);
CREATE TRIGGER no_delete BEFORE DELETE ON lost_memo_key FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON lost_memo_key FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON lost_memo_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE memo_key (
  public_key text NOT NULL,
  since_block_num integer,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT memo_key_pkey PRIMARY KEY (public_key)
);
CREATE TRIGGER no_delete BEFORE DELETE ON memo_key FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON memo_key FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON memo_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE notification (
  id bigint NOT NULL DEFAULT nextval('notification_id_seq'::regclass),
  message_id uuid NOT NULL,
  channel text NOT NULL,
  event text NOT NULL,
  message jsonb NOT NULL,
  status text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  try_at timestamptz(3) NOT NULL,
  problem text,
  sent_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT notification_pkey PRIMARY KEY (id),
  CONSTRAINT notification_sent_has_time CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
  CONSTRAINT notification_status_known CHECK (status = ANY (ARRAY['waiting', 'sent', 'given_up']))
);
CREATE INDEX notification_event_created_at_idx ON notification (event, created_at);
CREATE UNIQUE INDEX notification_message_id_channel_key ON notification (message_id, channel);
CREATE INDEX notification_waiting ON notification (try_at) WHERE status = 'waiting';

CREATE TABLE notified_receipt (
  receipt_id bigint NOT NULL,
  message_id uuid,
  event text NOT NULL,
  subject text NOT NULL,
  digest text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT notified_receipt_pkey PRIMARY KEY (receipt_id)
);
CREATE INDEX notified_receipt_event_subject_created_at_idx ON notified_receipt (event, subject, created_at);

CREATE TABLE outbox (
  id bigint NOT NULL DEFAULT nextval('outbox_id_seq'::regclass),
  job_id text NOT NULL,
  kind text NOT NULL,
  data jsonb NOT NULL,
  delay_ms bigint NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX outbox_job_id_key ON outbox (job_id);

CREATE TABLE passed_block (
  block_num integer NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  ordered_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT passed_block_pkey PRIMARY KEY (block_num),
  CONSTRAINT passed_block_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT passed_block_is_one CHECK (block_num > 0)
);
CREATE TRIGGER no_delete BEFORE DELETE ON passed_block FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON passed_block FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE TABLE payment_limits (
  id bigint NOT NULL DEFAULT nextval('payment_limits_id_seq'::regclass),
  payment_cap bigint,
  hour_cap bigint,
  day_cap bigint,
  approval_from bigint,
  return_hour_cap bigint,
  return_day_cap bigint,
  actor text NOT NULL,
  reason text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payment_limits_pkey PRIMARY KEY (id),
  CONSTRAINT payment_limits_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT payment_limits_positive CHECK (LEAST(payment_cap, hour_cap, day_cap, approval_from, return_hour_cap, return_day_cap) > 0)
);
CREATE TRIGGER no_delete BEFORE DELETE ON payment_limits FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payment_limits FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payment_limits FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE payout (
  id uuid NOT NULL,
  key text NOT NULL,
  kind text NOT NULL,
  payee text NOT NULL,
  amount bigint NOT NULL,
  memo text NOT NULL,
  due bigint NOT NULL,
  status text NOT NULL,
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  waiting_since bigint,
  block_processed integer,
  processed bigint,
  enqueued_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  enqueued_again integer NOT NULL DEFAULT 0,
  limited_by text,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  uncounted_attempts integer NOT NULL DEFAULT 0,
  CONSTRAINT payout_pkey PRIMARY KEY (id),
  CONSTRAINT payout_amount_positive CHECK (amount > 0),
  CONSTRAINT payout_confirmed_has_block CHECK ((status = 'confirmed') = (block_processed IS NOT NULL)),
  CONSTRAINT payout_kind_known CHECK (kind = ANY (ARRAY['reward', 'base', 'stop', 'refund', 'confirm', 'notice', 'deposit', 'checkpoint'])),
  CONSTRAINT payout_limited_by_known CHECK (limited_by = ANY (ARRAY['payment_cap', 'approval', 'hour_cap', 'day_cap'])),
  CONSTRAINT payout_status_known CHECK (status = ANY (ARRAY['due', 'ready', 'signed', 'sent', 'confirmed', 'waiting_funds', 'held', 'failed', 'cancelled'])),
  CONSTRAINT payout_stopped_has_reason CHECK ((status <> ALL (ARRAY['held', 'failed', 'cancelled'])) OR reason IS NOT NULL),
  CONSTRAINT payout_uncounted_attempts_counted CHECK (uncounted_attempts >= 0 AND uncounted_attempts <= attempts),
  CONSTRAINT payout_waiting_has_since CHECK ((status = 'waiting_funds') <= (waiting_since IS NOT NULL))
);
CREATE INDEX payout_by_due ON payout (due, id);
CREATE INDEX payout_by_payment ON payout (processed, id) INCLUDE (payee, amount) WHERE status = 'confirmed';
CREATE UNIQUE INDEX payout_key_key ON payout (key);
CREATE INDEX payout_limited ON payout (due, id) WHERE limited_by IS NOT NULL;
CREATE INDEX payout_open_by_due ON payout (due) WHERE status = ANY (ARRAY['due', 'ready', 'signed', 'sent', 'waiting_funds']);
CREATE INDEX payout_open_by_lane ON payout ((kind = 'refund'), due, id) WHERE status = ANY (ARRAY['due', 'ready', 'signed', 'sent', 'waiting_funds']);
CREATE INDEX payout_payee_idx ON payout (payee);
CREATE INDEX payout_unconfirmed ON payout (status, due) WHERE status <> 'confirmed';
CREATE TRIGGER limit_ends_with_status BEFORE UPDATE ON payout FOR EACH ROW WHEN (old.status <> new.status AND old.limited_by IS NOT NULL AND old.limited_by = new.limited_by) EXECUTE FUNCTION limit_ends_with_status();
CREATE TRIGGER no_delete BEFORE DELETE ON payout FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER payout_begins_due BEFORE INSERT ON payout FOR EACH ROW EXECUTE FUNCTION payout_begins_due();
CREATE TRIGGER payout_moves BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_moves();

CREATE TABLE payout_approval (
  id bigint NOT NULL DEFAULT nextval('payout_approval_id_seq'::regclass),
  payout_id uuid NOT NULL,
  payee text NOT NULL,
  amount bigint NOT NULL,
  approver text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_approval_pkey PRIMARY KEY (id),
  CONSTRAINT payout_approval_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT payout_approval_has_author CHECK (approver <> '' AND reason <> '')
);
CREATE UNIQUE INDEX payout_approval_payout_id_approver_payee_amount_key ON payout_approval (payout_id, approver, payee, amount);
CREATE TRIGGER no_delete BEFORE DELETE ON payout_approval FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout_approval FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payout_approval FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE payout_request (
  id bigint NOT NULL DEFAULT nextval('payout_request_id_seq'::regclass),
  payout_id uuid NOT NULL,
  actor text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_request_pkey PRIMARY KEY (id),
  CONSTRAINT payout_request_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT payout_request_has_actor CHECK (actor <> '')
);
CREATE INDEX payout_request_payout_id_idx ON payout_request (payout_id);
CREATE TRIGGER no_delete BEFORE DELETE ON payout_request FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout_request FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payout_request FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE payout_stake_row (
  payout_id uuid NOT NULL,
  stake_row_id text NOT NULL,
  settles_as text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT payout_stake_row_pkey PRIMARY KEY (payout_id, stake_row_id),
  CONSTRAINT payout_stake_row_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT payout_stake_row_stake_row_id_fkey FOREIGN KEY (stake_row_id) REFERENCES stake_row(id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX payout_stake_row_stake_row_id_idx ON payout_stake_row (stake_row_id);
CREATE TRIGGER no_delete BEFORE DELETE ON payout_stake_row FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout_stake_row FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payout_stake_row FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt (
  id bigint NOT NULL DEFAULT nextval('receipt_id_seq'::regclass),
  event text NOT NULL,
  subject text NOT NULL,
  chain_time_ms bigint,
  details jsonb NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  written_by text NOT NULL DEFAULT SESSION_USER,
  CONSTRAINT receipt_pkey PRIMARY KEY (id)
);
CREATE INDEX receipt_event_id_idx ON receipt (event, id);
CREATE INDEX receipt_subject_event_idx ON receipt (subject, event);
CREATE TRIGGER ledger_has_changed AFTER INSERT ON receipt FOR EACH STATEMENT EXECUTE FUNCTION ledger_has_changed();
CREATE TRIGGER no_delete BEFORE DELETE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON receipt FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE recorded_transfer (
  block_num integer NOT NULL,
  trx_in_block integer NOT NULL,
  op_in_trx integer NOT NULL,
  proposal_block integer NOT NULL,
  proposal_trx integer NOT NULL,
  proposal_op integer NOT NULL,
  proposed_op integer NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT recorded_transfer_pkey PRIMARY KEY (block_num, trx_in_block, op_in_trx),
  CONSTRAINT recorded_transfer_comes_later CHECK (block_num >= proposal_block),
  CONSTRAINT recorded_transfer_has_author CHECK (actor <> '' AND reason <> '')
);
CREATE UNIQUE INDEX recorded_transfer_of_one_operation ON recorded_transfer (proposal_block, proposal_trx, proposal_op, proposed_op);
CREATE TRIGGER no_delete BEFORE DELETE ON recorded_transfer FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON recorded_transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON recorded_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE replay_order (
  id bigint NOT NULL DEFAULT nextval('replay_order_id_seq'::regclass),
  from_block integer NOT NULL,
  to_block integer NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  next_block integer NOT NULL,
  transfers_added integer NOT NULL DEFAULT 0,
  started_at timestamptz(3),
  ended_at timestamptz(3),
  ended_by text,
  remark text,
  CONSTRAINT replay_order_pkey PRIMARY KEY (id),
  CONSTRAINT replay_order_has_author CHECK (actor <> '' AND reason <> ''),
  CONSTRAINT replay_order_has_blocks CHECK (from_block > 0 AND to_block >= from_block),
  CONSTRAINT replay_order_stands_within CHECK (next_block >= from_block AND next_block <= (to_block + 1))
);
CREATE UNIQUE INDEX replay_order_one_open ON replay_order ((true)) WHERE ended_at IS NULL;
CREATE TRIGGER no_delete BEFORE DELETE ON replay_order FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON replay_order FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER replay_goes_forward BEFORE UPDATE ON replay_order FOR EACH ROW EXECUTE FUNCTION replay_goes_forward();

CREATE TABLE settlement (
  payout_id uuid NOT NULL,
  block_num integer NOT NULL,
  trx_in_block integer NOT NULL,
  op_in_trx integer NOT NULL,
  matched_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  checked_at timestamptz(3),
  CONSTRAINT settlement_pkey PRIMARY KEY (payout_id),
  CONSTRAINT settlement_block_num_trx_in_block_op_in_trx_fkey FOREIGN KEY (block_num, trx_in_block, op_in_trx) REFERENCES transfer(block_num, trx_in_block, op_in_trx) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT settlement_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT settlement_matched_by_known CHECK (matched_by = ANY (ARRAY['txid', 'key', 'nonce', 'operator']))
);
CREATE UNIQUE INDEX settlement_of_one_transfer ON settlement (block_num, trx_in_block, op_in_trx);
CREATE INDEX settlement_unchecked ON settlement (created_at, payout_id) WHERE checked_at IS NULL;
CREATE TRIGGER no_delete BEFORE DELETE ON settlement FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON settlement FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER only_checked BEFORE UPDATE ON settlement FOR EACH ROW EXECUTE FUNCTION only_checked();

CREATE TABLE stake_row (
  id text NOT NULL,
  nominator text NOT NULL,
  digital_asset text NOT NULL,
  amount bigint NOT NULL,
  type text NOT NULL,
  nonce bigint NOT NULL,
  start bigint NOT NULL,
  due bigint NOT NULL,
  processed bigint,
  status text NOT NULL,
  block_start integer NOT NULL,
  trx_idx integer NOT NULL,
  ops_idx integer NOT NULL,
  block_processed integer,
  number integer NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT stake_row_pkey PRIMARY KEY (id),
  CONSTRAINT stake_row_block_start_trx_idx_ops_idx_fkey FOREIGN KEY (block_start, trx_idx, ops_idx) REFERENCES agreement(block_start, trx_idx, ops_idx) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT stake_row_rewards_are_numbered CHECK ((type = 'reward') = (number > 0)),
  CONSTRAINT stake_row_settled_has_block CHECK ((status <> ALL (ARRAY['confirmed', 'premature'])) OR block_processed IS NOT NULL AND processed IS NOT NULL),
  CONSTRAINT stake_row_sign CHECK ( CASE WHEN type = 'penalty' THEN amount <= 0 ELSE amount >= 0 END),
  CONSTRAINT stake_row_status_known CHECK (status = ANY (ARRAY['pending', 'processing', 'confirmed', 'premature', 'paid', 'aborted'])),
  CONSTRAINT stake_row_type_known CHECK (type = ANY (ARRAY['agreement_3', 'agreement_6', 'agreement_12', 'base_amount', 'penalty', 'reward']))
);
CREATE INDEX stake_row_agreement_size ON stake_row (( CASE status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing' WHEN 'premature' THEN 'stopped' ELSE 'ended' END), amount, block_start, trx_idx, ops_idx) INCLUDE (status, due) WHERE type = 'base_amount';
CREATE INDEX stake_row_agreement_status ON stake_row (( CASE status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing' WHEN 'premature' THEN 'stopped' ELSE 'ended' END), block_start, trx_idx, ops_idx) INCLUDE (status, due, amount) WHERE type = 'base_amount';
CREATE INDEX stake_row_base ON stake_row (block_start, trx_idx, ops_idx) INCLUDE (status, due, amount) WHERE type = 'base_amount';
CREATE INDEX stake_row_block_start_trx_idx_ops_idx_idx ON stake_row (block_start, trx_idx, ops_idx);
CREATE INDEX stake_row_pending_by_due ON stake_row (due, id) WHERE status = 'pending';
CREATE INDEX stake_row_pending_by_nominator ON stake_row (nominator) WHERE status = 'pending';
CREATE INDEX stake_row_processing ON stake_row (due, id) WHERE status = 'processing';
CREATE UNIQUE INDEX stake_row_type_number_position ON stake_row (type, number, block_start, trx_idx, ops_idx);
CREATE TRIGGER no_delete BEFORE DELETE ON stake_row FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON stake_row FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER stake_row_begins BEFORE INSERT ON stake_row FOR EACH ROW WHEN (NOT (new.status = 'pending' OR new.status = 'paid' AND new.number = 0)) EXECUTE FUNCTION stake_row_begins();
CREATE TRIGGER stake_row_moves_forward BEFORE UPDATE ON stake_row FOR EACH ROW EXECUTE FUNCTION stake_row_moves_forward();

CREATE TABLE top_up (
  client_id uuid NOT NULL,
  key text NOT NULL,
  kind text NOT NULL,
  account integer NOT NULL,
  amount_shares bigint NOT NULL,
  memo text NOT NULL,
  status text NOT NULL,
  reason text,
  venue_status text,
  exchange_id text,
  txid text,
  asks integer NOT NULL DEFAULT 0,
  asked_at timestamptz(3),
  requested_ms bigint NOT NULL,
  bytes bytea,
  ref_block_num integer,
  expiration_ms bigint,
  arrived_block integer,
  arrived_trx integer,
  arrived_op integer,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT top_up_pkey PRIMARY KEY (client_id),
  CONSTRAINT top_up_account_known CHECK (account >= 0 AND account <= 3),
  CONSTRAINT top_up_amount_positive CHECK (amount_shares > 0),
  CONSTRAINT top_up_arrived_has_place CHECK ((status = 'arrived') = (arrived_block IS NOT NULL)),
  CONSTRAINT top_up_bytes_are_whole CHECK ((bytes IS NULL) = (ref_block_num IS NULL) AND (bytes IS NULL) = (expiration_ms IS NULL)),
  CONSTRAINT top_up_ended_has_reason CHECK ((status <> ALL (ARRAY['refused', 'cancelled', 'unresolved'])) OR reason IS NOT NULL),
  CONSTRAINT top_up_kind_known CHECK (kind = ANY (ARRAY['shortage', 'admin'])),
  CONSTRAINT top_up_status_known CHECK (status = ANY (ARRAY['requested', 'asked', 'accepted', 'arrived', 'refused', 'cancelled', 'unresolved']))
);
CREATE UNIQUE INDEX top_up_arrived_by ON top_up (arrived_block, arrived_trx, arrived_op) WHERE status = 'arrived';
CREATE UNIQUE INDEX top_up_key_key ON top_up (key);
CREATE UNIQUE INDEX top_up_one_open_shortage ON top_up (account) WHERE kind = 'shortage' AND (status = ANY (ARRAY['requested', 'asked', 'accepted', 'unresolved']));
CREATE TRIGGER no_delete BEFORE DELETE ON top_up FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON top_up FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER top_up_moves BEFORE UPDATE ON top_up FOR EACH ROW EXECUTE FUNCTION top_up_moves();

CREATE TABLE transfer (
  block_num integer NOT NULL,
  trx_in_block integer NOT NULL,
  op_in_trx integer NOT NULL,
  block_time_ms bigint NOT NULL,
  direction text NOT NULL,
  txid text,
  sender text NOT NULL,
  receiver text NOT NULL,
  sender_id text,
  sender_is_lifetime_member boolean NOT NULL,
  amount_shares bigint NOT NULL,
  asset_id text NOT NULL,
  fee_shares bigint NOT NULL,
  memo_status text NOT NULL,
  memo_text text,
  request jsonb,
  payout_key text,
  import_mark jsonb,
  memo_nonce text,
  replayed boolean NOT NULL DEFAULT false,
  status text NOT NULL,
  outcome text,
  reason text,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT transfer_pkey PRIMARY KEY (block_num, trx_in_block, op_in_trx),
  CONSTRAINT transfer_amount_positive CHECK (amount_shares > 0),
  CONSTRAINT transfer_decided_has_outcome CHECK ((direction = 'in' AND status = 'decided') = (outcome IS NOT NULL)),
  CONSTRAINT transfer_direction_known CHECK (direction = ANY (ARRAY['in', 'out'])),
  CONSTRAINT transfer_in_has_request CHECK ((direction = 'in') = (request IS NOT NULL)),
  CONSTRAINT transfer_memo_status_known CHECK (memo_status = ANY (ARRAY['none', 'text', 'public', 'unreadable'])),
  CONSTRAINT transfer_status_known CHECK (status = ANY (ARRAY['unread', 'undecided', 'decided']))
);
CREATE INDEX transfer_already_processed ON transfer (sender) WHERE outcome = 'already_processed';
CREATE INDEX transfer_by_receiver ON transfer (receiver, block_num) WHERE direction = 'out';
CREATE INDEX transfer_memo_nonce ON transfer (memo_nonce) WHERE memo_nonce IS NOT NULL;
CREATE INDEX transfer_payout_key_idx ON transfer (payout_key);
CREATE INDEX transfer_sender_sender_id_idx ON transfer (sender, sender_id);
CREATE INDEX transfer_txid_idx ON transfer (txid);
CREATE INDEX transfer_undecided ON transfer (block_num, trx_in_block, op_in_trx) WHERE status = 'undecided';
CREATE INDEX transfer_undecided_by_sender ON transfer (sender, block_time_ms) WHERE status = 'undecided' AND ((request ->> 'type') = ANY (ARRAY['open', 'stop']));
CREATE INDEX transfer_undecided_no_open ON transfer (block_num, trx_in_block, op_in_trx) WHERE status = 'undecided' AND (request ->> 'type') <> 'open';
CREATE INDEX transfer_unread ON transfer (block_num, trx_in_block, op_in_trx) WHERE status = 'unread';
CREATE INDEX transfer_unread_by_sender ON transfer (sender, block_time_ms) WHERE status = 'unread' AND direction = 'in';
CREATE TRIGGER no_delete BEFORE DELETE ON transfer FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER transfer_begins_undecided BEFORE INSERT ON transfer FOR EACH ROW WHEN (new.direction = 'in' AND (new.status <> ALL (ARRAY['undecided', 'unread'])) OR new.import_mark IS NOT NULL) EXECUTE FUNCTION transfer_begins_undecided();
CREATE TRIGGER transfer_is_decided_once BEFORE UPDATE ON transfer FOR EACH ROW WHEN (NOT (old.status = 'unread' OR old.status = 'undecided' AND new.status = 'decided')) EXECUTE FUNCTION transfer_is_decided_once();

CREATE TABLE watcher_note (
  id bigint NOT NULL DEFAULT nextval('watcher_note_id_seq'::regclass),
  kind text NOT NULL,
  subject text NOT NULL,
  value text NOT NULL,
  written_by text NOT NULL DEFAULT SESSION_USER,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT watcher_note_pkey PRIMARY KEY (id),
  CONSTRAINT watcher_note_kind_known CHECK (kind = ANY (ARRAY['position', 'incoming', 'authority', 'alert', 'balance', 'policy']))
);
CREATE INDEX watcher_note_newest ON watcher_note (kind, id);
CREATE UNIQUE INDEX watcher_note_one_alert ON watcher_note (subject) WHERE kind = 'alert';
CREATE TRIGGER no_delete BEFORE DELETE ON watcher_note FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON watcher_note FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON watcher_note FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE withdrawal (
  id uuid NOT NULL,
  payout_id uuid NOT NULL,
  txid text NOT NULL,
  bytes bytea NOT NULL,
  ref_block_num integer NOT NULL,
  expiration_ms bigint NOT NULL,
  fee_shares bigint NOT NULL,
  status text NOT NULL,
  writer_epoch bigint NOT NULL,
  signed_ms bigint,
  block_num integer,
  trx_in_block integer,
  op_in_trx integer,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  refused_for text,
  CONSTRAINT withdrawal_pkey PRIMARY KEY (id),
  CONSTRAINT withdrawal_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payout(id) ON UPDATE CASCADE ON DELETE RESTRICT,
  CONSTRAINT withdrawal_confirmed_has_block CHECK ((status = 'confirmed') = (block_num IS NOT NULL)),
  CONSTRAINT withdrawal_status_known CHECK (status = ANY (ARRAY['signed', 'broadcast', 'confirmed', 'expired']))
);
CREATE INDEX withdrawal_live_by_expiration ON withdrawal (expiration_ms) WHERE status = ANY (ARRAY['signed', 'broadcast']);
CREATE UNIQUE INDEX withdrawal_one_confirmed_per_payout ON withdrawal (payout_id) WHERE status = 'confirmed';
CREATE UNIQUE INDEX withdrawal_one_live_per_payout ON withdrawal (payout_id) WHERE status = ANY (ARRAY['signed', 'broadcast']);
CREATE INDEX withdrawal_payout_id_idx ON withdrawal (payout_id);
CREATE INDEX withdrawal_signed_ms_idx ON withdrawal (signed_ms);
CREATE UNIQUE INDEX withdrawal_txid_key ON withdrawal (txid);
CREATE TRIGGER no_delete BEFORE DELETE ON withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER signed_once BEFORE UPDATE ON withdrawal FOR EACH ROW WHEN (old.signed_ms IS DISTINCT FROM new.signed_ms) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER withdrawal_moves BEFORE UPDATE ON withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_moves();
CREATE TRIGGER withdrawal_needs_signed_payout BEFORE INSERT ON withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_needs_signed_payout();

-- FUNCTION acts_for(person text, roles text[]) RETURNS boolean
-- FUNCTION add_freeze(new_level text, new_source text, new_process text, new_reason text) RETURNS boolean
-- FUNCTION ask_to_cancel(of_payout uuid, was text, details jsonb) RETURNS boolean
-- FUNCTION asked_to_cancel(of_payout uuid) RETURNS TABLE(person text, why text, asked_at timestamp with time zone, open_from timestamp with time zone, is_open boolean)
-- FUNCTION bind_ledger(of_chain text, of_custodian text, of_name text) RETURNS ledger_account
-- FUNCTION cancel_payout(of_payout uuid, was text, details jsonb, despite text) RETURNS boolean
-- FUNCTION chain_cursor_goes_forward() RETURNS trigger
-- FUNCTION confirm_payouts(ids uuid[], blocks integer[], trxs integer[], ops integer[], said jsonb) RETURNS bigint
-- FUNCTION create_notice(new_id uuid, new_key text, new_payee text, new_amount bigint, new_memo text, new_due bigint) RETURNS boolean
-- FUNCTION database_identity() RETURNS text
-- FUNCTION deposit_nonces(key text) RETURNS text[]
-- FUNCTION end_freeze(of_freeze bigint, still text, by_whom text, why text) RETURNS boolean
-- FUNCTION end_replay(of_order bigint, details jsonb) RETURNS boolean
-- FUNCTION ensure_process_roles() RETURNS text[]
-- FUNCTION freeze_is_only_ended() RETURNS trigger
-- FUNCTION freeze_waits_for_payments() RETURNS trigger
-- FUNCTION hold_payout(of_payout uuid, was text, details jsonb) RETURNS boolean
-- FUNCTION is_approved(debt payout) RETURNS boolean
-- FUNCTION is_frozen() RETURNS boolean
-- FUNCTION is_on_recovery_hold() RETURNS boolean
-- FUNCTION is_returned(kind text) RETURNS boolean
-- FUNCTION is_set_aside(of_event text) RETURNS boolean
-- FUNCTION ledger_has_changed() RETURNS trigger
-- FUNCTION limit_ends_with_status() RETURNS trigger
-- FUNCTION limit_payment(of_payout uuid) RETURNS text
-- FUNCTION login_is(process text) RETURNS boolean
-- FUNCTION needs_person(details jsonb, roles text[]) RETURNS void
-- FUNCTION nothing_was_sent(debt payout, despite text) RETURNS boolean
-- FUNCTION only_checked() RETURNS trigger
-- FUNCTION operation_name(block integer, trx integer, op integer) RETURNS text
-- FUNCTION order_replay(first integer, last integer, details jsonb) RETURNS bigint
-- FUNCTION payout_begins_due() RETURNS trigger
-- FUNCTION payout_moves() RETURNS trigger
-- FUNCTION read_transfers(memos jsonb) RETURNS SETOF text
-- FUNCTION recovery_hold_holds() RETURNS trigger
-- FUNCTION recovery_hold_is_passed(until_ms bigint, from_block_num integer) RETURNS boolean
-- FUNCTION refuse_change() RETURNS trigger
-- FUNCTION refuse_removal() RETURNS trigger
-- FUNCTION release_approved(of_payout uuid, job_id text) RETURNS boolean
-- FUNCTION replay_goes_forward() RETURNS trigger
-- FUNCTION requeue_payout(of_payout uuid, was text, job_id text, event text, details jsonb, despite text) RETURNS boolean
-- FUNCTION resume_event(of_event text, by_whom text, why text, action text DEFAULT NULL::text) RETURNS boolean
-- FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea, new_ref_block_num integer, new_expiration_ms bigint, new_fee_shares bigint, epoch bigint, of_chain text, of_custodian text, of_name text) RETURNS text
-- FUNCTION save_withdrawals(new_withdrawals jsonb, epoch bigint, of_chain text, of_custodian text, of_name text) RETURNS text[]
-- FUNCTION set_aside_is_only_ended() RETURNS trigger
-- FUNCTION set_event_aside(of_event text, by_whom text, why text, action text DEFAULT NULL::text) RETURNS text
-- FUNCTION stake_row_begins() RETURNS trigger
-- FUNCTION stake_row_moves_forward() RETURNS trigger
-- FUNCTION top_up_moves() RETURNS trigger
-- FUNCTION transfer_begins_undecided() RETURNS trigger
-- FUNCTION transfer_is_decided_once() RETURNS trigger
-- FUNCTION withdrawal_moves() RETURNS trigger
-- FUNCTION withdrawal_needs_signed_payout() RETURNS trigger
-- FUNCTION writer_epoch_goes_up() RETURNS trigger
-- FUNCTION written_by_one_of(login text, processes text[]) RETURNS boolean

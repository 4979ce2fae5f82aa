-- The last line of defence: whatever a process, a second process or a hurried hand does, the database refuses states
-- that the rules do not know. ADR 0001, 0004, 0006. By hand: Prisma cannot say checks, partial indexes or triggers.
-- Lock: none, the tables are new. Back: drop the constraints, indexes, triggers and functions named here.

-- One row each.
ALTER TABLE chain_cursor ADD CONSTRAINT chain_cursor_is_one_row CHECK (id = 1);
ALTER TABLE control ADD CONSTRAINT control_is_one_row CHECK (id = 1);
ALTER TABLE control ADD CONSTRAINT control_off_has_reason CHECK (payments_on OR payments_reason IS NOT NULL);
INSERT INTO control (id) VALUES (1);

-- Closed sets of words.
ALTER TABLE transfer
  ADD CONSTRAINT transfer_direction_known CHECK (direction IN ('in', 'out')),
  ADD CONSTRAINT transfer_memo_status_known CHECK (memo_status IN ('none', 'text', 'public', 'unreadable')),
  ADD CONSTRAINT transfer_status_known CHECK (status IN ('undecided', 'decided')),
  ADD CONSTRAINT transfer_amount_positive CHECK (amount_shares > 0),
  ADD CONSTRAINT transfer_decided_has_outcome CHECK ((direction = 'in' AND status = 'decided') = (outcome IS NOT NULL)),
  ADD CONSTRAINT transfer_in_has_request CHECK ((direction = 'in') = (request IS NOT NULL));
ALTER TABLE agreement
  ADD CONSTRAINT agreement_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT agreement_months_known CHECK (months IN (3, 6, 12));
ALTER TABLE stake_row
  ADD CONSTRAINT stake_row_type_known
    CHECK (type IN ('agreement_3', 'agreement_6', 'agreement_12', 'base_amount', 'penalty', 'reward')),
  ADD CONSTRAINT stake_row_status_known
    CHECK (status IN ('pending', 'processing', 'confirmed', 'premature', 'paid', 'aborted')),
  ADD CONSTRAINT stake_row_sign CHECK (CASE WHEN type = 'penalty' THEN amount <= 0 ELSE amount >= 0 END),
  ADD CONSTRAINT stake_row_rewards_are_numbered CHECK ((type = 'reward') = (number > 0)),
  ADD CONSTRAINT stake_row_settled_has_block
    CHECK (status NOT IN ('confirmed', 'premature') OR (block_processed IS NOT NULL AND processed IS NOT NULL));
ALTER TABLE payout
  ADD CONSTRAINT payout_kind_known CHECK (kind IN ('reward', 'base', 'stop', 'refund', 'confirm', 'notice')),
  ADD CONSTRAINT payout_status_known CHECK (status IN
    ('due', 'ready', 'signed', 'sent', 'confirmed', 'waiting_funds', 'held', 'failed', 'cancelled')),
  ADD CONSTRAINT payout_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT payout_stopped_has_reason CHECK (status NOT IN ('held', 'failed', 'cancelled') OR reason IS NOT NULL),
  ADD CONSTRAINT payout_waiting_has_since CHECK ((status = 'waiting_funds') <= (waiting_since IS NOT NULL)),
  ADD CONSTRAINT payout_confirmed_has_block CHECK ((status = 'confirmed') = (block_processed IS NOT NULL));
ALTER TABLE withdrawal
  ADD CONSTRAINT withdrawal_status_known CHECK (status IN ('signed', 'broadcast', 'confirmed', 'expired')),
  ADD CONSTRAINT withdrawal_confirmed_has_block CHECK ((status = 'confirmed') = (block_num IS NOT NULL));
ALTER TABLE top_up
  ADD CONSTRAINT top_up_account_known CHECK (account BETWEEN 1 AND 3),
  ADD CONSTRAINT top_up_amount_positive CHECK (amount_shares > 0);

-- Two payers may race; the loser must fail here and not on the chain. ADR 0004.
CREATE UNIQUE INDEX withdrawal_one_live_per_payout ON withdrawal (payout_id) WHERE status IN ('signed', 'broadcast');
-- And a payout whose payment is in a block is never paid by a second one.
CREATE UNIQUE INDEX withdrawal_one_confirmed_per_payout ON withdrawal (payout_id) WHERE status = 'confirmed';

-- What the workers ask for all day.
CREATE INDEX transfer_undecided ON transfer (block_num, trx_in_block, op_in_trx) WHERE status = 'undecided';
CREATE INDEX stake_row_pending_by_due ON stake_row (due, id) WHERE status = 'pending';
CREATE INDEX stake_row_pending_by_nominator ON stake_row (nominator) WHERE status = 'pending';
CREATE INDEX payout_open_by_due ON payout (due) WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds');
CREATE INDEX withdrawal_live_by_expiration ON withdrawal (expiration_ms) WHERE status IN ('signed', 'broadcast');
CREATE INDEX outbox_to_make ON outbox (id) WHERE made_at IS NULL;

-- Nothing is ever deleted from the ledger.
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'nothing is ever deleted from %', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['transfer', 'agreement', 'stake_row', 'payout', 'payout_stake_row', 'withdrawal',
                              'top_up', 'receipt', 'chain_cursor', 'control'] LOOP
    EXECUTE format('CREATE TRIGGER no_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_removal()', name);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I EXECUTE FUNCTION refuse_removal()', name);
  END LOOP;
END $$;

-- A receipt, an agreement and the link of a payout to its rows are written once.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % is written once and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER written_once BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER written_once BEFORE UPDATE ON agreement FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER written_once BEFORE UPDATE ON payout_stake_row FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- States move as the domain says (STAKE_ROW_MOVES, PAYOUT_MOVES, WITHDRAWAL_MOVES; a test compares them pair by pair),
-- and what a debt is, once written, stays.
CREATE FUNCTION stake_row_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'pending' THEN NEW.status IN ('processing', 'aborted')
      WHEN 'processing' THEN NEW.status IN ('confirmed', 'premature', 'pending')
      WHEN 'paid' THEN NEW.status = 'confirmed'
      ELSE false END) THEN
    RAISE EXCEPTION 'stake row % does not go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.nominator, OLD.digital_asset, OLD.amount, OLD.type, OLD.nonce, OLD.start, OLD.due, OLD.number,
      OLD.block_start, OLD.trx_idx, OLD.ops_idx)
     IS DISTINCT FROM
     (NEW.id, NEW.nominator, NEW.digital_asset, NEW.amount, NEW.type, NEW.nonce, NEW.start, NEW.due, NEW.number,
      NEW.block_start, NEW.trx_idx, NEW.ops_idx) THEN
    RAISE EXCEPTION 'stake row % says what is owed and is not changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stake_row_moves_forward BEFORE UPDATE ON stake_row
  FOR EACH ROW EXECUTE FUNCTION stake_row_moves_forward();

CREATE FUNCTION payout_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'due' THEN NEW.status IN ('ready', 'confirmed', 'held', 'cancelled')
      WHEN 'ready' THEN NEW.status IN ('signed', 'waiting_funds', 'confirmed', 'held', 'failed', 'cancelled')
      WHEN 'signed' THEN NEW.status IN ('sent', 'confirmed', 'ready', 'held', 'failed')
      WHEN 'sent' THEN NEW.status IN ('confirmed', 'ready', 'held', 'failed')
      WHEN 'waiting_funds' THEN NEW.status IN ('ready', 'confirmed', 'held', 'failed', 'cancelled')
      WHEN 'held' THEN NEW.status IN ('ready', 'confirmed', 'failed', 'cancelled')
      WHEN 'failed' THEN NEW.status IN ('ready', 'confirmed', 'cancelled')
      ELSE false END) THEN
    RAISE EXCEPTION 'payout % does not go from % to %', OLD.key, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.key, OLD.kind, OLD.payee, OLD.amount, OLD.memo, OLD.due)
     IS DISTINCT FROM (NEW.id, NEW.key, NEW.kind, NEW.payee, NEW.amount, NEW.memo, NEW.due) THEN
    RAISE EXCEPTION 'payout % is a debt and is not changed', OLD.key USING ERRCODE = 'restrict_violation';
  END IF;
  -- A live withdrawal may still reach the chain: until it is dead the payout can only be confirmed.
  IF NEW.status IN ('ready', 'failed', 'held', 'cancelled') AND OLD.status IN ('signed', 'sent') AND EXISTS
      (SELECT FROM withdrawal WHERE payout_id = OLD.id AND status IN ('signed', 'broadcast')) THEN
    RAISE EXCEPTION 'payout % has a live withdrawal', OLD.key USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payout_moves BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_moves();

CREATE FUNCTION withdrawal_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'signed' THEN NEW.status IN ('broadcast', 'confirmed', 'expired')
      WHEN 'broadcast' THEN NEW.status IN ('confirmed', 'expired')
      ELSE false END) THEN
    RAISE EXCEPTION 'withdrawal % does not go from % to %', OLD.txid, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.id, OLD.payout_id, OLD.txid, OLD.bytes, OLD.ref_block_num, OLD.expiration_ms, OLD.fee_shares, OLD.writer_epoch)
     IS DISTINCT FROM
     (NEW.id, NEW.payout_id, NEW.txid, NEW.bytes, NEW.ref_block_num, NEW.expiration_ms, NEW.fee_shares, NEW.writer_epoch) THEN
    RAISE EXCEPTION 'withdrawal % is signed and is not changed', OLD.txid USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER withdrawal_moves BEFORE UPDATE ON withdrawal FOR EACH ROW EXECUTE FUNCTION withdrawal_moves();

-- A payout that is paid, or on its way, gets no further withdrawal; nor does one that nobody has moved to `signed`.
CREATE FUNCTION withdrawal_needs_signed_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM payout WHERE id = NEW.payout_id AND status = 'signed') THEN
    RAISE EXCEPTION 'withdrawal % for a payout that is not being signed', NEW.txid USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER withdrawal_needs_signed_payout BEFORE INSERT ON withdrawal
  FOR EACH ROW EXECUTE FUNCTION withdrawal_needs_signed_payout();

-- The cursor goes forward, and the writer epoch goes up.
CREATE FUNCTION chain_cursor_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.block_num < OLD.block_num THEN
    RAISE EXCEPTION 'the cursor stands at block % and does not go back to %', OLD.block_num, NEW.block_num
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER chain_cursor_goes_forward BEFORE UPDATE ON chain_cursor
  FOR EACH ROW EXECUTE FUNCTION chain_cursor_goes_forward();

CREATE FUNCTION writer_epoch_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.writer_epoch < OLD.writer_epoch THEN
    RAISE EXCEPTION 'the writer epoch % is over', NEW.writer_epoch USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER writer_epoch_goes_up BEFORE UPDATE ON control FOR EACH ROW EXECUTE FUNCTION writer_epoch_goes_up();

-- The point of no return (ADR 0003). Locks: the control row, shared, so that a switch thrown or an epoch begun at the same
-- time comes before or after, not between; the payout row, so that of two payers the second waits and finds it moved.
CREATE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea, new_ref_block_num int,
                                new_expiration_ms bigint, new_fee_shares bigint, epoch bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  switch control%ROWTYPE;
  found_status text;
BEGIN
  SELECT * INTO STRICT switch FROM control WHERE id = 1 FOR SHARE;
  IF switch.writer_epoch <> epoch THEN RETURN 'epoch_over'; END IF;
  IF NOT switch.payments_on THEN RETURN 'payments_off'; END IF;
  SELECT status INTO STRICT found_status FROM payout WHERE id = of_payout FOR UPDATE;
  IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'payout_moved'; END IF;
  IF found_status <> 'ready' THEN
    UPDATE payout SET status = 'ready', waiting_since = NULL WHERE id = of_payout;
  END IF;
  UPDATE payout SET status = 'signed', reason = NULL, attempts = attempts + 1, enqueued_at = now(), updated_at = now()
   WHERE id = of_payout;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch)
  VALUES (new_id, of_payout, new_txid, new_bytes, new_ref_block_num, new_expiration_ms, new_fee_shares, 'signed', epoch);
  RETURN 'saved';
END $$;

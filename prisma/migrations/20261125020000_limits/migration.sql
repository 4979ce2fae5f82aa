-- Limits on payments, approvals by a second person, and a freeze that goes further than payments. ADR 0019.
-- Why here: the check has to be one step with the saving of a withdrawal, also for a payer of the version before, which knows
-- nothing of it. Off until an operator sets a limit: as before.
-- Lock: payout, withdrawal and control for an instant; writes to withdrawal wait while its index is built and the last day's
-- rows are marked, about a second for a million rows. Back: save_withdrawal as in 20261125010000_one_word_for_not_now, then
-- drop what is added here.

-- AlterTable
ALTER TABLE "payout" ADD COLUMN     "limited_by" TEXT;

-- AlterTable
ALTER TABLE "withdrawal" ADD COLUMN     "signed_ms" BIGINT;

-- AlterTable
ALTER TABLE "control" ADD COLUMN     "accepting_on" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "accepting_reason" TEXT,
ADD COLUMN     "manager_freeze" TEXT,
ADD COLUMN     "manager_freeze_reason" TEXT;

-- CreateTable
CREATE TABLE "payment_limits" (
    "id" BIGSERIAL NOT NULL,
    "payment_cap" BIGINT,
    "hour_cap" BIGINT,
    "day_cap" BIGINT,
    "approval_from" BIGINT,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payment_limits_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_approval" (
    "id" BIGSERIAL NOT NULL,
    "payout_id" UUID NOT NULL,
    "payee" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "approver" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_approval_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "payout_approval_payout_id_approver_payee_amount_key" ON "payout_approval"("payout_id", "approver", "payee", "amount");

-- CreateIndex
CREATE INDEX "withdrawal_signed_ms_idx" ON "withdrawal"("signed_ms");

-- AddForeignKey
ALTER TABLE "payout_approval" ADD CONSTRAINT "payout_approval_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payout"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand from here on.
ALTER TABLE control
  ADD CONSTRAINT control_not_accepting_has_reason CHECK (accepting_on OR accepting_reason IS NOT NULL),
  ADD CONSTRAINT control_manager_freeze_known CHECK (manager_freeze IN ('pay-nothing', 'accept-nothing', 'all')),
  ADD CONSTRAINT control_manager_freeze_has_reason CHECK ((manager_freeze IS NULL) = (manager_freeze_reason IS NULL));
ALTER TABLE payment_limits
  ADD CONSTRAINT payment_limits_positive
    CHECK (least(payment_cap, hour_cap, day_cap, approval_from) > 0),
  ADD CONSTRAINT payment_limits_has_author CHECK (actor <> '' AND reason <> '');
ALTER TABLE payout
  ADD CONSTRAINT payout_limited_by_known CHECK (limited_by IN ('payment_cap', 'approval', 'hour_cap', 'day_cap'));
ALTER TABLE payout_approval
  ADD CONSTRAINT payout_approval_has_author CHECK (approver <> '' AND reason <> '');

-- A handful: what waits for room, and what waits for a person because of a limit.
CREATE INDEX payout_limited ON payout (due, id) WHERE limited_by IS NOT NULL;

-- Both are written once, like receipts.
CREATE TRIGGER no_delete BEFORE DELETE ON payment_limits FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payment_limits EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payment_limits FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_delete BEFORE DELETE ON payout_approval FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout_approval EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER written_once BEFORE UPDATE ON payout_approval FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was signed in the last day counts in the first window. Their expiration is a few minutes after their signing: they
-- count that much longer.
UPDATE withdrawal SET signed_ms = expiration_ms
 WHERE expiration_ms > (SELECT block_time_ms - 86400000 FROM chain_cursor);
CREATE TRIGGER signed_once BEFORE UPDATE ON withdrawal FOR EACH ROW
  WHEN (OLD.signed_ms IS DISTINCT FROM NEW.signed_ms) EXECUTE FUNCTION refuse_change();

-- Whoever moves a payout does so for a reason of his own: that a limit held it back is over.
CREATE FUNCTION limit_ends_with_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.limited_by := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER limit_ends_with_status BEFORE UPDATE ON payout FOR EACH ROW
  WHEN (OLD.status <> NEW.status AND OLD.limited_by IS NOT NULL AND OLD.limited_by = NEW.limited_by)
  EXECUTE FUNCTION limit_ends_with_status();

-- Somebody lets it go who is not the one who gave it to the payer.
CREATE FUNCTION is_approved(debt payout) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM payout_approval approval
     WHERE approval.payout_id = debt.id AND approval.payee = debt.payee AND approval.amount = debt.amount
       AND NOT EXISTS (
         SELECT FROM receipt
          WHERE subject = debt.key AND event IN ('payout.requeued', 'payout.released')
            AND lower(details->>'actor') = lower(approval.approver) AND receipt.created_at <= approval.created_at))
$$;

-- May this payout be signed now, as far as limits go: 'go', 'held' (it has become so, and a person decides) or 'later'. The
-- rule is that of domain/limits.ts; a test compares them. Locks: the control row, so that two payers reckon one after the
-- other, and the payout. The time is that of the newest block that the ledger has: no payer says what time it is.
CREATE FUNCTION limit_payment(of_payout uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  limits payment_limits%ROWTYPE;
  debt payout%ROWTYPE;
  now_ms bigint;
  hour_sum numeric;
  day_sum numeric;
  limited text;
  why text;
BEGIN
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE;
  SELECT * INTO limits FROM payment_limits ORDER BY id DESC LIMIT 1;
  IF num_nonnulls(limits.payment_cap, limits.hour_cap, limits.day_cap, limits.approval_from) = 0 THEN RETURN 'go'; END IF;
  SELECT * INTO STRICT debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF debt.status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'go'; END IF;
  SELECT block_time_ms INTO now_ms FROM chain_cursor;

  IF NOT is_approved(debt) THEN
    IF debt.amount > limits.payment_cap THEN
      limited := 'payment_cap';
      why := format('it is more than the cap of %s BTS for one payment', limits.payment_cap);
    ELSIF debt.amount >= limits.approval_from THEN
      limited := 'approval';
      why := format('payments from %s BTS on need the approval of a second person', limits.approval_from);
    ELSIF debt.amount > limits.hour_cap THEN
      limited := 'hour_cap';
      why := format('it alone is more than the cap of %s BTS per hour', limits.hour_cap);
    ELSIF debt.amount > limits.day_cap THEN
      limited := 'day_cap';
      why := format('it alone is more than the cap of %s BTS per day', limits.day_cap);
    END IF;
  END IF;
  IF limited IS NOT NULL THEN
    UPDATE payout SET limited_by = NULL WHERE id = of_payout AND limited_by IS NOT NULL;
    UPDATE payout SET status = 'held', limited_by = limited, reason = why, waiting_since = NULL, updated_at = now()
     WHERE id = of_payout;
    INSERT INTO receipt (event, subject, chain_time_ms, details) VALUES ('payout.held', debt.key, now_ms,
      jsonb_build_object('payoutId', debt.id, 'payee', debt.payee, 'amount', debt.amount::text, 'was', debt.status,
                         'limit', limited, 'reason', why, 'todo', format('stakebts payouts approve %s', debt.key)));
    RETURN 'held';
  END IF;

  IF num_nonnulls(limits.hour_cap, limits.day_cap) = 0 THEN RETURN 'go'; END IF;
  SELECT coalesce(sum(paid.amount) FILTER (WHERE signed_ms > now_ms - 3600000), 0), coalesce(sum(paid.amount), 0)
    INTO hour_sum, day_sum
    FROM withdrawal JOIN payout paid ON paid.id = payout_id
   WHERE signed_ms > now_ms - 86400000 AND withdrawal.status <> 'expired';
  IF day_sum > 0 AND day_sum + debt.amount > limits.day_cap THEN
    limited := 'day_cap';
  ELSIF hour_sum > 0 AND hour_sum + debt.amount > limits.hour_cap THEN
    limited := 'hour_cap';
  ELSE
    -- What fell due earlier and waits for room goes first.
    SELECT limited_by INTO limited FROM payout
     WHERE limited_by IN ('hour_cap', 'day_cap') AND status IN ('due', 'ready') AND (due, id) < (debt.due, debt.id)
       AND CASE limited_by WHEN 'hour_cap' THEN limits.hour_cap ELSE limits.day_cap END IS NOT NULL
     ORDER BY due, id LIMIT 1;
  END IF;
  IF limited IS NULL THEN RETURN 'go'; END IF;
  IF debt.limited_by IS DISTINCT FROM limited OR debt.status = 'waiting_funds' THEN
    why := format('the cap of %s BTS per %s leaves no room for it yet',
                  CASE limited WHEN 'hour_cap' THEN limits.hour_cap ELSE limits.day_cap END,
                  CASE limited WHEN 'hour_cap' THEN 'hour' ELSE 'day' END);
    -- Said when the first begins to wait, not for each of those behind it.
    IF NOT EXISTS (SELECT FROM payout WHERE limited_by = limited AND status IN ('due', 'ready')) THEN
      INSERT INTO receipt (event, subject, chain_time_ms, details) VALUES ('limit.reached', limited, now_ms,
        jsonb_build_object('payout', debt.key, 'payee', debt.payee, 'amount', debt.amount::text,
                           'signedInHour', hour_sum::text, 'signedInDay', day_sum::text, 'reason', why));
    END IF;
    UPDATE payout SET status = CASE status WHEN 'waiting_funds' THEN 'ready' ELSE status END, waiting_since = NULL,
                      limited_by = limited, reason = why, updated_at = now()
     WHERE id = of_payout;
  END IF;
  RETURN 'later';
END $$;

-- As before (ADR 0003), and within the limits, and not while a manager's freeze stops payments. It answers as before, too:
-- a payout that a limit has held has moved, and what has to wait waits as if payments were off.
CREATE OR REPLACE FUNCTION save_withdrawal(new_id uuid, of_payout uuid, new_txid text, new_bytes bytea,
                                           new_ref_block_num int, new_expiration_ms bigint, new_fee_shares bigint,
                                           epoch bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  switch control%ROWTYPE;
  found_status text;
BEGIN
  SELECT * INTO STRICT switch FROM control WHERE id = 1 FOR NO KEY UPDATE;
  IF switch.writer_epoch <> epoch THEN RETURN 'epoch_over'; END IF;
  IF NOT switch.payments_on OR switch.manager_freeze IN ('pay-nothing', 'all') OR switch.recovery_hold_until_ms IS NOT NULL
      OR switch.database_identity IS DISTINCT FROM database_identity() THEN
    RETURN 'payments_off';
  END IF;
  SELECT status INTO STRICT found_status FROM payout WHERE id = of_payout FOR UPDATE;
  IF found_status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'payout_moved'; END IF;
  CASE limit_payment(of_payout)
    WHEN 'go' THEN NULL;
    WHEN 'held' THEN RETURN 'payout_moved';
    WHEN 'later' THEN RETURN 'payments_off';
  END CASE;
  IF found_status <> 'ready' THEN
    UPDATE payout SET status = 'ready', waiting_since = NULL WHERE id = of_payout;
  END IF;
  UPDATE payout SET status = 'signed', reason = NULL, limited_by = NULL, attempts = attempts + 1, enqueued_at = now(),
                    updated_at = now()
   WHERE id = of_payout;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch,
                          signed_ms)
  VALUES (new_id, of_payout, new_txid, new_bytes, new_ref_block_num, new_expiration_ms, new_fee_shares, 'signed', epoch,
          coalesce((SELECT block_time_ms FROM chain_cursor), new_expiration_ms));
  RETURN 'saved';
END $$;

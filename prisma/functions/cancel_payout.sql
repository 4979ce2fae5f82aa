-- Takes a payout back for good, with its rows and a receipt, where it is proved that nothing was sent for it. With the console's login
-- it takes a second person, and an hour since the first one (asked_to_cancel). Returns false when the payout or what is known of
-- it has changed.
CREATE OR REPLACE FUNCTION cancel_payout(of_payout uuid, was text, details jsonb, despite text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  debt payout%ROWTYPE;
  back text;
BEGIN
  PERFORM needs_person(details, ARRAY['operator', 'approver']);
  -- That of applying events: an ingester that finds the payment by its key takes it too.
  PERFORM pg_advisory_xact_lock(7270001);
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> was OR was NOT IN ('due', 'ready', 'waiting_funds', 'held', 'failed')
     OR is_on_recovery_hold() OR NOT nothing_was_sent(debt, despite) THEN
    RETURN false;
  END IF;
  IF NOT login_is('operator') AND (was NOT IN ('held', 'failed') OR NOT EXISTS (
      SELECT FROM asked_to_cancel(of_payout) WHERE is_open AND lower(person) <> lower(details ->> 'actor'))) THEN
    RETURN false;
  END IF;
  UPDATE payout SET status = 'cancelled', reason = details ->> 'reason', waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  WITH moved AS (
    UPDATE stake_row SET status = 'pending' FROM payout_stake_row link
     WHERE link.payout_id = of_payout AND stake_row.id = link.stake_row_id AND stake_row.status = 'processing'
    RETURNING stake_row.id)
  SELECT string_agg(id, ' ' ORDER BY id) INTO back FROM moved;
  INSERT INTO receipt (event, subject, details)
  VALUES ('payout.cancelled', debt.key, details || jsonb_build_object('payoutId', debt.id, 'payee', debt.payee,
            'amount', debt.amount::text, 'was', debt.status, 'because', debt.reason, 'despite', despite, 'rows', coalesce(back, '')));
  RETURN true;
END $$;

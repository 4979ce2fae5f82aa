-- Gives a failed or held payout back to the payer, with its job and its receipt, for one more attempt. The service looks first and
-- answers in words (packages/core/src/operators/requeue-payout.ts). This function is what the database allows to every caller: nothing
-- under a recovery hold, and nothing unless it is proved that nothing was sent (nothing_was_sent). Returns false when the payout or what
-- is known of it has changed.
CREATE OR REPLACE FUNCTION requeue_payout(of_payout uuid, was text, job_id text, event text, details jsonb, despite text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  IF event NOT IN ('payout.requeued', 'payout.released')
     OR coalesce(details ->> 'actor', '') = '' OR coalesce(details ->> 'reason', '') = '' THEN
    RAISE EXCEPTION 'a payout is requeued by a named person and for a reason' USING ERRCODE = 'check_violation';
  END IF;
  -- That of applying events: an ingester that finds the payment by its key takes it too.
  PERFORM pg_advisory_xact_lock(7270001);
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> was OR was NOT IN ('failed', 'held') THEN RETURN false; END IF;
  IF is_on_recovery_hold() OR NOT nothing_was_sent(debt, despite) THEN RETURN false; END IF;
  UPDATE payout SET status = 'ready', reason = NULL, waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  INSERT INTO outbox (job_id, kind, data, delay_ms)
  VALUES (requeue_payout.job_id, 'payout.pay', jsonb_build_object('payoutId', of_payout), 0)
  ON CONFLICT DO NOTHING;
  INSERT INTO payout_request (payout_id, actor) VALUES (of_payout, requeue_payout.details ->> 'actor');
  INSERT INTO receipt (event, subject, details)
  VALUES (requeue_payout.event, debt.key,
          requeue_payout.details || jsonb_build_object('payoutId', of_payout, 'payee', debt.payee,
            'amount', debt.amount::text, 'was', debt.status, 'because', debt.reason, 'despite', despite));
  RETURN true;
END $$;

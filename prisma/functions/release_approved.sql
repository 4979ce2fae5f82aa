-- Gives a payout that a limit holds back to the payer, with its job, when a second person has approved it (is_approved). Returns
-- false when no limit holds it or the approval is missing.
CREATE OR REPLACE FUNCTION release_approved(of_payout uuid, job_id text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE; -- No payer reckons with it meanwhile.
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> 'held' OR debt.limited_by IS NULL OR NOT is_approved(debt) THEN RETURN false; END IF;
  UPDATE payout SET status = 'ready', reason = NULL, waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  INSERT INTO outbox (job_id, kind, data, delay_ms)
  VALUES (release_approved.job_id, 'payout.pay', jsonb_build_object('payoutId', of_payout), 0) ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

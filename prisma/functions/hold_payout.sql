-- Keeps the payer from a payout until a person releases it, with a receipt. Returns false when it has moved, or cannot be held.
CREATE OR REPLACE FUNCTION hold_payout(of_payout uuid, was text, details jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> was OR was NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN false; END IF;
  UPDATE payout SET status = 'held', reason = details ->> 'reason', waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  INSERT INTO receipt (event, subject, details)
  VALUES ('payout.held', debt.key, details || jsonb_build_object('payoutId', debt.id, 'payee', debt.payee,
                                                                 'amount', debt.amount::text, 'was', debt.status));
  RETURN true;
END $$;

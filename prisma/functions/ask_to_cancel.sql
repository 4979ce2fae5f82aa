-- The first of two people who cancel a payout: it is held from now on, with a receipt of which people are told. Releasing it ends the
-- request. Returns false when it has moved, or is of no status that can be cancelled.
CREATE OR REPLACE FUNCTION ask_to_cancel(of_payout uuid, was text, details jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  debt payout%ROWTYPE;
BEGIN
  PERFORM needs_person(details, ARRAY['operator']);
  SELECT * INTO debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF NOT FOUND OR debt.status <> was OR was NOT IN ('due', 'ready', 'waiting_funds', 'held', 'failed') THEN RETURN false; END IF;
  IF was NOT IN ('held', 'failed') THEN
    UPDATE payout SET status = 'held', reason = details ->> 'reason', waiting_since = NULL, updated_at = now() WHERE id = of_payout;
  END IF;
  INSERT INTO cancel_request (payout_id, actor, reason) VALUES (of_payout, details ->> 'actor', details ->> 'reason');
  INSERT INTO receipt (event, subject, details)
  VALUES ('payout.cancel_asked', debt.key, details || jsonb_build_object('payoutId', debt.id, 'payee', debt.payee,
            'amount', debt.amount::text, 'was', debt.status,
            'todo', format('did %s ask for this? if not: stakebts payouts release %s, and a new login for the console',
                           details ->> 'actor', debt.key)));
  RETURN true;
END $$;

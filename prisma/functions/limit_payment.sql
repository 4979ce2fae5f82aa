-- May this payout be signed now, as far as the limits go: 'go', 'held' (its status is now held, and a person decides) or 'later'.
-- Twin: limitPayment in packages/testkit/src/twins/limit-payment.ts, and a test compares them. It is here because the check and the saving of a withdrawal
-- are one step, also for a payer of the version before. ADR 0019.
-- What goes back to those who sent it (refunds, base amounts, early exits) has windows of its own, or a stranger could fill those of the
-- programme with his own money. Among that, refunds come last: they cost their sender next to nothing.
-- Locks: the control row, so that two payers count one after the other, and the payout. The time is the time of the ledger's
-- newest block, never the time of a payer.
CREATE OR REPLACE FUNCTION limit_payment(of_payout uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  limits payment_limits%ROWTYPE;
  debt payout%ROWTYPE;
  returns boolean;
  lane_hour_cap bigint;
  lane_day_cap bigint;
  now_ms bigint;
  hour_sum numeric;
  day_sum numeric;
  limited text;
  why text;
BEGIN
  PERFORM FROM control WHERE id = 1 FOR NO KEY UPDATE;
  SELECT * INTO limits FROM payment_limits ORDER BY id DESC LIMIT 1;
  IF num_nonnulls(limits.payment_cap, limits.hour_cap, limits.day_cap, limits.approval_from, limits.return_hour_cap, limits.return_day_cap) = 0 THEN RETURN 'go'; END IF;
  SELECT * INTO STRICT debt FROM payout WHERE id = of_payout FOR UPDATE;
  IF debt.status NOT IN ('due', 'ready', 'waiting_funds') THEN RETURN 'go'; END IF;
  SELECT block_time_ms INTO now_ms FROM chain_cursor;
  returns := is_returned(debt.kind);
  lane_hour_cap := CASE WHEN returns THEN coalesce(limits.return_hour_cap, limits.hour_cap) ELSE limits.hour_cap END;
  lane_day_cap := CASE WHEN returns THEN coalesce(limits.return_day_cap, limits.day_cap) ELSE limits.day_cap END;

  IF NOT is_approved(debt) THEN
    IF debt.amount > limits.payment_cap THEN
      limited := 'payment_cap';
      why := format('it is more than the cap of %s BTS for one payment', limits.payment_cap);
    ELSIF debt.amount >= limits.approval_from THEN
      limited := 'approval';
      why := format('payments from %s BTS on need the approval of a second person', limits.approval_from);
    ELSIF debt.amount > lane_hour_cap THEN
      limited := 'hour_cap';
      why := format('it alone is more than the cap of %s BTS per hour', lane_hour_cap);
    ELSIF debt.amount > lane_day_cap THEN
      limited := 'day_cap';
      why := format('it alone is more than the cap of %s BTS per day', lane_day_cap);
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

  IF num_nonnulls(lane_hour_cap, lane_day_cap) = 0 THEN RETURN 'go'; END IF;
  SELECT coalesce(sum(paid.amount) FILTER (WHERE signed_ms > now_ms - 3600000), 0), coalesce(sum(paid.amount), 0)
    INTO hour_sum, day_sum
    FROM withdrawal JOIN payout paid ON paid.id = payout_id
   WHERE signed_ms > now_ms - 86400000 AND withdrawal.status <> 'expired' AND is_returned(paid.kind) = returns;
  IF day_sum > 0 AND day_sum + debt.amount > lane_day_cap THEN
    limited := 'day_cap';
  ELSIF hour_sum > 0 AND hour_sum + debt.amount > lane_hour_cap THEN
    limited := 'hour_cap';
  ELSE
    -- What fell due earlier and waits for the same room goes first, and refunds come after all else.
    SELECT limited_by INTO limited FROM payout
     WHERE limited_by IN ('hour_cap', 'day_cap') AND status IN ('due', 'ready') AND is_returned(kind) = returns
       AND (kind = 'refund', due, id) < (debt.kind = 'refund', debt.due, debt.id)
       AND CASE limited_by WHEN 'hour_cap' THEN lane_hour_cap ELSE lane_day_cap END IS NOT NULL
     ORDER BY kind = 'refund', due, id LIMIT 1;
  END IF;
  IF limited IS NULL THEN RETURN 'go'; END IF;
  IF debt.limited_by IS DISTINCT FROM limited OR debt.status = 'waiting_funds' THEN
    why := format('the cap of %s BTS per %s leaves no room for it yet',
                  CASE limited WHEN 'hour_cap' THEN lane_hour_cap ELSE lane_day_cap END,
                  CASE limited WHEN 'hour_cap' THEN 'hour' ELSE 'day' END);
    -- Said when the first begins to wait, not for each of those behind it.
    IF NOT EXISTS (SELECT FROM payout WHERE limited_by = limited AND status IN ('due', 'ready')
                                             AND is_returned(kind) = returns) THEN
      INSERT INTO receipt (event, subject, chain_time_ms, details) VALUES ('limit.reached', limited, now_ms,
        jsonb_build_object('payout', debt.key, 'lane', CASE WHEN returns THEN 'returns' ELSE 'programme' END, 'payee', debt.payee, 'amount', debt.amount::text,
                           'signedInHour', hour_sum::text, 'signedInDay', day_sum::text, 'reason', why));
    END IF;
    UPDATE payout SET status = CASE status WHEN 'waiting_funds' THEN 'ready' ELSE status END, waiting_since = NULL,
                      limited_by = limited, reason = why, updated_at = now()
     WHERE id = of_payout;
  END IF;
  RETURN 'later';
END $$;

-- The requests to cancel this payout that hold: the payout was not given back to the payer since. A second person may say the same an
-- hour later and not before: in that time people, who are told of each request, can end one that none of them made. ADR 0020.
CREATE OR REPLACE FUNCTION asked_to_cancel(of_payout uuid)
RETURNS TABLE (person text, why text, asked_at timestamptz, open_from timestamptz, is_open boolean) LANGUAGE sql STABLE AS $$
  SELECT actor, reason, created_at, created_at + interval '1 hour', created_at + interval '1 hour' <= now()
    FROM cancel_request asked
   WHERE payout_id = of_payout
     AND NOT EXISTS (SELECT FROM payout_request given
                      WHERE given.payout_id = of_payout AND given.created_at >= asked.created_at)
     AND NOT EXISTS (SELECT FROM payout_approval given
                      WHERE given.payout_id = of_payout AND given.created_at >= asked.created_at)
   ORDER BY id
$$;

-- A person who is not the one that gave the payout to the payer has approved it. Twin: isApproved in
-- packages/testkit/src/twins/approval.ts, and a test compares them. ADR 0019.
CREATE OR REPLACE FUNCTION is_approved(debt payout) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM payout_approval approval
     WHERE approval.payout_id = debt.id AND approval.payee = debt.payee AND approval.amount = debt.amount
       AND NOT EXISTS (
         SELECT FROM payout_request request
          WHERE request.payout_id = debt.id AND lower(request.actor) = lower(approval.approver)
            AND request.created_at <= approval.created_at))
$$;

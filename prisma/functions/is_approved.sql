-- A person who is not the one that gave the payout to the payer has approved it. Twin: isApproved in
-- packages/testkit/src/twins/approval.ts, and a test compares them. ADR 0019.
CREATE OR REPLACE FUNCTION is_approved(debt payout) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM payout_approval approval
     WHERE approval.payout_id = debt.id AND approval.payee = debt.payee AND approval.amount = debt.amount
       AND NOT EXISTS (
         SELECT FROM receipt
          WHERE subject = debt.key AND event IN ('payout.requeued', 'payout.released')
            AND lower(details->>'actor') = lower(approval.approver) AND receipt.created_at <= approval.created_at))
$$;

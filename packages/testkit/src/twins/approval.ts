import { isSamePerson } from "@stakebts/core/rules/approval";
import type { Bts } from "@stakebts/kernel/amount";

/**
 * Has a second person approved this payment? The first is the one that gave it to the payer again (requeued or released it): an
 * approval by the same person does not count if it came after, or at the same moment. `is_approved` of the database is the same
 * rule, and a test compares the two. ADR 0019.
 * @param requests who has given it to the payer, and when; any measure of time that approvals share
 */
export const isApproved = (
  payout: { readonly payee: string; readonly amount: Bts },
  approvals: readonly {
    readonly payee: string;
    readonly amount: Bts;
    readonly approver: string;
    readonly at: number;
  }[],
  requests: readonly { readonly actor: string; readonly at: number }[],
): boolean =>
  approvals.some(
    ({ payee, amount, approver, at }) =>
      payee === payout.payee &&
      amount === payout.amount &&
      !requests.some((request) => isSamePerson(request.actor, approver) && request.at <= at),
  );

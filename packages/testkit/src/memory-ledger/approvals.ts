import type { PayoutId } from "@stakebts/core/rules/payout";
import type { ApprovalsTx, PayoutApproval, PayoutRecord } from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";
import { isApproved, REQUESTS } from "./limits.ts";
import { movePayout } from "./payouts.ts";
import { jobsIn } from "./receipts.ts";
import type { State } from "./state.ts";

export const approvalsIn = (state: State): ApprovalsTx => ({
  async of({ id, key }: Pick<PayoutRecord, "id" | "key">) {
    return {
      given: state.approvals
        .filter(({ payoutId }) => payoutId === id)
        .map(({ payee, amount, approver, reason }) => ({ payee, amount, approver, reason })),
      requesters: state.receipts
        .filter(({ event, subject }) => subject === key && REQUESTS.includes(event))
        .map(({ details }) => String(details["actor"])),
    };
  },

  async add(payoutId: PayoutId, approval: PayoutApproval): Promise<boolean> {
    const { approver, payee, amount } = approval;
    const isThere = state.approvals.some(
      (old) =>
        old.payoutId === payoutId &&
        old.approver === approver &&
        old.payee === payee &&
        old.amount === amount,
    );
    if (isThere) return false;
    state.approvals = [...state.approvals, { payoutId, receipts: state.receipts.length, ...approval }];
    return true;
  },

  async release(id: PayoutId, job: NewJob): Promise<boolean> {
    const payout = state.payouts.get(id);
    if (payout?.limitedBy === undefined || !isApproved(state, payout)) return false;
    if (!movePayout(state, id, ["held"], "ready")) return false;
    await jobsIn(state).add([job]);
    return true;
  },
});

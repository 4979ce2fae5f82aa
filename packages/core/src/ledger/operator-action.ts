import type { PayoutStatus } from "../rules/payout.ts";
import type { NewReceipt, PayoutRecord } from "./ledger.ts";

/** Who wants something done, and why. Both end in the receipt. */
export interface OperatorAction {
  /** Unique per command: ties the receipts of one command together and makes its jobs new ones. */
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
}

/**
 * What became of one payout.
 * - `done`: it was moved, and a receipt says so.
 * - `unchanged`: it is already where the operator wants it. Repeating a command ends here.
 * - `refused`: it may not be moved. `message` says why, `todo` what to do instead.
 */
export interface PayoutAnswer {
  readonly result: "done" | "unchanged" | "refused";
  /** The payout's key, or what the operator called it when there is none. */
  readonly payout: string;
  /** Where it stands now; `undefined` when there is no such payout. */
  readonly status: PayoutStatus | undefined;
  readonly payee: string | undefined;
  /** Whole BTS. */
  readonly amount: bigint | undefined;
  readonly message: string;
  readonly todo?: string;
}

export const answer = (
  payout: PayoutRecord,
  result: PayoutAnswer["result"],
  message: string,
  more: { status?: PayoutStatus; todo?: string } = {},
): PayoutAnswer => ({
  result,
  payout: payout.key,
  status: more.status ?? payout.status,
  payee: payout.payee,
  amount: payout.amount,
  message,
  ...(more.todo === undefined ? {} : { todo: more.todo }),
});

export const noSuchPayout = (payout: string): PayoutAnswer => ({
  result: "refused",
  payout,
  status: undefined,
  payee: undefined,
  amount: undefined,
  message: "there is no such payout",
  todo: "`stakebts payouts list` shows keys and ids",
});

export const receiptOf = (
  event: string,
  subject: string,
  action: OperatorAction,
  details: NewReceipt["details"] = {},
): NewReceipt => ({
  event,
  subject,
  details: { ...details, actor: action.actor, reason: action.reason, action: action.id },
});

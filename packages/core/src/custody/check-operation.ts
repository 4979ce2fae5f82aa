import { type Bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import { type Debt, type OwedRules, whyNotOwed } from "../rules/owed.ts";
import type { Policy } from "../rules/policy.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import type { WithdrawalStatus } from "../rules/withdrawal.ts";

/**
 * The rule of the spend monitor (ADR 0016): each operation of the custodian has to follow from the ledger, and the debt that
 * it pays has to follow from the transfer that caused it. Any other operation means that a stranger holds a key.
 */

/** One operation that needs the custodian's authority, or takes its money, in words that can be compared with the ledger. */
export type OperationEffect =
  | {
      readonly type: "payment";
      /** Account name. */
      readonly receiver: string;
      readonly amount: Shares;
      readonly assetId: string;
      readonly fee: Shares;
      readonly feeAssetId: string;
    }
  /** The custodian draws from another account by a withdraw permission, and pays the fee. */
  | { readonly type: "draw"; readonly amount: Shares; readonly assetId: string; readonly fee: Shares }
  | { readonly type: "other"; readonly name: string };

/** What the ledger knows of the transaction that holds an operation. */
export interface KnownOfOperation {
  /** The withdrawal with this transaction's id. */
  readonly withdrawal: { readonly status: WithdrawalStatus; readonly payout: PayoutInContext } | undefined;
  /** A payout that the ledger has read from the chain as paid in this block to this payee, without a withdrawal of its own. */
  readonly settled: PayoutInContext | undefined;
  /** The request for funds with this transaction's id. */
  readonly topUp: { readonly amount: Bts } | undefined;
}

export interface PayoutInContext extends Debt {
  /** Another transaction that has paid it for good. */
  readonly paidByTxid: string | undefined;
}

export type OperationVerdict =
  | {
      readonly known: true;
      /** The debt that it pays, for which the chain has to show the cause. */
      readonly payout: Debt | undefined;
    }
  | {
      readonly known: false;
      readonly why: string;
      /** A restored ledger has lost the newest withdrawals, so a payment of our own may be unknown to it as well. */
      readonly mayBeForgotten: boolean;
    };

const KNOWN: OperationVerdict = { known: true, payout: undefined };
const unknown = (why: string, mayBeForgotten = false): OperationVerdict => ({
  known: false,
  why,
  mayBeForgotten,
});

export function checkOperation(
  effect: OperationEffect,
  known: KnownOfOperation,
  rules: Pick<Policy, "maxNetworkFee"> & OwedRules,
): OperationVerdict {
  switch (effect.type) {
    case "payment": {
      if (effect.assetId !== CORE_ASSET_ID || effect.feeAssetId !== CORE_ASSET_ID)
        return unknown("it pays in another asset than BTS");
      if (known.withdrawal?.status === "expired") return unknown("its withdrawal was declared dead");
      const payout = known.withdrawal?.payout ?? known.settled;
      if (payout === undefined) return unknown("no withdrawal of the ledger has its id", true);
      const problem =
        differs(effect, payout) ??
        (effect.fee > toShares(rules.maxNetworkFee) ? `it burns a fee of ${effect.fee} shares` : undefined) ??
        whyNotOwed(payout, rules);
      return problem === undefined ? { known: true, payout } : unknown(problem);
    }
    case "draw":
      if (known.topUp === undefined) return unknown("no request for funds has its id", true);
      if (effect.assetId !== CORE_ASSET_ID || toShares(known.topUp.amount) !== effect.amount)
        return unknown("it draws something else than was asked for");
      return KNOWN;
    case "other":
      return unknown("nothing that this product does");
    default:
      return assertNever(effect);
  }
}

function differs(
  effect: OperationEffect & { readonly type: "payment" },
  { key, payee, amount, paidByTxid }: PayoutInContext,
): string | undefined {
  if (effect.receiver !== payee) return `it is signed for payout ${key}, which is owed to ${payee}`;
  if (effect.amount !== toShares(amount)) return `it is signed for payout ${key}, which is ${amount} BTS`;
  return paidByTxid === undefined ? undefined : `payout ${key} was paid before, by ${paidByTxid}`;
}

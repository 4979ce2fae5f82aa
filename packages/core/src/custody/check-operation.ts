import { type Bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import type { PayoutKey, PayoutKind, PayoutStatus } from "../rules/payout.ts";
import type { Policy } from "../rules/policy.ts";
import type { MemoRequest } from "../rules/request.ts";
import type { StakeRowType } from "../rules/stake-row.ts";
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

export interface PayoutInContext {
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  readonly payee: string;
  readonly amount: Bts;
  readonly status: PayoutStatus;
  /** Another transaction that has paid it for good. */
  readonly paidByTxid: string | undefined;
  readonly rows: readonly {
    readonly type: StakeRowType;
    readonly nominator: string;
    readonly amount: Bts;
    /** The transfer that opened the agreement; an imported one has none. */
    readonly openedBy: { readonly sender: string; readonly amount: Shares } | undefined;
    readonly agreementAmount: Bts;
    /** Another payout of the same row that is paid, or on its way. */
    readonly alsoPaidBy: PayoutKey | undefined;
  }[];
  /** The incoming transfer that its key names. */
  readonly cause:
    | {
        readonly sender: string;
        readonly amount: Shares;
        readonly request: MemoRequest | undefined;
        readonly opened: boolean;
      }
    | undefined;
  /** Of a notice: to whom the payout is owed that failed. */
  readonly noticeFor: string | undefined;
}

export type OperationVerdict =
  | { readonly known: true }
  | {
      readonly known: false;
      readonly why: string;
      /** A restored ledger has lost the newest withdrawals, so a payment of our own may be unknown to it as well. */
      readonly mayBeForgotten: boolean;
    };

const KNOWN: OperationVerdict = { known: true };
const unknown = (why: string, mayBeForgotten = false): OperationVerdict => ({
  known: false,
  why,
  mayBeForgotten,
});

/** Accounts that an operator has chosen: no transfer and no agreement names them. */
export interface ChosenPayees {
  readonly exchangeDepositAccount: string;
  /** Gets the daily checkpoint of the audit log; `undefined`: none is made. */
  readonly checkpointAccount: string | undefined;
}

export function checkOperation(
  effect: OperationEffect,
  known: KnownOfOperation,
  rules: Pick<Policy, "maxNetworkFee"> & ChosenPayees,
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
      return problem === undefined ? KNOWN : unknown(problem);
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

/** A confirmation, or the notice of a failure. */
const SMALLEST = 1n;

/** Does the debt follow from its cause? An attacker who can write payouts could otherwise pay himself. */
function whyNotOwed(
  payout: PayoutInContext,
  { exchangeDepositAccount, checkpointAccount }: ChosenPayees,
): string | undefined {
  const { key, kind, payee, amount, rows, cause } = payout;
  const baseless = `payout ${key} does not follow from the ledger:`;
  switch (kind) {
    case "reward":
    case "base":
    case "stop": {
      const foreign = rows.find(
        ({ nominator, openedBy, agreementAmount }) =>
          nominator !== payee ||
          (openedBy !== undefined &&
            (openedBy.sender !== nominator || openedBy.amount < toShares(agreementAmount))),
      );
      if (rows.length === 0 || foreign !== undefined) return `${baseless} its stake rows are not ${payee}'s`;
      const twice = rows.find(({ alsoPaidBy }) => alsoPaidBy !== undefined)?.alsoPaidBy;
      if (twice !== undefined) return `${baseless} payout ${twice} pays the same stake rows`;
      const total = rows.reduce((sum, row) => sum + row.amount, 0n);
      return total === amount ? undefined : `${baseless} its stake rows come to ${total} BTS`;
    }
    case "refund":
      if (cause?.sender !== payee) return `${baseless} ${payee} has not sent that transfer`;
      if (cause.opened) return `${baseless} that transfer opened an agreement`;
      return toShares(amount) <= cause.amount ? undefined : `${baseless} it returns more than was sent`;
    case "confirm":
      return cause?.sender === payee && cause.opened && amount === SMALLEST
        ? undefined
        : `${baseless} it confirms nothing`;
    case "notice":
      return payout.noticeFor === payee && amount === SMALLEST ? undefined : `${baseless} nothing failed`;
    case "deposit": {
      const request = cause?.request;
      const isOrdered = request?.type === "bmg_to_bittrex" && request.amount === amount;
      return isOrdered && payee === exchangeDepositAccount ? undefined : `${baseless} no manager ordered it`;
    }
    case "checkpoint":
      return payee === checkpointAccount && amount === SMALLEST
        ? undefined
        : `${baseless} no checkpoint of the audit log goes there`;
    default:
      return assertNever(kind);
  }
}

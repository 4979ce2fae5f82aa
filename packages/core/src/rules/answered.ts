import { type Bts, bts, type Shares, toBtsRoundedDown } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { TransferOutcome } from "./decide.ts";
import type { PayoutKind } from "./payout.ts";
import { type AgreementTerms, type Policy, TERMS } from "./policy.ts";
import { ADMIN_REQUESTS, type MemoRequest } from "./request.ts";
import type { StakeRow } from "./stake-row.ts";
import { type Agreement, buildStakeRows, termsText } from "./terms.ts";
import { CORE_ASSET_ID } from "./transfer.ts";

/**
 * Does what the ledger makes of an incoming transfer follow from the rules? A thief who can write to the ledger could otherwise keep what
 * a nominator has sent. What the memo says is taken from the ledger here: the payer holds it against the chain before it pays.
 */
export interface AnsweredTransfer {
  readonly operation: OperationPosition;
  readonly sender: string;
  readonly timeMs: Millis;
  readonly amount: Shares;
  readonly assetId: string;
  readonly request: MemoRequest;
  readonly outcome: TransferOutcome;
  /** What its name names. */
  readonly agreement: Agreement | undefined;
  readonly rows: readonly Pick<StakeRow, "id" | "amount" | "dueMs">[];
  readonly payouts: readonly { readonly kind: PayoutKind; readonly payee: string; readonly amount: Bts }[];
  /** It completes a request for funds. */
  readonly completesTopUp: boolean;
  /** An import has dealt with it: by a mark, by the block up to which it did, or by an agreement of the sender. */
  readonly isImported: boolean;
  /** The sender has an agreement that was opened before it and has not ended. */
  readonly hasOpenAgreement: boolean;
  /** The sender has an agreement of which a penalty takes all. */
  readonly mayLoseAll: boolean;
}

export interface AnswerRules {
  readonly policy: Pick<Policy, "acceptedAmounts" | "invalidRequestFee" | "refundAbove">;
  /** All under which an agreement was ever opened. */
  readonly terms: readonly AgreementTerms[];
  readonly managers: readonly string[];
  /** From which deposits may come back. */
  readonly exchangeDepositAccount: string;
}

/** `undefined`: it does, as far as a process without the memo key can tell. */
export function whyWronglyAnswered(transfer: AnsweredTransfer, rules: AnswerRules): string | undefined {
  const { outcome, request, sender, assetId, isImported } = transfer;
  if ((outcome === "foreign_asset") !== (assetId !== CORE_ASSET_ID)) return `it is of ${assetId}`;
  if (outcome === "foreign_asset") return undefined;
  if (isImported) return undefined;
  const amount = toBtsRoundedDown(transfer.amount);
  const refundable = bts(amount - rules.policy.invalidRequestFee);
  const isTreasury =
    outcome === "treasury_deposit" &&
    (transfer.completesTopUp || request.type === "drawn" || sender === rules.exchangeDepositAccount);
  if (outcome === "agreement_opened") return whyWronglyOpened(transfer, amount, rules);
  if (isTreasury) return undefined;
  if (request.type === "open" && rules.policy.acceptedAmounts.includes(amount))
    return `it asks for an agreement of ${amount} BTS`;
  // Rows of a stop that an operator has cancelled are open again.
  if (request.type === "stop" && transfer.hasOpenAgreement && !paysSender(transfer, "stop"))
    return `it asks for an end of agreements of ${sender} that go on`;
  switch (outcome) {
    case "stopped":
      if (request.type !== "stop") return "it asks for no stop";
      if (amount > 1n && !paysSender(transfer, "refund", amount)) return `what it carries is not returned`;
      return transfer.mayLoseAll || paysSender(transfer, "stop") ? undefined : "nothing is returned for it";
    case "refunded":
      return paysSender(transfer, "refund", refundable) ? undefined : `${refundable} BTS are not returned`;
    case "kept":
      return refundable > rules.policy.refundAbove ? `${refundable} BTS are to be returned` : undefined;
    case "loan":
    case "admin_request":
      return rules.managers.includes(sender) && (isAdmin(request) || request.type === "freeze")
        ? undefined
        : `${sender} is no manager who asks for anything`;
    case "already_processed":
      return "no import has dealt with it";
    // Which accounts an exchange or the reserve pays from, only the scheduler knows.
    case "treasury_deposit":
      return undefined;
    default:
      return `its answer ${String(outcome satisfies never)} is none`;
  }
}

const isAdmin = (request: MemoRequest): boolean =>
  (ADMIN_REQUESTS as readonly string[]).includes(request.type);

const paysSender = ({ payouts, sender }: AnsweredTransfer, kind: PayoutKind, amount?: Bts): boolean =>
  payouts.some(
    (payout) =>
      payout.kind === kind && payout.payee === sender && (amount === undefined || payout.amount === amount),
  );

function whyWronglyOpened(
  { agreement, operation, sender, timeMs, request, rows }: AnsweredTransfer,
  amount: Bts,
  { terms }: AnswerRules,
): string | undefined {
  if (agreement === undefined) return "it has opened no agreement";
  const months = request.type === "open" ? TERMS[request.term] : undefined;
  if (
    agreement.nominator !== sender ||
    agreement.amount !== amount ||
    agreement.startMs !== timeMs ||
    agreement.months !== months
  )
    return `agreement ${operationId(operation)} is not what it asks for`;
  if (!terms.some((one) => termsText(one) === termsText(agreement.terms)))
    return `agreement ${operationId(operation)} has terms that never held (${termsText(agreement.terms)})`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const missing = buildStakeRows(agreement).find((row) => {
    const found = byId.get(row.id);
    return found?.amount !== row.amount || found.dueMs !== row.dueMs;
  });
  return missing === undefined
    ? undefined
    : `row ${missing.id} of ${missing.amount} BTS is missing, or another one`;
}

/** An incoming transfer as the ledger has it. */
export interface WrittenTransfer {
  readonly operation: OperationPosition;
  readonly sender: string;
  readonly timeMs: Millis;
  readonly amount: Shares;
  readonly assetId: string;
  readonly hasMemo: boolean;
  readonly isDrawn: boolean;
}

/** Why the two are not the same; `undefined`: they are, as far as a process without the memo key can tell. */
export function whyWrittenOtherwise(
  written: WrittenTransfer | undefined,
  found: WrittenTransfer,
): string | undefined {
  if (written === undefined)
    return `${found.amount} of ${found.assetId} of ${found.sender} are not in the ledger`;
  if (written.sender !== found.sender)
    return `it is by ${found.sender}, and in the ledger by ${written.sender}`;
  if (written.amount !== found.amount || written.assetId !== found.assetId)
    return `it is of ${found.amount} of ${found.assetId}, and in the ledger of ${written.amount} of ${written.assetId}`;
  if (written.timeMs !== found.timeMs) return "its time in the ledger is another one";
  if (written.isDrawn !== found.isDrawn || (written.hasMemo !== found.hasMemo && !found.isDrawn))
    return "its memo is another one in the ledger";
  return undefined;
}

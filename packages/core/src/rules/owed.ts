import { type Bts, type Shares, toBtsRoundedDown, toShares } from "@stakebts/kernel/amount";
import { assertNever } from "@stakebts/kernel/assert";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { PayoutKey, PayoutKind, PayoutStatus } from "./payout.ts";
import { type AgreementTerms, TERMS } from "./policy.ts";
import type { ExchangeAccountNumber, MemoRequest } from "./request.ts";
import type { StakeRowType } from "./stake-row.ts";
import { type Agreement, buildStakeRows, endOf, termsText } from "./terms.ts";
import { CORE_ASSET_ID } from "./transfer.ts";

/**
 * Does a debt follow from its cause? A thief who can write to the ledger could otherwise pay himself. The payer asks before it signs, and
 * the watcher after it has seen the payment; neither believes the rows before it: each reads the causes ({@link claimsOf})
 * from its own nodes.
 */
export interface Debt {
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  readonly payee: string;
  readonly amount: Bts;
  /** As it is to be sent. */
  readonly memo: string;
  readonly status: PayoutStatus;
  readonly rows: readonly DebtRow[];
  /** The incoming transfer that its key names. */
  readonly cause: AskingTransfer | undefined;
  /** Of a notice: the payout that failed. */
  readonly failed: Debt | undefined;
  /** Every transaction that was ever signed for it. */
  readonly attempts: readonly PaymentAttempt[];
}

export interface PaymentAttempt {
  readonly txid: string;
  /** No block up to this one can hold it. */
  readonly refBlockNum: number;
  readonly expirationMs: Millis;
}

export interface DebtRow {
  readonly type: StakeRowType;
  readonly number: number;
  readonly nominator: string;
  readonly amount: Bts;
  readonly agreement: Agreement;
  /** An operator's import wrote the agreement: what opened it is not in this ledger, and perhaps not on the chain. */
  readonly isImported: boolean;
  readonly openedBy: AskingTransfer | undefined;
  /** Another payout of the same row that is paid, or on its way. */
  readonly alsoPaidBy: PayoutKey | undefined;
  /** A payout that returns what opened the agreement. */
  readonly refundedBy: PayoutKey | undefined;
}

/** An incoming transfer as the ledger has it. */
export interface AskingTransfer {
  readonly operation: OperationPosition;
  readonly timeMs: Millis;
  readonly sender: string;
  readonly amount: Shares;
  readonly assetId: string;
  readonly request: MemoRequest | undefined;
  /** There is an agreement of its name. */
  readonly opened: boolean;
}

/** What no transfer and no agreement says. */
export interface OwedRules extends OwedAccounts {
  /** All under which an agreement was ever opened. */
  readonly terms: readonly AgreementTerms[];
}

export interface OwedAccounts {
  /** The only account to which deposits for an exchange may go. */
  readonly exchangeDepositAccount: string;
  /** The only account to which checkpoints of the audit log may go; `undefined`: none is made. */
  readonly checkpointAccount: string | undefined;
  /**
   * By which memo the exchange credits each of its accounts. `undefined`: this process does not sign, and need not know.
   */
  readonly depositMemos: Readonly<Partial<Record<ExchangeAccountNumber, string>>> | undefined;
  /** The only accounts that may order a deposit. */
  readonly managers: readonly string[];
}

/** A confirmation, or the notice of a failure. */
const SMALLEST = 1n;

/** Why the ledger itself does not owe it; `undefined`: as far as the ledger says it does. */
export function whyNotOwed(debt: Debt, rules: OwedRules): string | undefined {
  const { key, kind, payee, amount, rows, cause } = debt;
  const baseless = `payout ${key} does not follow from the ledger:`;
  switch (kind) {
    case "reward":
    case "base":
    case "stop": {
      const foreign = rows.find((row) => row.nominator !== payee || row.agreement.nominator !== payee);
      if (rows.length === 0 || foreign !== undefined) return `${baseless} its stake rows are not ${payee}'s`;
      const twice = rows.find(({ alsoPaidBy }) => alsoPaidBy !== undefined)?.alsoPaidBy;
      if (twice !== undefined) return `${baseless} payout ${twice} pays the same stake rows`;
      for (const row of rows) {
        const problem = whyNoRow(row, rules.terms);
        if (problem !== undefined) return `${baseless} ${problem}`;
      }
      if (!isNamedRightly(debt)) return `${baseless} its stake rows are not those that its name says`;
      const kept = kind === "stop" ? rows.find((row) => !isGivenBack(row, debt)) : undefined;
      if (kept !== undefined)
        return `${baseless} of agreement ${operationId(kept.agreement.operation)} it pays what is not what a stop gives back`;
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
      return debt.failed?.payee === payee && debt.failed.kind !== "notice" && amount === SMALLEST
        ? undefined
        : `${baseless} nothing failed`;
    case "deposit": {
      const request = cause?.request;
      const isOrdered =
        cause !== undefined &&
        rules.managers.includes(cause.sender) &&
        request?.type === "bmg_to_bittrex" &&
        request.amount === amount;
      if (!isOrdered || payee !== rules.exchangeDepositAccount) return `${baseless} no manager ordered it`;
      if (rules.depositMemos === undefined) return undefined;
      const memo = request.account === undefined ? undefined : rules.depositMemos[request.account];
      return memo !== undefined && memo === debt.memo
        ? undefined
        : `${baseless} its memo is not STAKEBTS_EXCHANGE_${request.account}_DEPOSIT_MEMO of the payer`;
    }
    case "checkpoint":
      return payee === rules.checkpointAccount && amount === SMALLEST
        ? undefined
        : `${baseless} no checkpoint of the audit log goes there`;
    default:
      return assertNever(kind);
  }
}

/** A row follows from its agreement, and the agreement from the transfer that opened it. What was imported follows from neither. */
function whyNoRow(row: DebtRow, everInForce: readonly AgreementTerms[]): string | undefined {
  const { agreement, type, number, amount, isImported, openedBy, refundedBy } = row;
  const at = operationId(agreement.operation);
  if (refundedBy !== undefined) return `${refundedBy} returns what opened agreement ${at}`;
  if (isImported) return undefined;
  const built = buildStakeRows(agreement).find((one) => one.type === type && one.number === number);
  if (built?.amount !== amount) return `a stake row is not what agreement ${at} gives`;
  if (!everInForce.some((terms) => termsText(terms) === termsText(agreement.terms)))
    return `agreement ${at} has terms that never held (${termsText(agreement.terms)}); if they did, add them to earlier_terms of the policy file`;
  if (openedBy === undefined) return `no transfer opened agreement ${at}, and no operator imported it`;
  return openedBy.sender === agreement.nominator &&
    toBtsRoundedDown(openedBy.amount) === agreement.amount &&
    openedBy.timeMs === agreement.startMs
    ? undefined
    : `agreement ${at} is not what opened it`;
}

/** A stop is asked for by a transfer of the payee; the key of a reward or base amount names the one row that it pays. */
function isNamedRightly({ key, kind, payee, rows, cause }: Debt): boolean {
  const [row, second] = rows;
  if (row === undefined) return false;
  const at = operationId(row.agreement.operation);
  // What v2.4 had left half done is named after its agreement: the transfer that asked for it was not in its tables.
  if (kind === "stop")
    return cause?.sender === payee || (rows.every(({ isImported }) => isImported) && key === `stop:${at}`);
  if (second !== undefined) return false;
  return kind === "reward"
    ? row.type === "reward" && key === `reward:${at}:${row.number}`
    : row.type === "base_amount" && key === `base:${at}`;
}

/** A stop gives back principals, each with its penalty, which only the full term waives; and no rewards. */
function isGivenBack({ type, agreement, isImported }: DebtRow, { rows, cause }: Debt): boolean {
  if (isImported || type === "penalty") return true;
  if (type !== "base_amount") return false;
  const at = operationId(agreement.operation);
  const hasPenalty = rows.some(
    (other) => other.type === "penalty" && operationId(other.agreement.operation) === at,
  );
  return hasPenalty || (cause !== undefined && cause.timeMs >= endOf(agreement));
}

/** When it may be paid: not before the newest of its rows falls due. A stop and a refund are due as soon as they are asked for. */
export function earliestMs({ kind, rows }: Debt): Millis | undefined {
  if (kind !== "reward" && kind !== "base") return undefined;
  const dues = rows
    .filter(({ isImported }) => !isImported)
    .flatMap(({ agreement, type, number }) =>
      buildStakeRows(agreement).flatMap((row) =>
        row.type === type && row.number === number ? [row.dueMs] : [],
      ),
    );
  return dues.length === 0 ? undefined : (Math.max(...dues) as Millis);
}

/** A transfer to the custodian that has to be on the chain for the debt to be one. */
export interface Claim {
  readonly transfer: AskingTransfer;
  /** What its memo asks for. `any`: what it says in the ledger, or what can no longer be read. */
  readonly asks: "opening" | "stop" | "order" | "any";
}

/** Everything on the chain that the debt follows from. */
export function claimsOf(debt: Debt): readonly Claim[] {
  const { kind, rows, cause, failed } = debt;
  const openings = rows.flatMap(({ openedBy, isImported }): Claim[] =>
    openedBy === undefined || isImported ? [] : [{ transfer: openedBy, asks: "opening" }],
  );
  const asked = (asks: Claim["asks"]): Claim[] => (cause === undefined ? [] : [{ transfer: cause, asks }]);
  switch (kind) {
    case "reward":
    case "base":
      return openings;
    case "stop":
      return [...asked("stop"), ...openings];
    case "refund":
      return asked("any");
    case "confirm":
      return asked("opening");
    case "deposit":
      return asked("order");
    case "notice":
      return failed === undefined || failed.kind === "notice" ? [] : claimsOf(failed);
    case "checkpoint":
      return [];
    default:
      return assertNever(kind);
  }
}

/** The same transfer as a block has it. */
export interface TransferOnChain {
  readonly sender: string;
  readonly timeMs: Millis;
  readonly amount: Shares;
  readonly assetId: string;
  /** What the memo asks for; `undefined` for who holds no memo key. */
  readonly request: MemoRequest | undefined;
}

/** Why the claim is not so; `undefined`: the chain says the same as the ledger. */
export function whyNotOnChain(
  { transfer, asks }: Claim,
  found: TransferOnChain | undefined,
): string | undefined {
  const name = `transfer ${operationId(transfer.operation)}`;
  if (found === undefined) return `${name} is not on the chain`;
  if (found.sender !== transfer.sender)
    return `${name} is by ${found.sender} on the chain, and not by ${transfer.sender}`;
  if (
    found.amount !== transfer.amount ||
    found.assetId !== transfer.assetId ||
    found.assetId !== CORE_ASSET_ID
  )
    return `${name} is of ${found.amount} of ${found.assetId} on the chain, and not of ${transfer.amount} of ${transfer.assetId}`;
  if (found.timeMs !== transfer.timeMs) return `${name} is of another time on the chain`;
  if (found.request === undefined || sameRequest(found.request, transfer.request)) {
    return asksFor(transfer.request, asks) ? undefined : `${name} does not ask for that`;
  }
  const isUnreadable = found.request.type === "invalid" && found.request.reason === "unreadable";
  if (isUnreadable && asks === "any") return undefined;
  return isUnreadable
    ? `the memo of ${name} cannot be read by a key that this process has: if the memo key was changed, the older ones follow it in STAKEBTS_MEMO_KEY`
    : `the memo of ${name} asks for something else on the chain`;
}

/**
 * Why the ledger says something else of a transfer than the chain; `undefined`: it does not, as far as its memo can be read on both
 * sides. A memo that only one of them can read is looked at when something is to be paid for it.
 */
export function whyReadOtherwise(
  { operation, request }: Pick<AskingTransfer, "operation" | "request">,
  found: Pick<TransferOnChain, "assetId" | "request"> | undefined,
): string | undefined {
  const name = `transfer ${operationId(operation)}`;
  if (found === undefined) return `${name} is not on the chain`;
  // With another asset nothing is asked for: an ingester without the key writes such a memo down as unreadable, for good.
  if (found.assetId !== CORE_ASSET_ID) return undefined;
  const isRead = (one: MemoRequest | undefined): boolean =>
    one !== undefined && one.type !== "unread" && !(one.type === "invalid" && one.reason === "unreadable");
  return !isRead(found.request) ||
    request?.type === "unread" ||
    sameRequest(found.request as MemoRequest, request)
    ? undefined
    : `the memo of ${name} asks for something else on the chain`;
}

const asksFor = (request: MemoRequest | undefined, asks: Claim["asks"]): boolean => {
  switch (asks) {
    case "opening":
      return request?.type === "open" && request.term in TERMS;
    case "stop":
      return request?.type === "stop";
    case "order":
      return request?.type === "bmg_to_bittrex";
    case "any":
      return true;
    default:
      return assertNever(asks);
  }
};

/** Of a database the keys come in another order. */
const textOf = (request: MemoRequest | undefined): string =>
  Object.entries(request ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .toSorted((one, other) => (one < other ? -1 : 1))
    .join(" ");
const sameRequest = (one: MemoRequest, other: MemoRequest | undefined): boolean =>
  textOf(one) === textOf(other);

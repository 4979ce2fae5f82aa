import type { Shares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import { ServiceError } from "@stakebts/kernel/errors";

declare const brand: unique symbol;

/** Our name for a withdrawal, chosen and saved before it is asked for: a UUID in lower case. */
export type ClientWithdrawalId = string & { readonly [brand]: "client withdrawal id" };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u;

export function clientWithdrawalId(uuid: string): ClientWithdrawalId {
  assert(UUID.test(uuid), `a client withdrawal id is a UUID in lower case, not "${uuid}"`);
  return uuid as ClientWithdrawalId;
}

export interface ExchangeWithdrawalRequest {
  readonly clientId: ClientWithdrawalId;
  /** What shall arrive. The venue takes its fee on top of it. */
  readonly amountShares: Shares;
  /** Name of an account on the chain. */
  readonly toAccount: string;
  /** Memo of the transfer that pays it out. Not empty. */
  readonly memo: string;
}

/** A venue's own words for where a withdrawal stands, reduced to what has to be done about it. */
export const EXCHANGE_WITHDRAWAL_STATES = [
  /** On its way. Everything that a venue says and that we do not understand is this. */
  "pending",
  /** The venue says that it was sent. Proof of arrival is a transfer in an irreversible block, never this. */
  "completed",
  /** Final: nothing was sent, the money is available again. */
  "cancelled",
  /** It stays where it is, its money reserved, until a person acts at the venue. */
  "stuck",
] as const;
export type ExchangeWithdrawalState = (typeof EXCHANGE_WITHDRAWAL_STATES)[number];

/** A withdrawal as the venue tells it. */
export interface ExchangeWithdrawal {
  readonly venueId: string;
  /** `undefined`: it was made without one, by hand or by another program. */
  readonly clientId: ClientWithdrawalId | undefined;
  /** What arrives: what was taken less the venue's fee. */
  readonly amountShares: Shares;
  readonly toAccount: string;
  readonly memo: string | undefined;
  readonly state: ExchangeWithdrawalState;
  /** The venue's own word for the state, kept because ours is coarser. */
  readonly venueStatus: string;
  /** As the venue says it: a text to search for, not a proof. */
  readonly txid: string | undefined;
}

export const EXCHANGE_REFUSALS = [
  "insufficient_funds",
  "too_small",
  "address_not_allowed",
  "invalid_address",
  /** The venue has closed its wallet of this currency for now. */
  "withdrawals_closed",
  "unknown_currency",
  "account_restricted",
  /** Key, signature, permission, or the address of this host. */
  "credentials",
  "throttled",
  /** Nothing has left this process. */
  "unreachable",
  /** A withdrawal to another account, of another amount or with another memo, has this client id. */
  "client_id_taken",
  /** The venue could not make sense of the request: our bug. */
  "malformed_request",
  "other",
] as const;
export type ExchangeRefusal = (typeof EXCHANGE_REFUSALS)[number];

/**
 * - `accepted`: the venue holds a withdrawal under this client id, from this call or an earlier one. `withdrawal` is what
 *   it says it holds, `undefined` when it could not be looked at. `discrepancy` names what differs from the request: the
 *   money is moving, but not as asked, and a person has to look.
 * - `refused`: this call has moved nothing. `permanent`: the same request will be refused again until a person has
 *   changed something; otherwise it may be made again later, under the same client id. It says nothing of an earlier
 *   call whose outcome is unknown: that one may be the very reason for the refusal.
 * - `unknown`: may or may not have been accepted. Find out with `find`.
 */
export type ExchangeWithdrawAnswer =
  | {
      readonly type: "accepted";
      readonly withdrawal: ExchangeWithdrawal | undefined;
      readonly discrepancy: string | undefined;
    }
  | {
      readonly type: "refused";
      readonly reason: ExchangeRefusal;
      readonly permanent: boolean;
      readonly message: string;
    }
  | { readonly type: "unknown"; readonly message: string };

/**
 * - `absent`: in no list of the venue at the time of asking. A request that is still on its way may turn up later:
 *   believe it only when the last call is longer ago than any request can take.
 * - `unknown`: the lists could not be read to their end.
 */
export type ExchangeFindAnswer =
  | { readonly type: "found"; readonly withdrawal: ExchangeWithdrawal }
  | { readonly type: "absent" }
  | { readonly type: "unknown"; readonly message: string };

/** Of the core asset in one account. */
export interface ExchangeFunds {
  /** The most that one withdrawal can bring: what is available less the venue's fee, rounded down. Never negative. */
  readonly withdrawableShares: Shares;
  /** Taken on top of what arrives; rounded up. */
  readonly feeShares: Shares;
  /** The least that a withdrawal may bring. */
  readonly minimumShares: Shares;
  /** Does the venue send this currency at present? */
  readonly withdrawalsOpen: boolean;
}

/**
 * One account at a venue. Where deposits go to (account and memo) is configuration and not asked for here.
 * It repeats nothing by itself: whether and when to ask again is its caller's decision.
 */
export interface Exchange {
  /**
   * Does the venue itself drop a second withdrawal under the same client id? Then `withdraw` may be called again after an
   * `unknown` answer, or when the answer was lost with the process that waited for it. If not, such a call is to be
   * followed by `find` alone: a second one could be a second payment, because the first may still be on its way into the
   * lists. After `refused` either may be called again: nothing has moved.
   */
  readonly repeatable: boolean;
  /** Throws {@link ExchangeError}. */
  funds(): Promise<ExchangeFunds>;
  /** Never throws for what a venue does. */
  withdraw(request: ExchangeWithdrawalRequest): Promise<ExchangeWithdrawAnswer>;
  /** Looks through the open and the closed withdrawals. Never throws for what a venue does. */
  find(clientId: ClientWithdrawalId): Promise<ExchangeFindAnswer>;
}

/** In what a withdrawal differs from what was asked for; `undefined` when in nothing. For people to read. */
export function exchangeDiscrepancy(
  request: ExchangeWithdrawalRequest,
  found: ExchangeWithdrawal,
): string | undefined {
  const differences = [
    found.amountShares === request.amountShares
      ? []
      : [`${found.amountShares} shares in the place of ${request.amountShares}`],
    found.toAccount === request.toAccount
      ? []
      : [`to ${found.toAccount} in the place of ${request.toAccount}`],
    found.memo === request.memo ? [] : [`memo "${found.memo ?? ""}" in the place of "${request.memo}"`],
  ].flat();
  return differences.length === 0 ? undefined : differences.join(", ");
}

/** The venue could not be asked, or answered nonsense. Never holds a key, a secret or a signature. */
export class ExchangeError extends ServiceError {
  override readonly name = "ExchangeError";
  readonly code: ExchangeErrorCode;
  /** The venue's own code, when it gave one. */
  readonly venueCode: string | undefined;
  constructor(code: ExchangeErrorCode, message: string, venueCode?: string) {
    super(message);
    this.code = code;
    this.venueCode = venueCode;
  }
}

export const EXCHANGE_ERRORS = [
  /** Nothing has left this process. */
  "unreachable",
  "deadline",
  "disconnected",
  "throttled",
  "credentials",
  /** The venue said no to a question, or that it cannot answer now. */
  "venue_refused",
  "malformed_answer",
] as const;
export type ExchangeErrorCode = (typeof EXCHANGE_ERRORS)[number];

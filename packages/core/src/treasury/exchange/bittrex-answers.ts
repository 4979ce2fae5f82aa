import * as z from "zod";
import type {
  ClientWithdrawalId,
  ExchangeRefusal,
  ExchangeWithdrawal,
  ExchangeWithdrawalState,
} from "../exchange.ts";
import { amount, arrivingOf, type VenueUnits } from "./venue-answer.ts";

// Amounts are decimal text in real answers although the venue's schema says "number".
export const balanceAnswer = z.object({ available: amount("down") });

export const currencyAnswer = z.object({
  status: z.string(),
  /** Rounded up: what is taken must cover it. */
  txFee: amount("up"),
});

/** An entry of a list, only as far as it takes to know whether it is the one looked for and to ask for the next page. */
export const listAnswer = z.array(
  z.looseObject({ id: z.string().min(1), clientWithdrawalId: z.string().nullish() }),
);

export const withdrawalAnswer = z.object({
  id: z.string().min(1),
  clientWithdrawalId: z.string().nullish(),
  quantity: amount("down"),
  txCost: amount("up").nullish(),
  cryptoAddress: z.string(),
  cryptoAddressTag: z.string().nullish(),
  status: z.string(),
  txId: z.string().nullish(),
});
export type WithdrawalAnswer = z.infer<typeof withdrawalAnswer>;

/** All others, NEW among them, are on their way as far as we know. */
const STATES: Readonly<Record<string, ExchangeWithdrawalState>> = {
  COMPLETED: "completed",
  CANCELLED: "cancelled",
  ERROR_INVALID_ADDRESS: "stuck",
};

/** The venue means what it was asked for by `quantity`, and takes its fee out of that. */
export const withdrawalFrom = (answer: WithdrawalAnswer, fee: VenueUnits): ExchangeWithdrawal => ({
  venueId: answer.id,
  clientId: (answer.clientWithdrawalId?.toLowerCase() as ClientWithdrawalId | undefined) ?? undefined,
  amountShares: arrivingOf(answer.quantity, fee),
  toAccount: answer.cryptoAddress,
  memo: answer.cryptoAddressTag ?? undefined,
  state: Object.hasOwn(STATES, answer.status) ? (STATES[answer.status] ?? "pending") : "pending",
  venueStatus: answer.status,
  txid: answer.txId ?? undefined,
});

export interface Refusal {
  readonly reason: ExchangeRefusal;
  /** Refused again until a person has changed something. */
  readonly permanent: boolean;
}

const refusal = (reason: ExchangeRefusal, permanent: boolean): Refusal => ({ reason, permanent });
const forNow = false;
const permanently = true;

/** That a withdrawal with this client id exists already: an earlier call worked. No refusal. */
export const DUPLICATE_CLIENT_ID = "CLIENTWITHDRAWALID_ALREADY_EXISTS";

/**
 * What the venue's codes mean for a withdrawal. Its documentation calls its own list incomplete: some of these were seen
 * in reports of users only, and a code that is not here is for a person to look at.
 */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  INSUFFICIENT_FUNDS: refusal("insufficient_funds", forNow),
  WITHDRAWAL_TOO_SMALL: refusal("too_small", permanently),
  WHITELIST_VIOLATION_WITHDRAWAL_ADDRESS: refusal("address_not_allowed", permanently),
  INVALID_ADDRESS: refusal("invalid_address", permanently),
  CRYPTO_ADDRESS_ALREADY_EXISTS: refusal("invalid_address", permanently),
  CURRENCY_OFFLINE: refusal("withdrawals_closed", forNow),
  CURRENCY_DOES_NOT_EXIST: refusal("unknown_currency", permanently),
  ACCOUNT_DISABLED: refusal("account_restricted", permanently),
  NOT_ALLOWED: refusal("account_restricted", permanently),
  INVALID_RESTRICTED_ACCOUNT: refusal("account_restricted", permanently),
  SOURCE_OF_FUNDS_REQUIRED: refusal("account_restricted", permanently),
  APIKEY_INVALID: refusal("credentials", permanently),
  INVALID_SIGNATURE: refusal("credentials", permanently),
  INVALID_CONTENT_HASH: refusal("credentials", permanently),
  INVALID_PERMISSION: refusal("credentials", permanently),
  WHITELIST_VIOLATION_IP: refusal("credentials", permanently),
  THROTTLED: refusal("throttled", forNow),
  BAD_REQUEST: refusal("malformed_request", permanently),
  NOT_FOUND: refusal("malformed_request", permanently),
  UUID_INVALID: refusal("malformed_request", permanently),
};

/**
 * Why a withdrawal was refused; `undefined` when the answer is no proof that it was. A 4xx with a code is the venue's own
 * decision; without one it may be a proxy's. What is said of a timestamp that is off is not documented: so a 401 without a
 * code we know is not for ever. A 5xx may come after the fact, except when it names a refusal we know.
 */
export function refusalOf(status: number, venueCode: string | undefined): Refusal | undefined {
  const known = venueCode !== undefined && Object.hasOwn(BY_CODE, venueCode) ? BY_CODE[venueCode] : undefined;
  if (status === 429) return refusal("throttled", forNow);
  if (status === 401) return known ?? refusal("credentials", forNow); // perhaps the time: see VenueClock.doubt
  if (status === 503) return known?.reason === "withdrawals_closed" ? known : undefined;
  if (status >= 400 && status < 500 && venueCode !== undefined) return known ?? refusal("other", permanently);
  return undefined;
}

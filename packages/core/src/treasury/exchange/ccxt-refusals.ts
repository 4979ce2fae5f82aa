import type { ExchangeRefusal } from "../exchange.ts";

export interface CcxtRefusal {
  readonly reason: ExchangeRefusal;
  /** Refused again until a person has changed something. */
  readonly permanent: boolean;
}

export const refusal = (reason: ExchangeRefusal, permanent: boolean): CcxtRefusal => ({ reason, permanent });
const forNow = false;
const permanently = true;

/**
 * What the classes of ccxt mean for a withdrawal. Those that are not here prove nothing: the families of the network, a venue
 * that is not available, a duplicate (an earlier call worked).
 */
const BY_CLASS: Readonly<Record<string, CcxtRefusal>> = {
  InsufficientFunds: refusal("insufficient_funds", forNow),
  AddressPending: refusal("address_not_allowed", forNow),
  InvalidAddress: refusal("invalid_address", permanently),
  AccountNotEnabled: refusal("account_restricted", permanently),
  AccountSuspended: refusal("account_restricted", permanently),
  RestrictedLocation: refusal("account_restricted", permanently),
  AuthenticationError: refusal("credentials", permanently),
  /** Most often the clock of this host. */
  InvalidNonce: refusal("credentials", forNow),
  RateLimitExceeded: refusal("throttled", forNow),
  BadSymbol: refusal("unknown_currency", permanently),
  BadRequest: refusal("malformed_request", permanently),
  ArgumentsRequired: refusal("malformed_request", permanently),
};

/** ccxt's own meaning of these is a refusal, but as the answer to a withdrawal they are no proof of one. */
const PROVES_NOTHING = new Set(["DuplicateOrderId", "OperationFailed"]);

/** Words of a machine that has lost its way, before or after the fact. */
const VAGUE = /system|internal|server|timeout|busy|gateway|maintenance/iu;

export interface CcxtAnsweredError {
  readonly status: number;
  readonly errors: readonly string[];
  readonly venueCode: string | undefined;
  /** The venue's codes that ccxt does not know or knows for something else; "unknown": it may have acted. */
  readonly codes: Readonly<Record<string, CcxtRefusal | "unknown">>;
}

/**
 * Why a withdrawal was refused; `undefined` when the answer is no proof that it was. A code of the venue's own is its
 * decision; an error without one may be a proxy's. A 5xx may come after the fact, no matter what it says.
 */
export function ccxtRefusalOf({
  status,
  errors,
  venueCode,
  codes,
}: CcxtAnsweredError): CcxtRefusal | undefined {
  if (status >= 500) return undefined;
  if (status === 429) return refusal("throttled", forNow);
  if (venueCode === undefined) return status === 401 ? refusal("credentials", forNow) : undefined;
  const ours = Object.hasOwn(codes, venueCode) ? codes[venueCode] : undefined;
  if (ours !== undefined) return ours === "unknown" ? undefined : ours;
  if (VAGUE.test(venueCode)) return undefined;
  for (const name of errors) {
    if (Object.hasOwn(BY_CLASS, name)) return BY_CLASS[name];
    if (PROVES_NOTHING.has(name)) return undefined;
  }
  return errors.includes("ExchangeError") ? refusal("other", permanently) : undefined;
}

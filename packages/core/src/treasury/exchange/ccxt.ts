import { type Shares, shares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import type { HostClock } from "@stakebts/kernel/clock";
import {
  type ClientWithdrawalId,
  type Exchange,
  exchangeDiscrepancy,
  ExchangeError,
  type ExchangeFindAnswer,
  type ExchangeFunds,
  type ExchangeWithdrawal,
  type ExchangeWithdrawalRequest,
  type ExchangeWithdrawAnswer,
} from "../exchange.ts";
import type { Log } from "@stakebts/kernel/log";
import { hostClock } from "../../runtime/host-clock.ts";
import { CcxtCalls, type CcxtClient, type CcxtResult } from "./ccxt-calls.ts";
import { ccxtRefusalOf } from "./ccxt-refusals.ts";
import { type AskContext, BITSHARES_CHAIN, type CcxtVenue, type VenueRecord } from "./ccxt-venue.ts";
import { CCXT_VENUES, type CcxtVenueName } from "./ccxt-venues.ts";
import {
  arrivingOf,
  feeInShares,
  formatVenueUnits,
  parseAnswer,
  quantityFor,
  type VenueUnits,
} from "./venue-answer.ts";

export interface CcxtOptions {
  readonly venue: CcxtVenueName;
  readonly apiKey: string;
  readonly secret: string;
  /** Some venues have a third secret, a passphrase. None of the present ones has. */
  readonly password?: string | undefined;
  /** Of a gateway of one's own. Default: the venue's address. */
  readonly url?: string | undefined;
  /** Default BTS. */
  readonly currencySymbol?: string | undefined;
  /** The venue's name of the BitShares chain, where it is not one of the usual. */
  readonly chain?: string | undefined;
  /** For one call, from sending to the last byte of the answer. Default 30 s. */
  readonly callDeadlineMs?: number | undefined;
  /** From one call to the next that costs as much as the cheapest. Default: what ccxt knows of the venue's limits. */
  readonly callGapMs?: number | undefined;
  readonly clock?: HostClock | undefined;
  readonly log?: Log | undefined;
}

const CALL_DEADLINE_MS = 30_000;
const NO_FEE = 0n as VenueUnits;

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A withdrawal that this process has sent, and that the venue has not refused. */
interface Posted {
  readonly request: ExchangeWithdrawalRequest;
  isAccepted: boolean;
}

/**
 * One account at one of {@link CCXT_VENUES}. ccxt is loaded here and nowhere else.
 *
 * A withdrawal is looked for before it is asked for, so a client id that the venue's lists show is never used twice. Lists lag,
 * so this process also remembers what it has sent: at a venue that is not `repeatable` it is sent once and from then on only
 * looked for. Across processes that is the caller's part: see {@link Exchange.repeatable}.
 */
export async function createCcxtExchange(options: CcxtOptions): Promise<Exchange> {
  const { currencySymbol: currency = "BTS", clock = hostClock, chain } = options;
  const venue: CcxtVenue = CCXT_VENUES[options.venue];
  const calls = new CcxtCalls({
    client: await loadClient(venue, options),
    callDeadlineMs: options.callDeadlineMs ?? CALL_DEADLINE_MS,
    clock,
    log: options.log ?? silent,
  });
  const posted = new Map<ClientWithdrawalId, Posted>();
  let lastWithdraw: Promise<unknown> = Promise.resolve();

  const context = (): AskContext => ({
    ask: async (method, parameters, schema) => {
      const result = await calls.call(method, parameters);
      if (result.type === "answered" && isGood(result)) return parseAnswer(schema, result.body, method);
      throw questionFailed(method, result);
    },
    currency,
    nowMs: clock.nowMs(),
    isChain: (name) => (chain === undefined ? BITSHARES_CHAIN.test(name) : name === chain),
  });

  async function funds(): Promise<ExchangeFunds> {
    const available = await venue.available(context());
    const { fee, minimum, open } = await venue.terms(context());
    return {
      // What is asked for has no digit behind the fifth, so the fee counts in whole shares.
      withdrawableShares: arrivingOf(available, quantityFor(feeInShares(fee), NO_FEE)),
      feeShares: feeInShares(fee),
      minimumShares: minimumArriving(venue, minimum, fee),
      withdrawalsOpen: open,
    };
  }

  /** One after the other: of two calls under one id the second must see what became of the first. */
  async function withdraw(request: ExchangeWithdrawalRequest): Promise<ExchangeWithdrawAnswer> {
    assert(request.amountShares > 0n, `a withdrawal of ${request.amountShares} shares`);
    assert(request.memo !== "", "a withdrawal without a memo could not be told from others");
    const answer = lastWithdraw.then(() => withdrawNow(request));
    lastWithdraw = answer.catch(() => undefined); // told to the caller
    return answer;
  }

  async function withdrawNow(request: ExchangeWithdrawalRequest): Promise<ExchangeWithdrawAnswer> {
    try {
      const held = await look(request.clientId);
      const answer =
        held === undefined
          ? answerFromMemory(request)
          : answerTo(request, exchangeDiscrepancy(request, held), held);
      if (answer !== undefined) return answer;
      const { fee, minimum, open, chain } = await venue.terms(context());
      if (!open)
        return refused("withdrawals_closed", false, `${venue.title} sends no ${currency} at present`);
      const least = minimumArriving(venue, minimum, fee);
      if (request.amountShares < least) return refused("too_small", true, `the least is ${least} shares`);
      return await post(request, { fee, chain });
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      // The questions before it have failed, so this call has asked for nothing; an earlier one may have.
      if (posted.has(request.clientId)) return { type: "unknown", message: error.message };
      return refusedBeforeAsking(error);
    }
  }

  /** What this process knows of a withdrawal that no list shows. */
  function answerFromMemory(request: ExchangeWithdrawalRequest): ExchangeWithdrawAnswer | undefined {
    const earlier = posted.get(request.clientId);
    if (earlier?.isAccepted === true) {
      const { amountShares, toAccount, memo } = earlier.request;
      const asAsked = { ...pendingAs(request.clientId), amountShares, toAccount, memo };
      return answerTo(request, exchangeDiscrepancy(request, asAsked), undefined);
    }
    if (earlier === undefined || venue.repeatable) return undefined;
    const message = "sent before, and in none of the venue's lists yet: it is not sent again";
    return { type: "unknown", message };
  }

  async function post(
    request: ExchangeWithdrawalRequest,
    { fee, chain: chainName }: { fee: VenueUnits; chain: string },
  ): Promise<ExchangeWithdrawAnswer> {
    const feeShares = venue.fee === "taken_out" ? feeInShares(fee) : 0n;
    const { method, parameters } = venue.withdrawal({
      currency,
      chain: chainName,
      address: request.toAccount,
      memo: request.memo,
      amount: decimals(quantityFor(shares(request.amountShares + feeShares), NO_FEE)),
      fee: decimals(fee),
      id: venue.clientIdText(request.clientId),
    });
    const before = posted.get(request.clientId);
    posted.set(request.clientId, { request, isAccepted: false });
    const forget = () =>
      before === undefined ? posted.delete(request.clientId) : posted.set(request.clientId, before);
    const result = await calls.call(method, parameters);
    if (result.type === "not_sent") {
      forget();
      return refused(result.code, false, result.message);
    }
    if (result.type === "lost") return { type: "unknown", message: result.message };
    const message = messageOf(result);
    if (isGood(result) && venue.acceptedId(result.body) !== undefined) {
      posted.set(request.clientId, { request, isAccepted: true });
      return acceptedAs(request, await lookOnce(request.clientId));
    }
    const refusal = result.errors.length === 0 ? undefined : ccxtRefusalOf({ ...result, codes: venue.codes });
    if (refusal === undefined) return { type: "unknown", message };
    if (refusal.reason === "other" || refusal.reason === "malformed_request") {
      // It may say in its own words that it has this client id already.
      const held = await lookOnce(request.clientId);
      if (held !== undefined) return answerTo(request, exchangeDiscrepancy(request, held), held);
    }
    forget();
    return { type: "refused", ...refusal, message };
  }

  async function find(clientId: ClientWithdrawalId): Promise<ExchangeFindAnswer> {
    try {
      const withdrawal = await look(clientId);
      return withdrawal === undefined ? { type: "absent" } : { type: "found", withdrawal };
    } catch (error) {
      if (error instanceof ExchangeError) return { type: "unknown", message: error.message };
      throw error;
    }
  }

  /** Throws {@link ExchangeError}. */
  async function look(clientId: ClientWithdrawalId): Promise<ExchangeWithdrawal | undefined> {
    const record = await venue.find(context(), venue.clientIdText(clientId));
    return record === undefined ? undefined : { ...(await understood(record)), clientId };
  }

  async function lookOnce(clientId: ClientWithdrawalId): Promise<ExchangeWithdrawal | undefined> {
    const found = await find(clientId);
    return found.type === "found" ? found.withdrawal : undefined;
  }

  /** The fee that was taken belongs to each withdrawal; where it is missing, today's is the best there is. */
  async function understood(record: VenueRecord): Promise<Omit<ExchangeWithdrawal, "clientId">> {
    const fee = venue.fee === "on_top" ? NO_FEE : (record.fee ?? (await venue.terms(context())).fee);
    const state = Object.hasOwn(venue.states, record.status) ? venue.states[record.status] : undefined;
    return {
      venueId: record.venueId,
      amountShares: arrivingOf(record.amount, fee),
      toAccount: record.address,
      memo: record.memo,
      state: state ?? "pending",
      venueStatus: record.status,
      txid: record.txid,
    };
  }

  return { repeatable: venue.repeatable, funds, withdraw, find };
}

async function loadClient(venue: CcxtVenue, options: CcxtOptions): Promise<CcxtClient> {
  const { apiKey, secret, password, url, callGapMs } = options;
  assert(apiKey !== "" && secret !== "", `${venue.title} needs a key and a secret`);
  assert(
    url === undefined || /^https?:\/\/[^?#]*[^/?#]$/u.test(url),
    "the address of the exchange has no query and no slash at its end",
  );
  const { default: ccxt } = await import("ccxt");
  const classes = ccxt as unknown as Record<string, new (settings: object) => CcxtClient>;
  const Client = classes[venue.ccxtId];
  assert(Client !== undefined, `ccxt has no ${venue.ccxtId}: another version?`);
  const client = new Client({
    apiKey,
    secret,
    ...(password === undefined ? {} : { password }),
    enableRateLimit: true,
    ...(callGapMs === undefined ? {} : { rateLimit: callGapMs }),
    // A withdrawal is never repeated by a machine that does not know what it is.
    options: { maxRetriesOnFailure: 0 },
  });
  if (url !== undefined) venue.pointTo(client, url);
  return client;
}

/** "123.4", not "123.40000000": some venues count the digits. */
const decimals = (units: VenueUnits): string => formatVenueUnits(units).replace(/\.?0+$/u, "");

function minimumArriving(venue: CcxtVenue, minimum: VenueUnits, fee: VenueUnits): Shares {
  const feeShares = venue.fee === "taken_out" ? feeInShares(fee) : 0n;
  const arriving = feeInShares(minimum) - feeShares;
  return shares(arriving > 0n ? arriving : 1n);
}

const pendingAs = (clientId: ClientWithdrawalId) =>
  ({ venueId: "", clientId, state: "pending", venueStatus: "", txid: undefined }) as const;

type Answered = Extract<CcxtResult, { type: "answered" }>;

const isGood = ({ status, errors }: Answered): boolean =>
  status >= 200 && status < 300 && errors.length === 0;

const messageOf = ({ status, venueCode, errors }: Answered): string =>
  [`status ${status}`, venueCode ?? "no code", ...errors.slice(0, 1)].join(", ");

const refused = (
  reason: Extract<ExchangeWithdrawAnswer, { type: "refused" }>["reason"],
  permanent: boolean,
  message: string,
): ExchangeWithdrawAnswer => ({ type: "refused", reason, permanent, message });

const acceptedAs = (
  request: ExchangeWithdrawalRequest,
  withdrawal: ExchangeWithdrawal | undefined,
): ExchangeWithdrawAnswer => ({
  type: "accepted",
  withdrawal,
  discrepancy: withdrawal === undefined ? undefined : exchangeDiscrepancy(request, withdrawal),
});

/** An earlier call worked: this request is that one again, or another under its id. */
const answerTo = (
  request: ExchangeWithdrawalRequest,
  discrepancy: string | undefined,
  held: ExchangeWithdrawal | undefined,
): ExchangeWithdrawAnswer =>
  discrepancy === undefined ? acceptedAs(request, held) : refused("client_id_taken", true, discrepancy);

function questionFailed(method: string, result: CcxtResult): ExchangeError {
  if (result.type !== "answered") return new ExchangeError(result.code, `${method}: ${result.message}`);
  const { status, errors, venueCode } = result;
  const code =
    status === 429 || errors.includes("RateLimitExceeded")
      ? "throttled"
      : status === 401 || errors.includes("AuthenticationError")
        ? "credentials"
        : "venue_refused";
  return new ExchangeError(code, `${method}: ${messageOf(result)}`, venueCode);
}

/** The withdrawal itself was not asked for, so nothing has moved, no matter what became of the question before it. */
function refusedBeforeAsking({ code, venueCode, message }: ExchangeError): ExchangeWithdrawAnswer {
  if (venueCode === "no-such-chain") return refused("unknown_currency", true, message);
  if (code === "credentials") return refused("credentials", true, message);
  const reason = code === "throttled" ? "throttled" : code === "malformed_answer" ? "other" : "unreachable";
  return refused(reason, false, message);
}

import type { z } from "zod";
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
import {
  balanceAnswer,
  currencyAnswer,
  DUPLICATE_CLIENT_ID,
  listAnswer,
  refusalOf,
  type WithdrawalAnswer,
  withdrawalAnswer,
  withdrawalFrom,
} from "./bittrex-answers.ts";
import { BittrexCalls, type CallResult, venueCodeOf } from "./bittrex-calls.ts";
import {
  arrivingOf,
  feeInShares,
  formatVenueUnits,
  minimumArriving,
  parseAnswer,
  quantityFor,
} from "./venue-answer.ts";

export interface BittrexOptions {
  readonly key: string;
  readonly secret: string;
  /** Default: the venue's own address. */
  readonly url?: string | undefined;
  /** Default BTS. */
  readonly currencySymbol?: string | undefined;
  /** For one call, from sending to the last byte of the answer. Default 30 s. */
  readonly callDeadlineMs?: number | undefined;
  /** Default 60, which the venue calls safe. */
  readonly callsPerMinute?: number | undefined;
  readonly clock?: HostClock | undefined;
  readonly log?: Log | undefined;
}

const BITTREX_URL = "https://api.bittrex.com/v3";
const CALL_DEADLINE_MS = 30_000;
const CALLS_PER_MINUTE = 60;
const PAGE_SIZE = 200;
/** The list of open withdrawals has no pages and ends here. */
const OPEN_LIST_MAX = 1_000;

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Asked<T> = { readonly path: string; readonly schema: z.ZodType<T>; readonly isPublic?: boolean };

/**
 * One account at Bittrex, version 3 of its interface (specification of 26 May 2021). Each withdrawal costs two calls: the
 * fee is asked for first, because what is asked for must be the amount and the fee of that moment.
 */
export function createBittrexExchange(options: BittrexOptions): Exchange {
  const { url = BITTREX_URL, currencySymbol = "BTS" } = options;
  assert(
    /^https?:\/\/[^?#]*[^/?#]$/u.test(url),
    "the address of the exchange has no query and no slash at its end",
  );
  const calls = new BittrexCalls({
    url,
    key: options.key,
    secret: options.secret,
    callDeadlineMs: options.callDeadlineMs ?? CALL_DEADLINE_MS,
    callsPerMinute: options.callsPerMinute ?? CALLS_PER_MINUTE,
    clock: options.clock ?? hostClock,
    log: options.log ?? silent,
  });

  /** Throws {@link ExchangeError} for everything but the documented answer. */
  async function ask<T>({ path, schema, isPublic = false }: Asked<T>): Promise<T> {
    const result = await calls.call({ method: "GET", path, isPublic });
    if (result.type === "answered" && result.status === 200) return parseAnswer(schema, result.body, path);
    throw questionFailed(path, result);
  }

  const currency = () =>
    ask({ path: `/currencies/${currencySymbol}`, schema: currencyAnswer, isPublic: true });

  async function funds(): Promise<ExchangeFunds> {
    const { available } = await ask({ path: `/balances/${currencySymbol}`, schema: balanceAnswer });
    const { txFee, status } = await currency();
    return {
      withdrawableShares: arrivingOf(available, txFee),
      feeShares: feeInShares(txFee),
      minimumShares: minimumArriving(txFee),
      withdrawalsOpen: status === "ONLINE",
    };
  }

  async function withdraw(request: ExchangeWithdrawalRequest): Promise<ExchangeWithdrawAnswer> {
    assert(request.amountShares > 0n, `a withdrawal of ${request.amountShares} shares`);
    assert(request.memo !== "", "a withdrawal without a memo could not be told from others");
    let fee;
    try {
      fee = (await currency()).txFee;
    } catch (error) {
      if (error instanceof ExchangeError) return refusedBeforeAsking(error);
      throw error;
    }
    const result = await calls.call({
      method: "POST",
      path: "/withdrawals",
      body: {
        currencySymbol,
        quantity: formatVenueUnits(quantityFor(request.amountShares, fee)),
        cryptoAddress: request.toAccount,
        cryptoAddressTag: request.memo,
        clientWithdrawalId: request.clientId,
      },
    });
    if (result.type === "not_sent")
      return { type: "refused", reason: result.code, permanent: false, message: result.message };
    if (result.type === "lost") return { type: "unknown", message: result.message };
    const { status, body } = result;
    if (status === 200 || status === 201) {
      const echo = withdrawalAnswer.safeParse(body);
      if (!echo.success) return { type: "unknown", message: `status ${status} without a withdrawal` };
      return acceptedAs(request, withdrawalFrom(echo.data, echo.data.txCost ?? fee));
    }
    const venueCode = venueCodeOf(body);
    const message = `status ${status}, ${venueCode ?? "no code"}`;
    if (status < 500 && venueCode === DUPLICATE_CLIENT_ID) return takenEarlier(request, body);
    const refusal = refusalOf(status, venueCode);
    return refusal === undefined ? { type: "unknown", message } : { type: "refused", ...refusal, message };
  }

  /**
   * An earlier call worked. The venue is not known to compare the two requests, so that is done here; if it cannot be,
   * the duplicate alone is proof enough that it holds a withdrawal.
   */
  async function takenEarlier(
    request: ExchangeWithdrawalRequest,
    body: unknown,
  ): Promise<ExchangeWithdrawAnswer> {
    const named = await findByVenueId(otherUuidIn(body, request.clientId), request.clientId);
    const found = named ?? (await find(request.clientId));
    if (found.type !== "found") return { type: "accepted", withdrawal: undefined, discrepancy: undefined };
    const discrepancy = exchangeDiscrepancy(request, found.withdrawal);
    if (discrepancy === undefined) return acceptedAs(request, found.withdrawal);
    return { type: "refused", reason: "client_id_taken", permanent: true, message: discrepancy };
  }

  /** Where the existing id stands in the answer to a duplicate is not documented; a wrong guess finds nothing. */
  async function findByVenueId(
    venueId: string | undefined,
    clientId: ClientWithdrawalId,
  ): Promise<ExchangeFindAnswer | undefined> {
    if (venueId === undefined) return undefined;
    try {
      const answer = await ask({ path: `/withdrawals/${venueId}`, schema: withdrawalAnswer });
      if (answer.clientWithdrawalId?.toLowerCase() !== clientId) return undefined;
      return { type: "found", withdrawal: await understood(answer) };
    } catch (error) {
      if (error instanceof ExchangeError) return undefined;
      throw error;
    }
  }

  /** Open before closed: withdrawals move from the one to the other, and in this order none is missed between them. */
  async function find(clientId: ClientWithdrawalId): Promise<ExchangeFindAnswer> {
    try {
      const path = `/withdrawals/open?currencySymbol=${currencySymbol}`;
      const open = await ask({ path, schema: listAnswer });
      const entry = open.find((each) => each.clientWithdrawalId?.toLowerCase() === clientId);
      const found = entry ?? (await findClosed(clientId));
      if (found !== undefined) {
        const answer = parseAnswer(withdrawalAnswer, found, "the withdrawal found");
        return { type: "found", withdrawal: await understood(answer) };
      }
      if (open.length >= OPEN_LIST_MAX)
        return { type: "unknown", message: `the list of open withdrawals ends at ${OPEN_LIST_MAX}` };
      return { type: "absent" };
    } catch (error) {
      if (error instanceof ExchangeError) return { type: "unknown", message: error.message };
      throw error;
    }
  }

  /** To the empty page: a venue that sends fewer than asked for has not come to its end. */
  async function findClosed(clientId: ClientWithdrawalId): Promise<unknown> {
    const path = `/withdrawals/closed?currencySymbol=${currencySymbol}&pageSize=${PAGE_SIZE}`;
    const seen = new Set<string>();
    for (let token = ""; ;) {
      const page = await ask({ path: `${path}${token}`, schema: listAnswer });
      const entry = page.find((each) => each.clientWithdrawalId?.toLowerCase() === clientId);
      const last = page.at(-1)?.id;
      if (entry !== undefined || last === undefined) return entry;
      if (seen.has(last)) throw new ExchangeError("malformed_answer", "the closed withdrawals have no end");
      seen.add(last);
      token = `&nextPageToken=${encodeURIComponent(last)}`;
    }
  }

  /** The fee that was taken belongs to each withdrawal; where it is missing, today's is the best there is. */
  async function understood(answer: WithdrawalAnswer): Promise<ExchangeWithdrawal> {
    return withdrawalFrom(answer, answer.txCost ?? (await currency()).txFee);
  }

  // A second withdrawal under a client id that it has seen is dropped by the venue: see DUPLICATE_CLIENT_ID.
  return { repeatable: true, funds, withdraw, find };
}

const acceptedAs = (
  request: ExchangeWithdrawalRequest,
  withdrawal: ExchangeWithdrawal,
): ExchangeWithdrawAnswer => ({
  type: "accepted",
  withdrawal,
  discrepancy: exchangeDiscrepancy(request, withdrawal),
});

function questionFailed(path: string, result: CallResult): ExchangeError {
  if (result.type !== "answered") return new ExchangeError(result.code, `${path}: ${result.message}`);
  const { status, body } = result;
  const venueCode = venueCodeOf(body);
  const code =
    status === 429 ? "throttled" : status === 401 || status === 403 ? "credentials" : "venue_refused";
  return new ExchangeError(code, `${path}: status ${status}, ${venueCode ?? "no code"}`, venueCode);
}

/** The withdrawal itself was not asked for, so nothing has moved, no matter what became of the question before it. */
function refusedBeforeAsking({ code, venueCode, message }: ExchangeError): ExchangeWithdrawAnswer {
  if (venueCode === "CURRENCY_DOES_NOT_EXIST")
    return { type: "refused", reason: "unknown_currency", permanent: true, message };
  if (code === "credentials") return { type: "refused", reason: "credentials", permanent: true, message };
  const reason = code === "throttled" ? "throttled" : code === "malformed_answer" ? "other" : "unreachable";
  return { type: "refused", reason, permanent: false, message };
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/giu;

/** The first UUID in the `data` of an error that is not our own. */
function otherUuidIn(body: unknown, own: ClientWithdrawalId): string | undefined {
  const { data } = (typeof body === "object" && body !== null ? body : {}) as { data?: unknown };
  const uuids = (JSON.stringify(data ?? null).match(UUID) ?? []).map((uuid) => uuid.toLowerCase());
  return uuids.find((uuid) => uuid !== own);
}

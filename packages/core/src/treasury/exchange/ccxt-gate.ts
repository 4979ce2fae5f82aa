import * as z from "zod";
import { ExchangeError } from "../exchange.ts";
import { amount, parseVenueUnits } from "./venue-answer.ts";
import { refusal } from "./ccxt-refusals.ts";
import { type CcxtVenue, withoutDashes } from "./ccxt-venue.ts";

const accounts = z.array(z.object({ currency: z.string(), available: amount("down") }));
const currencyInfo = z.object({
  withdraw_disabled: z.boolean(),
  chains: z.array(z.object({ name: z.string(), withdraw_disabled: z.boolean() })),
});
const statuses = z.array(
  z.object({
    currency: z.string(),
    /** Another fee than a fixed one is not understood. */
    withdraw_percent: z.string().regex(/^0(?:\.0+)?%?$/u),
    withdraw_fix: amount("up"),
    withdraw_fix_on_chains: z.record(z.string(), amount("up")).nullish(),
    withdraw_amount_mini: amount("up"),
  }),
);
const records = z.array(
  z.object({
    id: z.string().min(1),
    withdraw_order_id: z.string().nullish(),
    amount: amount("down"),
    fee: z.string().nullish(),
    address: z.string(),
    memo: z.string().nullish(),
    status: z.string(),
    txid: z.string().nullish(),
  }),
);
const accepted = z.object({ id: z.string().min(1) });

/** One question spans 30 days at most (documented); a day less, because the two clocks differ. */
const DAYS_BACK = 29;
const DAY_S = 86_400;
const LIST_MAX = 100; // documented

/** Whether it still lists BTS is not verified. */
export const GATE: CcxtVenue = {
  title: "Gate",
  ccxtId: "gate",
  // Not documented what a second withdrawal under the same id does: so there must be none.
  repeatable: false,
  clientIdField: "withdraw_order_id", // documented: 32 characters at most
  clientIdText: withoutDashes,
  fee: "taken_out", // seen in ccxt
  findsDaysBack: DAYS_BACK,
  states: {
    // The words are documented: all that are not here are on their way or in the hands of the venue.
    DONE: "completed",
    CANCEL: "cancelled",
    FAIL: "stuck", // documented as "pending confirm when fail"
    INVALID: "stuck", // not verified that it was paid back
  },
  codes: {
    API_WITHDRAW_DISABLED: refusal("credentials", true), // ccxt calls the whole venue unavailable
    ADDRESS_NOT_USED: refusal("address_not_allowed", true),
    WITHDRAWAL_OVER_LIMIT: refusal("account_restricted", false),
    ACCOUNT_EXCEPTION: refusal("account_restricted", true),
  },

  pointTo(client, url) {
    const { api } = client.urls as { api: Record<string, Record<string, string>> };
    const { public: open, private: closed } = api;
    client.urls = {
      ...client.urls,
      api: {
        public: { ...open, spot: url },
        private: { ...closed, spot: url, wallet: url, withdrawals: url },
      },
    };
  },

  async available({ ask, currency }) {
    const list = await ask("privateSpotGetAccounts", { currency }, accounts);
    const none = parseVenueUnits("0", "down");
    const units = list.find((each) => each.currency === currency)?.available ?? none;
    if (units === undefined) throw new ExchangeError("malformed_answer", "the balance is not an amount");
    return units;
  },

  async terms({ ask, currency, isChain }) {
    const { withdraw_disabled: isClosed, chains } = await ask(
      "publicSpotGetCurrenciesCurrency",
      { currency },
      currencyInfo,
    );
    const chain = chains.find(({ name }) => isChain(name));
    if (chain === undefined)
      throw new ExchangeError("venue_refused", `${currency} is not on BitShares there`, "no-such-chain");
    const list = await ask("privateWalletGetWithdrawStatus", { currency }, statuses);
    const status = list.find((each) => each.currency === currency);
    if (status === undefined) throw new ExchangeError("malformed_answer", `no fee of ${currency}`);
    return {
      chain: chain.name,
      fee: status.withdraw_fix_on_chains?.[chain.name] ?? status.withdraw_fix,
      minimum: status.withdraw_amount_mini,
      open: !isClosed && !chain.withdraw_disabled,
    };
  },

  withdrawal: (order) => ({
    method: "privateWithdrawalsPostWithdrawals",
    parameters: {
      currency: order.currency,
      address: order.address,
      amount: order.amount,
      memo: order.memo,
      chain: order.chain,
      withdraw_order_id: order.id,
    },
  }),

  acceptedId: (body) => accepted.safeParse(body).data?.id,

  async find({ ask, currency, nowMs }, id) {
    const from = Math.floor(nowMs / 1_000) - DAYS_BACK * DAY_S;
    const parameters = { currency, withdraw_order_id: id, from, limit: LIST_MAX };
    const list = await ask("privateWalletGetWithdrawals", parameters, records);
    const entry = list.find(({ withdraw_order_id: orderId }) => orderId === id);
    if (entry === undefined) {
      if (list.length < LIST_MAX) return undefined;
      throw new ExchangeError("venue_refused", `the list of withdrawals was cut off at ${LIST_MAX}`);
    }
    return {
      venueId: entry.id,
      amount: entry.amount,
      fee: entry.fee ? parseVenueUnits(entry.fee, "up") : undefined, // empty until it is known
      address: entry.address,
      memo: entry.memo ?? undefined,
      status: entry.status,
      txid: entry.txid || undefined,
    };
  },
};

import * as z from "zod";
import { ExchangeError } from "../exchange.ts";
import { amount, parseVenueUnits } from "./venue-answer.ts";
import { refusal } from "./ccxt-refusals.ts";
import { type AskContext, type CcxtVenue, withoutDashes } from "./ccxt-venue.ts";

const id = z.union([z.string().min(1), z.number()]).transform(String);

const accounts = z.object({ data: z.array(z.object({ id, type: z.string() })) });
const balances = z.object({
  data: z.object({
    list: z.array(z.object({ currency: z.string(), type: z.string(), balance: z.string() })),
  }),
});
const currencies = z.object({
  data: z.array(
    z.object({
      currency: z.string(),
      chains: z.array(
        z.object({
          chain: z.string(),
          displayName: z.string().nullish(),
          baseChain: z.string().nullish(),
          withdrawStatus: z.string(),
          withdrawFeeType: z.literal("fixed"),
          transactFeeWithdraw: amount("up"),
          minWithdrawAmt: amount("up"),
        }),
      ),
    }),
  ),
});
const found = z.object({
  data: z
    .object({
      id,
      "client-order-id": z.string().nullish(),
      amount: amount("down"),
      fee: amount("up").nullish(),
      address: z.string(),
      "address-tag": z.string().nullish(),
      state: z.string(),
      "tx-hash": z.string().nullish(),
    })
    .nullish(),
});
const accepted = z.object({ status: z.literal("ok"), data: id });

/** The accounts of one owner never change: asked for once would do, but a wrong one kept would be worse. */
async function spotAccountId({ ask }: AskContext): Promise<string> {
  const { data } = await ask("spotPrivateGetV1AccountAccounts", {}, accounts);
  const spot = data.find(({ type }) => type === "spot");
  if (spot === undefined) throw new ExchangeError("venue_refused", "the key has no spot account");
  return spot.id;
}

/** Formerly Huobi. Pays only to addresses that were saved on its web pages before (documented). */
export const HTX: CcxtVenue = {
  title: "HTX",
  ccxtId: "htx",
  // Documented: "the previously submitted successful withdrawal order id will be directly returned".
  repeatable: true,
  clientIdField: "client-order-id",
  clientIdText: withoutDashes, // documented: 32 characters at most
  // Seen in ccxt (option includeFee: what is sent as `amount` is less the fee, which is sent beside it). Documented is only
  // that the fee is the caller's word and can be too high.
  fee: "on_top",
  findsDaysBack: "all", // documented without a limit
  states: {
    // The words are documented. That the money is available again after the last four is not verified.
    confirmed: "completed",
    canceled: "cancelled",
    failed: "cancelled", // of the verification
    reject: "cancelled",
    "wallet-reject": "cancelled",
    "confirm-error": "stuck",
    repealed: "stuck",
  },
  codes: {
    // Seen in ccxt, which calls all but the third a bad request.
    "dw-withdraw-min-limit": refusal("too_small", true),
    "invalid-address": refusal("invalid_address", true),
    "api-not-support-temp-addr": refusal("address_not_allowed", true),
    "base-currency-chain-error": refusal("unknown_currency", true),
    "base-withdraw-fee-error": refusal("other", false), // the fee has changed since we asked for it
  },

  pointTo(client, url) {
    const { protocol, host } = new URL(url);
    const { api, hostnames } = client.urls as Record<string, Record<string, string>>;
    client.urls = {
      ...client.urls,
      api: { ...api, spot: `${protocol}//{hostname}` },
      hostnames: { ...hostnames, spot: host }, // it is signed too
    };
  },

  async available(context) {
    const accountId = await spotAccountId(context);
    const parameters = { "account-id": accountId };
    const { data } = await context.ask(
      "spotPrivateGetV1AccountAccountsAccountIdBalance",
      parameters,
      balances,
    );
    const entry = data.list.find(
      ({ currency, type }) => currency === context.currency.toLowerCase() && type === "trade",
    );
    const units = parseVenueUnits(entry?.balance ?? "0", "down");
    if (units === undefined) throw new ExchangeError("malformed_answer", "the balance is not an amount");
    return units;
  },

  async terms({ ask, currency, isChain }) {
    const parameters = { currency: currency.toLowerCase() };
    const { data } = await ask("spotPublicGetV2ReferenceCurrencies", parameters, currencies);
    const chains = data.find((each) => each.currency === parameters.currency)?.chains ?? [];
    const chain = chains.find(({ chain, displayName, baseChain }) =>
      [baseChain, displayName, chain].some((name) => name != null && isChain(name)),
    );
    if (chain === undefined)
      throw new ExchangeError("venue_refused", `${currency} is not on BitShares there`, "no-such-chain");
    return {
      chain: chain.chain,
      fee: chain.transactFeeWithdraw,
      minimum: chain.minWithdrawAmt,
      open: chain.withdrawStatus === "allowed",
    };
  },

  withdrawal: (order) => ({
    method: "spotPrivatePostV1DwWithdrawApiCreate",
    parameters: {
      address: order.address,
      currency: order.currency.toLowerCase(),
      amount: order.amount,
      fee: order.fee,
      chain: order.chain,
      "addr-tag": order.memo,
      "client-order-id": order.id,
    },
  }),

  acceptedId: (body) => accepted.safeParse(body).data?.data,

  async find({ ask }, clientId) {
    const parameters = { clientOrderId: clientId };
    const { data } = await ask("spotPrivateGetV1QueryWithdrawClientOrderId", parameters, found);
    if (data == null) return undefined;
    if (data["client-order-id"] !== clientId)
      throw new ExchangeError("malformed_answer", "the withdrawal found has another client id");
    return {
      venueId: data.id,
      amount: data.amount,
      fee: data.fee ?? undefined,
      address: data.address,
      memo: data["address-tag"] ?? undefined,
      status: data.state,
      txid: data["tx-hash"] || undefined, // empty for a transfer inside the venue
    };
  },
};

import * as z from "zod";
import { ExchangeError } from "../exchange.ts";
import { amount, type VenueUnits } from "./venue-answer.ts";
import { refusal } from "./ccxt-refusals.ts";
import { type CcxtVenue, withoutDashes } from "./ccxt-venue.ts";

const account = z.object({ balances: z.array(z.object({ asset: z.string(), free: z.string() })) });
const balance = amount("down");
const currencies = z.array(
  z.looseObject({ coin: z.string(), networkList: z.array(z.looseObject({})).nullish() }),
);
const network = z.object({
  /** Both spellings have been seen (in ccxt); `network` is the older one. */
  netWork: z.string().nullish(),
  network: z.string().nullish(),
  withdrawEnable: z.boolean(),
  withdrawFee: amount("up"),
  withdrawMin: amount("up"),
});
const list = z.array(z.looseObject({ withdrawOrderId: z.string().nullish(), remark: z.string().nullish() }));
const record = z.object({
  id: z.string().min(1),
  amount: amount("down"),
  transactionFee: amount("up").nullish(),
  address: z.string(),
  memo: z.string().nullish(),
  status: z.union([z.string(), z.number()]).transform(String),
  transHash: z.string().nullish(),
  txId: z.string().nullish(),
});
const accepted = z.object({ id: z.string().min(1) });

const DAY_MS = 86_400_000;
/** Six days a window: seven is the most that one question may span, and the two clocks differ. Not verified. */
const WINDOW_MS = 6 * DAY_MS;
const WINDOWS = 5;
const LIST_MAX = 1_000; // seen in ccxt

/** The only venue with evidence of a living market for BTS (January 2026). */
export const MEXC: CcxtVenue = {
  title: "MEXC",
  ccxtId: "mexc",
  // Not verified what a second withdrawal under the same id does: so there must be none.
  repeatable: false,
  clientIdField: "withdrawOrderId", // from clients of others; ccxt passes it on
  clientIdText: withoutDashes,
  fee: "taken_out", // seen in ccxt: what its lists call the amount includes the fee
  findsDaysBack: (WINDOWS * WINDOW_MS) / DAY_MS,
  states: {
    // Seen in ccxt: 1 to 6 are steps on the way, 10 is a manual review. That a failed one is paid back is not verified.
    7: "completed",
    8: "stuck",
    9: "cancelled",
  },
  codes: {
    10212: refusal("address_not_allowed", true), // the words of the venue in ccxt: not on the list of common addresses
    10232: refusal("unknown_currency", true),
    10265: refusal("account_restricted", false), // by its risk control, "try again later"
    60005: refusal("account_restricted", true),
    700006: refusal("credentials", true), // the address of this host
    // Each may come after the fact: internal error, "try again", repeated request, operation processing or failed half-way.
    500: "unknown",
    513: "unknown",
    603: "unknown",
    10200: "unknown",
    10201: "unknown",
    10202: "unknown",
    10219: "unknown",
    20002: "unknown",
    730000: "unknown",
  },

  pointTo(client, url) {
    const { api } = client.urls as { api: object };
    client.urls = { ...client.urls, api: { ...api, spot: { public: url, private: url } } };
  },

  async available({ ask, currency }) {
    const { balances } = await ask("spotPrivateGetAccount", {}, account);
    const free = balances.find(({ asset }) => asset === currency)?.free ?? "0"; // those that are zero are left out
    const parsed = balance.safeParse(free);
    if (!parsed.success) throw new ExchangeError("malformed_answer", "the balance is not an amount");
    return parsed.data;
  },

  async terms({ ask, currency, isChain }) {
    const all = await ask("spotPrivateGetCapitalConfigGetall", {}, currencies);
    const networks = all.find(({ coin }) => coin === currency)?.networkList ?? [];
    for (const each of networks) {
      const name = [each["netWork"], each["network"]].find(
        (text) => typeof text === "string" && isChain(text),
      );
      if (name === undefined) continue;
      const parsed = network.safeParse(each);
      if (!parsed.success) throw new ExchangeError("malformed_answer", `the network of ${currency}`);
      const { withdrawFee, withdrawMin, withdrawEnable } = parsed.data;
      return { chain: name as string, fee: withdrawFee, minimum: withdrawMin, open: withdrawEnable };
    }
    throw new ExchangeError("venue_refused", `${currency} is not on BitShares there`, "no-such-chain");
  },

  withdrawal: (order) => ({
    method: "spotPrivatePostCapitalWithdraw",
    parameters: {
      coin: order.currency,
      netWork: order.chain,
      address: order.address,
      memo: order.memo,
      amount: order.amount,
      withdrawOrderId: order.id,
      // Its documented lists show the remark and not the order id.
      remark: order.id,
    },
  }),

  acceptedId: (body) => accepted.safeParse(body).data?.id,

  /** The newest window first; it has no end, so that what is made while we ask is in it. */
  async find({ ask, currency, nowMs }, id) {
    let isWhole = true;
    for (let window = 0; window < WINDOWS; window++) {
      const endMs = nowMs - window * WINDOW_MS;
      const end = window === 0 ? {} : { endTime: endMs };
      const parameters = { coin: currency, startTime: endMs - WINDOW_MS, ...end, limit: LIST_MAX };
      const page = await ask("spotPrivateGetCapitalWithdrawHistory", parameters, list);
      const entry = page.find(({ withdrawOrderId, remark }) => withdrawOrderId === id || remark === id);
      if (entry !== undefined) return recordFrom(entry);
      isWhole &&= page.length < LIST_MAX;
    }
    if (!isWhole)
      throw new ExchangeError("venue_refused", `a list of withdrawals was cut off at ${LIST_MAX}`);
    return undefined;
  },
};

function recordFrom(entry: object) {
  const parsed = record.safeParse(entry);
  if (!parsed.success)
    throw new ExchangeError("malformed_answer", "the withdrawal found is not as documented");
  const { id, address, memo, status, transHash, txId, transactionFee } = parsed.data;
  return {
    venueId: id,
    amount: parsed.data.amount satisfies VenueUnits,
    fee: transactionFee ?? undefined,
    address,
    memo: memo ?? undefined,
    status,
    txid: transHash || txId || undefined,
  };
}

import type { Exchange } from "../exchange.ts";
import type { Log } from "@stakebts/kernel/log";
import type { CcxtVenueName } from "./ccxt-venues.ts";

export interface OpenExchangeOptions {
  readonly venue: "bittrex" | CcxtVenueName;
  readonly key: string;
  readonly secret: string;
  readonly password?: string | undefined;
  /** Default: the venue's own address. */
  readonly url?: string | undefined;
  /** The venue's name of the BitShares chain, where it is not one of the usual. */
  readonly chain?: string | undefined;
  readonly log?: Log | undefined;
}

/** A question that takes longer has no answer: it must not outlast the time that a process has to end. */
const CALL_DEADLINE_MS = 15_000;

/** One account at the venue that the settings name. No venue is loaded before it is named. */
export async function openExchange(options: OpenExchangeOptions): Promise<Exchange> {
  const { venue, key, ...rest } = options;
  const common = { ...rest, callDeadlineMs: CALL_DEADLINE_MS };
  if (venue === "bittrex") {
    const { createBittrexExchange } = await import("./bittrex.ts");
    return createBittrexExchange({ ...common, key });
  }
  const { createCcxtExchange } = await import("./ccxt.ts");
  return createCcxtExchange({ ...common, venue, apiKey: key });
}

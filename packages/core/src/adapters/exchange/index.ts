export { openExchange, type OpenExchangeOptions } from "./open-exchange.ts";
export { type BittrexOptions, createBittrexExchange } from "./bittrex.ts";
export { type CcxtOptions, createCcxtExchange } from "./ccxt.ts";
export type { CcxtVenue } from "./ccxt-venue.ts";
export { CCXT_VENUES, type CcxtVenueName } from "./ccxt-venues.ts";

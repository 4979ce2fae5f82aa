import { GATE } from "./ccxt-gate.ts";
import { HTX } from "./ccxt-htx.ts";
import { MEXC } from "./ccxt-mexc.ts";
import type { CcxtVenue } from "./ccxt-venue.ts";

/**
 * Venues that can be used through ccxt. One is here when a withdrawal can be found again by an id that we choose: without that
 * a lost answer could never be resolved. XT, which lists BitShares as a chain, takes no such id and is left out.
 */
export const CCXT_VENUES = { htx: HTX, mexc: MEXC, gate: GATE } as const satisfies Record<string, CcxtVenue>;
export type CcxtVenueName = keyof typeof CCXT_VENUES;

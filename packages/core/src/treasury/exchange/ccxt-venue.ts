import type { z } from "zod";
import type { ClientWithdrawalId, ExchangeWithdrawalState } from "../exchange.ts";
import type { CcxtClient } from "./ccxt-calls.ts";
import type { CcxtRefusal } from "./ccxt-refusals.ts";
import type { VenueUnits } from "./venue-answer.ts";

/** Throws ExchangeError for everything but the documented answer. */
export type Ask = <T>(method: string, parameters: object, schema: z.ZodType<T>) => Promise<T>;

export interface AskContext {
  readonly ask: Ask;
  /** BTS, in capitals. */
  readonly currency: string;
  readonly nowMs: number;
  /** Chooses the venue's chain for BitShares among its names. */
  readonly isChain: (name: string) => boolean;
}

/** What a venue asks for a withdrawal at the moment. */
export interface VenueTerms {
  /** The venue's own name of the chain. */
  readonly chain: string;
  readonly fee: VenueUnits;
  /** The least amount that may be asked for, fee included where it is taken out of it. */
  readonly minimum: VenueUnits;
  readonly open: boolean;
}

export interface VenueOrder {
  readonly currency: string;
  readonly chain: string;
  readonly address: string;
  readonly memo: string;
  /** Plain decimals. */
  readonly amount: string;
  /** Plain decimals. */
  readonly fee: string;
  readonly id: string;
}

/** A withdrawal in the venue's lists. */
export interface VenueRecord {
  readonly venueId: string;
  readonly amount: VenueUnits;
  /** `undefined`: not told. */
  readonly fee: VenueUnits | undefined;
  readonly address: string;
  readonly memo: string | undefined;
  readonly status: string;
  readonly txid: string | undefined;
}

/**
 * All that differs between venues. A fact is marked where it stands: *documented* by the venue, *seen in ccxt* (its source of
 * 4.5.84), or *not verified*. No venue has been called with real money by the authors.
 */
export interface CcxtVenue {
  readonly title: string;
  /** Name of ccxt's class. */
  readonly ccxtId: string;
  /** As in the port. `true` only where the venue's own documentation promises it. */
  readonly repeatable: boolean;
  /** The parameter that carries our id. */
  readonly clientIdField: string;
  /** Our id as the venue takes it: the same UUID, always the same text. */
  readonly clientIdText: (clientId: ClientWithdrawalId) => string;
  /** Is the fee taken out of the amount that is asked for, or on top of it? */
  readonly fee: "taken_out" | "on_top";
  /** How far back a withdrawal is found by our id. */
  readonly findsDaysBack: number | "all";
  readonly states: Readonly<Record<string, ExchangeWithdrawalState>>;
  readonly codes: Readonly<Record<string, CcxtRefusal | "unknown">>;
  /** @param url of a private gateway, without a slash at its end */
  pointTo(client: CcxtClient, url: string): void;
  available(context: AskContext): Promise<VenueUnits>;
  terms(context: AskContext): Promise<VenueTerms>;
  withdrawal(order: VenueOrder): { readonly method: string; readonly parameters: object };
  /** The venue's id in the answer to an accepted withdrawal. */
  acceptedId(body: unknown): string | undefined;
  /** Throws ExchangeError when the lists cannot be read to their end. */
  find(context: AskContext, id: string): Promise<VenueRecord | undefined>;
}

/** 32 digits: what the shortest of the venues allow. */
export const withoutDashes = (clientId: ClientWithdrawalId): string => clientId.replaceAll("-", "");

/** Names under which venues list the chain. */
export const BITSHARES_CHAIN = /^(?:bts|bitshares)(?:[\s_-]?(?:2|2\.0|mainnet))?$/iu;

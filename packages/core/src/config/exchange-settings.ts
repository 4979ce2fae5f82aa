import { z } from "zod";
import { CCXT_VENUES, type CcxtVenueName } from "../adapters/exchange/ccxt-venues.ts";
import { EXCHANGE_ACCOUNTS, type ExchangeAccountNumber } from "../domain/request.ts";

// What is set three times, once for each exchange account: `STAKEBTS_EXCHANGE_1_KEY` and so on.

/** Venues that can be asked for funds. */
export const EXCHANGE_VENUES = ["bittrex", ...(Object.keys(CCXT_VENUES) as CcxtVenueName[])] as const;

type Numbered<S extends string> = `STAKEBTS_EXCHANGE_${ExchangeAccountNumber}_${S}`;
type Texts<S extends string> = Readonly<Record<Numbered<S>, z.ZodOptional<z.ZodString>>>;

function texts<S extends string>(suffixes: readonly S[]): Texts<S> {
  const names = EXCHANGE_ACCOUNTS.flatMap((number) =>
    suffixes.map((suffix): Numbered<S> => `STAKEBTS_EXCHANGE_${number}_${suffix}`),
  );
  return Object.fromEntries(names.map((name) => [name, z.string().optional()])) as Texts<S>;
}

/** Of the process that asks the exchange: the keys of its interface. */
export const exchangeKeySettings = texts(["KEY", "SECRET", "PASSWORD"]);
/** Of the process that owes deposits: the memo by which the exchange credits each account. */
export const depositMemoSettings = texts(["DEPOSIT_MEMO"]);

type Read<S extends string> = Readonly<Partial<Record<Numbered<S>, string | undefined>>>;

export interface ExchangeCredentials {
  readonly number: ExchangeAccountNumber;
  readonly key: string;
  readonly secret: string;
  readonly password: string | undefined;
}

/** The accounts that are set up, in the order in which they are asked for cover. */
export const exchangeCredentials = (
  config: Read<"KEY" | "SECRET" | "PASSWORD">,
): readonly ExchangeCredentials[] =>
  EXCHANGE_ACCOUNTS.flatMap((number) => {
    const key = config[`STAKEBTS_EXCHANGE_${number}_KEY`];
    const secret = config[`STAKEBTS_EXCHANGE_${number}_SECRET`];
    const password = config[`STAKEBTS_EXCHANGE_${number}_PASSWORD`];
    return key === undefined || secret === undefined ? [] : [{ number, key, secret, password }];
  });

export const depositMemos = (
  config: Read<"DEPOSIT_MEMO">,
): Readonly<Partial<Record<ExchangeAccountNumber, string>>> =>
  Object.fromEntries(
    EXCHANGE_ACCOUNTS.flatMap((number) => {
      const memo = config[`STAKEBTS_EXCHANGE_${number}_DEPOSIT_MEMO`];
      return memo === undefined ? [] : [[number, memo]];
    }),
  );

/**
 * Settings that stand for something together only. For `.check()` of a schema with all of them. It runs whatever else is
 * wrong, so that it is named together with the rest.
 */
function together(names: readonly string[]) {
  return z.superRefine<Readonly<Record<string, unknown>>>(
    (config, context) => {
      const given = names.find((name) => config[name] !== undefined);
      if (given === undefined) return;
      for (const name of names)
        if (config[name] === undefined)
          context.addIssue({ code: "custom", path: [name], message: `expected together with ${given}` });
    },
    { when: () => true },
  );
}

/** A key without its secret, or the other way round, is half of a setting. */
export const exchangeKeyChecks = EXCHANGE_ACCOUNTS.map((number) =>
  together([`STAKEBTS_EXCHANGE_${number}_KEY`, `STAKEBTS_EXCHANGE_${number}_SECRET`]),
);
/** An account without its key cannot be paid from; a key alone is no account. */
export const reserveCheck = together(["STAKEBTS_RESERVE_ACCOUNT", "STAKEBTS_RESERVE_KEY"]);

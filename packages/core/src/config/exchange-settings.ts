import { z } from "zod";
import { CCXT_VENUES, type CcxtVenueName } from "../treasury/exchange/ccxt-venues.ts";
import type { Roles } from "../rules/decide.ts";
import { EXCHANGE_ACCOUNTS, type ExchangeAccountNumber } from "../rules/request.ts";

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

const depositMemos = (
  config: Read<"DEPOSIT_MEMO">,
): Readonly<Partial<Record<ExchangeAccountNumber, string>>> =>
  Object.fromEntries(
    EXCHANGE_ACCOUNTS.flatMap((number) => {
      const memo = config[`STAKEBTS_EXCHANGE_${number}_DEPOSIT_MEMO`];
      return memo === undefined ? [] : [[number, memo]];
    }),
  );

/** Who is who besides the nominators: the policy's managers, and whose transfers are never sent back. */
export const rolesOf = (
  config: Read<"DEPOSIT_MEMO"> & {
    readonly STAKEBTS_EXCHANGE_ACCOUNTS: readonly string[];
    readonly STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: string;
    readonly STAKEBTS_RESERVE_ACCOUNT?: string | undefined;
  },
  managers: readonly string[],
): Roles => ({
  managers,
  treasuryAccounts: [
    ...config.STAKEBTS_EXCHANGE_ACCOUNTS,
    config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT,
    ...(config.STAKEBTS_RESERVE_ACCOUNT === undefined ? [] : [config.STAKEBTS_RESERVE_ACCOUNT]),
  ],
  exchangeDeposit: { account: config.STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT, memos: depositMemos(config) },
});

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
/** The reserve is an account and one of two ways to get at its funds: its key, or its permission to draw. */
export const reserveCheck = z.superRefine<{
  STAKEBTS_RESERVE_ACCOUNT?: string | undefined;
  STAKEBTS_RESERVE_KEY?: string | undefined;
  STAKEBTS_RESERVE_PERMISSION?: string | undefined;
}>(
  (config, context) => {
    const ways = (["STAKEBTS_RESERVE_KEY", "STAKEBTS_RESERVE_PERMISSION"] as const).filter(
      (name) => config[name] !== undefined,
    );
    const refuse = (name: string, message: string) =>
      context.addIssue({ code: "custom", path: [name], message });
    if (ways.length === 2)
      refuse(
        "STAKEBTS_RESERVE_PERMISSION",
        "expected this or STAKEBTS_RESERVE_KEY: who holds the key needs no permission",
      );
    else if (config.STAKEBTS_RESERVE_ACCOUNT === undefined && ways[0] !== undefined)
      refuse("STAKEBTS_RESERVE_ACCOUNT", `expected together with ${ways[0]}`);
    else if (config.STAKEBTS_RESERVE_ACCOUNT !== undefined && ways.length === 0)
      refuse(
        "STAKEBTS_RESERVE_KEY",
        "expected together with STAKEBTS_RESERVE_ACCOUNT, or STAKEBTS_RESERVE_PERMISSION in its place",
      );
  },
  { when: () => true },
);

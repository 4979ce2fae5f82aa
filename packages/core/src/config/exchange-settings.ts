import type { Roles } from "../rules/decide.ts";
import { EXCHANGE_ACCOUNTS, type ExchangeAccountNumber } from "../rules/request.ts";

// What is set three times, once for each exchange account: `STAKEBTS_EXCHANGE_1_KEY` and so on.

type Read<S extends string> = Readonly<
  Partial<Record<`STAKEBTS_EXCHANGE_${ExchangeAccountNumber}_${S}`, string | undefined>>
>;

export interface ExchangeCredentials {
  readonly number: ExchangeAccountNumber;
  readonly key: string;
  readonly secret: string;
  readonly password: string | undefined;
}

/** The accounts that are set up, in the order in which they are asked for top-ups. */
export const exchangeCredentials = (
  config: Read<"KEY" | "SECRET" | "PASSWORD">,
): readonly ExchangeCredentials[] =>
  EXCHANGE_ACCOUNTS.flatMap((number) => {
    const key = config[`STAKEBTS_EXCHANGE_${number}_KEY`];
    const secret = config[`STAKEBTS_EXCHANGE_${number}_SECRET`];
    const password = config[`STAKEBTS_EXCHANGE_${number}_PASSWORD`];
    return key === undefined || secret === undefined ? [] : [{ number, key, secret, password }];
  });

/** By which the exchange credits each of its accounts. */
export const depositMemos = (
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

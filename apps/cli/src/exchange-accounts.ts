import { exchangeCredentials } from "@stakebts/core/config/exchange-settings";
import { openExchangeAccounts } from "@stakebts/core/treasury/open-sources";
import { ExchangeError, type ExchangeFunds } from "@stakebts/core/treasury/exchange";
import { readSettings } from "./config.ts";
import type { Context } from "./context.ts";

export type AccountAnswer = { readonly number: number } & (
  | { readonly funds: ExchangeFunds }
  | { readonly problem: string }
);

/** Asks each exchange account whose key is in this environment what it holds. Usually only the payer's has them. */
export async function askExchangeAccounts({ environment }: Context): Promise<readonly AccountAnswer[]> {
  const settings = readSettings("exchange", environment);
  const answers: AccountAnswer[] = [];
  const accounts = await openExchangeAccounts(settings, exchangeCredentials(settings));
  for (const { number, exchange } of accounts) {
    try {
      answers.push({ number, funds: await exchange.funds() });
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      answers.push({ number, problem: `${error.code}: ${error.message}` });
    }
  }
  return answers;
}

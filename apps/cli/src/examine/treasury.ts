import { ConfigError } from "@stakebts/core/config/environment";
import { exchangeCredentials } from "@stakebts/core/config/exchange-settings";
import { topUpSourceName } from "@stakebts/core/rules/top-up";
import { ExchangeError, type ExchangeFunds } from "@stakebts/core/treasury/exchange";
import { openExchangeAccounts } from "@stakebts/core/treasury/open-sources";
import { permissionText, readPermission } from "@stakebts/core/treasury/reserve-permission";
import { btsText, sharesText } from "@stakebts/kernel/text";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

/** Where top-ups come from, as far as this environment can ask, and requests for it that a person has to look at. */
export async function* examineTreasury(
  context: Context,
  before: readonly Finding[],
): AsyncGenerator<Finding> {
  const reserve = await examineReserve(context, before);
  if (reserve !== undefined) yield reserve;
  const accounts = await askExchangeAccounts(context);
  for (const account of accounts) {
    const name = `exchange ${account.number}`;
    if ("problem" in account)
      yield problem(
        name,
        account.problem,
        "see docs/exchanges.md; no top-up comes from this account until it answers",
      );
    else if (!account.funds.withdrawalsOpen)
      yield problem(name, "it sends nothing at present", "wait, or bring in funds from elsewhere");
    else yield ok(name, `can send ${sharesText(account.funds.withdrawableShares)}`);
  }
  if (!before.some(({ name, state }) => name === "database" && state === "ok")) return;
  const unresolved = await context.ledger.topUps.find({ statuses: ["unresolved"] });
  for (const topUp of unresolved)
    yield problem(
      "top-ups",
      `${topUp.key}: it is not known whether ${topUpSourceName(topUp.source)} sends ${btsText(topUp.amount)}`,
      "look at the source; if it will never send them: `stakebts top-ups give-up`",
    );
}

/** Nothing where no reserve account is set. Whether its key fits is for the payer to find out, at its start. */
export async function examineReserve(
  context: Context,
  before: readonly Finding[],
): Promise<Finding | undefined> {
  let settings;
  try {
    settings = readSettings("reserve", context.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return problem("reserve", error.message, "correct it; docs/configuration.md says what is accepted");
  }
  const { STAKEBTS_RESERVE_ACCOUNT: name, STAKEBTS_RESERVE_PERMISSION: permissionId } = settings;
  if (name === undefined) return undefined;
  if (!before.some((finding) => finding.name === "account" && finding.state === "ok"))
    return skipped("reserve", "not asked: see nodes and account");
  const [reserve] = await context.chain.accounts([name]);
  if (reserve === undefined)
    return problem(
      "reserve",
      `there is no account ${name} on this chain`,
      "correct STAKEBTS_RESERVE_ACCOUNT, or the nodes are on the wrong chain",
    );
  if (permissionId === undefined) return ok("reserve", `${reserve.name} ${reserve.id}`);
  const custodian = await context.custodian();
  const permission = await readPermission(context.chain, permissionId, { reserve, custodian });
  if ("problem" in permission)
    return problem(
      "reserve",
      permission.problem,
      "have the reserve account create another permission, and put its id into STAKEBTS_RESERVE_PERMISSION",
    );
  return ok("reserve", `${reserve.name}, ${permissionText(permission)}`);
}

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

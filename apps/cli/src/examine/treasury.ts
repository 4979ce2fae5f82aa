import { topUpSourceName } from "@stakebts/core/rules/top-up";
import type { Context } from "../context.ts";
import { askExchangeAccounts } from "../exchange-accounts.ts";
import { btsText, sharesText } from "../print.ts";
import { type Finding, ok, problem } from "./finding.ts";
import { examineReserve } from "./reserve.ts";

/** Where cover comes from, as far as this environment can ask, and requests for it that a person has to look at. */
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
        "see docs/exchanges.md; no cover comes from this account until it answers",
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
      `${topUp.key}: nobody knows whether ${topUpSourceName(topUp.source)} sends ${btsText(topUp.amount)} BTS`,
      "look at the source; if it will never send them: `stakebts top-ups give-up`",
    );
}

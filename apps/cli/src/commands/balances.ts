import type { Command } from "commander";
import { type Shares, shares, toShares } from "@stakebts/core/domain";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson, sharesText } from "../print.ts";
import type { Run } from "../run.ts";
import { nowOf } from "./liabilities.ts";

export function addBalances(program: Command, run: Run): void {
  program
    .command("balances")
    .description("What the hot wallet holds on the chain, and whether it can pay what falls due next.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["balances", "for people"],
        ["balances --json | jq -r .hotWallet.shares", "1 BTS = 100000 shares"],
      ),
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const { terminal } = context;
        const found = await balances(context);
        if (options.json) {
          printJson(terminal, found);
          return EXIT.ok;
        }
        const line = (name: string, amount: Shares, more = "") =>
          terminal.out(`${name.padEnd(22)} ${sharesText(amount).padStart(24)}  ${more}`.trimEnd());
        line("hot wallet", found.hotWallet.shares, `${found.hotWallet.account} ${found.hotWallet.accountId}`);
        line("stays in it", found.minimumShares, "minimum balance of the policy");
        for (const [name, need] of [
          ["due within 24 h", found.within24h],
          ["due within 7 d", found.within7d],
        ] as const)
          line(
            name,
            need.neededShares,
            need.shortShares > 0n
              ? terminal.paint("red", `short by ${sharesText(need.shortShares)}`)
              : terminal.paint("green", "can be paid"),
          );
        return EXIT.ok;
      }),
    );
}

interface Need {
  readonly neededShares: Shares;
  readonly shortShares: Shares;
}

export interface Balances {
  readonly hotWallet: { readonly account: string; readonly accountId: string; readonly shares: Shares };
  readonly minimumShares: Shares;
  readonly within24h: Need;
  readonly within7d: Need;
}

/** The hot wallet against what is due; what is past due is in both horizons. */
export async function balances(context: Context): Promise<Balances> {
  const custodian = await context.custodian();
  const [balance, cursor] = await Promise.all([context.chain.balance(custodian.id), context.ledger.cursor()]);
  const owed = await context.view.liabilities(nowOf(cursor, context));
  const minimumShares = toShares(context.policy.policy.minimumBalance);
  const need = (neededShares: Shares) => ({
    neededShares,
    shortShares: shares(neededShares + minimumShares > balance ? neededShares + minimumShares - balance : 0n),
  });
  return {
    hotWallet: { account: custodian.name, accountId: custodian.id, shares: balance },
    minimumShares,
    within24h: need(toShares(owed.within24h.amount)),
    within7d: need(toShares(owed.within7d.amount)),
  };
}

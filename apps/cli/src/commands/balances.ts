import type { Command } from "commander";
import { type Shares, shares, toShares } from "@stakebts/kernel/amount";
import { plainText } from "@stakebts/kernel/plain-text";
import { sharesText, timeText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson } from "../print.ts";

export function addBalances(program: Command, run: Run): void {
  program
    .command("balances")
    .description(
      "What the hot wallet holds on the chain, what other purses hold, and whether what falls due next can be paid.",
    )
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
        for (const purse of found.purses) {
          if (purse.shares === undefined)
            terminal.out(`${purse.name.padEnd(22)} ${"–".padStart(24)}  ${plainText(purse.problem ?? "")}`);
          else line(purse.name, purse.shares, "can be fetched from there");
        }
        if (found.reportedAtMs !== undefined)
          terminal.out(
            terminal.paint(
              "dim",
              `other purses as the payer saw them at ${timeText(found.reportedAtMs)} UTC`,
            ),
          );
        line("together", found.totalShares);
        for (const [name, need] of [
          ["due within 24 h", found.within24h],
          ["due within 7 d", found.within7d],
          ["due within 30 d", found.within30d],
        ] as const)
          line(
            name,
            need.neededShares,
            need.shortShares === 0n
              ? terminal.paint("green", "can be paid")
              : need.shortOfAllShares === 0n
                ? terminal.paint(
                    "yellow",
                    `the hot wallet is short by ${sharesText(need.shortShares)}: covered`,
                  )
                : terminal.paint("red", `short by ${sharesText(need.shortOfAllShares)}, all purses counted`),
          );
        return EXIT.ok;
      }),
    );
}

interface Need {
  readonly neededShares: Shares;
  /** Of the hot wallet alone. */
  readonly shortShares: Shares;
  readonly shortOfAllShares: Shares;
}

interface Purse {
  readonly name: string;
  readonly shares: Shares | undefined;
  /** Why it cannot be said. */
  readonly problem: string | undefined;
}

export interface Balances {
  readonly hotWallet: { readonly account: string; readonly accountId: string; readonly shares: Shares };
  readonly minimumShares: Shares;
  /** The reserve and the exchange accounts, as the payer saw them last: only it can ask them. */
  readonly purses: readonly Purse[];
  /** Host time of that; `undefined` when there is no report yet. */
  readonly reportedAtMs: number | undefined;
  readonly totalShares: Shares;
  readonly within24h: Need;
  readonly within7d: Need;
  readonly within30d: Need;
}

/** The hot wallet against what is due; what is past due is in both horizons. */
export async function balances(context: Context): Promise<Balances> {
  const custodian = await context.custodian();
  const [balance, cursor] = await Promise.all([
    context.chain.balance(custodian.id),
    context.ledger.cursor.read(),
  ]);
  const owed = await context.view.liabilities(context.nowOf(cursor));
  const minimumShares = toShares(context.policy.policy.minimumBalance);
  const { purses, reportedAtMs } = await reportedPurses(context);
  const others = purses.reduce((sum, purse) => sum + (purse.shares ?? 0n), 0n);
  const missing = (neededShares: Shares, there: bigint) =>
    shares(neededShares + minimumShares > there ? neededShares + minimumShares - there : 0n);
  const need = (neededShares: Shares) => ({
    neededShares,
    shortShares: missing(neededShares, balance),
    shortOfAllShares: missing(neededShares, balance + others),
  });
  return {
    hotWallet: { account: custodian.name, accountId: custodian.id, shares: balance },
    minimumShares,
    purses,
    reportedAtMs,
    totalShares: shares(balance + others),
    within24h: need(toShares(owed.within24h.amount)),
    within7d: need(toShares(owed.within7d.amount)),
    within30d: need(toShares(owed.within30d.amount)),
  };
}

/** From the payer's newest report, `treasury.balances`. */
async function reportedPurses({ view }: Context): Promise<Pick<Balances, "purses" | "reportedAtMs">> {
  const { items } = await view.receipts({ event: "treasury.balances", limit: 1 });
  const [report] = items;
  if (report === undefined) return { purses: [], reportedAtMs: undefined };
  const purses = ["reserve", "exchange1", "exchange2", "exchange3"].flatMap((key): Purse[] => {
    const amount = report.details[`${key}Shares`];
    const trouble = report.details[`${key}Problem`];
    if (amount === undefined && trouble === undefined) return [];
    const name = key === "reserve" ? "reserve account" : `exchange account ${key.at(-1)}`;
    return [
      {
        name,
        shares: typeof amount === "string" ? shares(BigInt(amount)) : undefined,
        problem: typeof trouble === "string" ? trouble : undefined,
      },
    ];
  });
  return { purses, reportedAtMs: report.createdAtMs };
}

import { type Command, InvalidArgumentError, Option } from "commander";
import { bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, plusMs } from "@stakebts/kernel/time";
import { forecast } from "@stakebts/core/payments/forecast";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { btsText, printJson, printTable, sharesText } from "../print.ts";
import type { Run } from "../run.ts";
import { nowOf } from "./liabilities.ts";

interface Options {
  readonly by: "day" | "month";
  readonly days: number;
  readonly balance?: bigint;
  readonly json: boolean;
}

const wholeBts = (text: string): bigint => {
  if (!/^[0-9]{1,10}$/u.test(text)) throw new InvalidArgumentError("Expected whole BTS, such as 250000.");
  return BigInt(text);
};

const dayCount = (text: string): number => {
  if (!/^[0-9]{1,4}$/u.test(text) || Number(text) === 0)
    throw new InvalidArgumentError("Expected a number of days, 1 to 9999.");
  return Number(text);
};

export function addForecast(program: Command, run: Run): void {
  program
    .command("forecast")
    .description("What falls due per day or month, and the first day on which the money does not suffice.")
    .addOption(new Option("--by <period>", "lines for each").choices(["day", "month"]).default("day"))
    .addOption(new Option("--days <count>", "how far to look").default(90).argParser(dayCount))
    .addOption(
      new Option("--balance <bts>", "reckon with this instead of the hot wallet's balance").argParser(
        wholeBts,
      ),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Past due counts as due today. The minimum balance of the policy is left in the wallet; network fees are not reckoned.
Without --balance the hot wallet is read from the chain, if STAKEBTS_NODES is set.
${examples(["forecast", "the next 90 days against the hot wallet"], ["forecast --by month --days 365", "a year in months"], ["forecast --balance 1000000", "how long would a million last?"])}`,
    )
    .action(
      run(async (context, options: Options) => {
        const { terminal, view, ledger } = context;
        const nowMs = nowOf(await ledger.cursor.read(), context);
        const balance = await balanceOf(context, options);
        const days = await view.dueByDay(plusMs(nowMs, options.days * DAY_MS));
        const { minimumBalance } = context.policy.policy;
        const { lines, shortOn } = forecast(days, { by: options.by, nowMs, balance, minimumBalance });
        if (options.json) {
          printJson(terminal, { asOfMs: nowMs, balanceShares: balance, minimumBalance, lines, shortOn });
          return EXIT.ok;
        }
        const short = balance === undefined ? [] : [shortColumn(context)];
        printTable(
          terminal,
          [
            { head: options.by === "day" ? "DAY (UTC)" : "MONTH", cell: (line) => line.period },
            { head: "PAYMENTS", align: "right", cell: (line) => String(line.payments) },
            { head: "BTS", align: "right", cell: (line) => btsText(line.amount) },
            { head: "IN ALL", align: "right", cell: (line) => btsText(line.total) },
            ...short,
          ],
          lines,
        );
        if (lines.length === 0) terminal.out(`nothing falls due within ${options.days} day(s)`);
        terminal.out("");
        if (balance === undefined)
          terminal.out("no balance to compare with: give --balance or set STAKEBTS_NODES");
        else if (shortOn === undefined)
          terminal.out(`${sharesText(balance)} suffice for the next ${options.days} day(s)`);
        else
          terminal.out(
            terminal.paint(
              "red",
              `${sharesText(balance)} do not suffice from ${shortOn} on (${btsText(minimumBalance)} BTS stay in the wallet)`,
            ),
          );
        return EXIT.ok;
      }),
    );
}

const shortColumn = ({ terminal }: Context) =>
  ({
    head: "SHORT",
    align: "right",
    cell: (line: { short: Shares }) => (line.short > 0n ? terminal.paint("red", sharesText(line.short)) : ""),
  }) as const;

async function balanceOf(context: Context, options: Options): Promise<Shares | undefined> {
  if (options.balance !== undefined) return toShares(bts(options.balance));
  if (!context.hasChain) return undefined;
  const custodian = await context.custodian();
  return context.chain.balance(custodian.id);
}

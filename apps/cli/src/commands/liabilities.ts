import { type Command, InvalidArgumentError, Option } from "commander";
import { column, type Columns } from "@stakebts/core/operators/columns";
import { LIABILITIES, liabilityLines } from "@stakebts/core/operators/lists";
import type { ForecastLine } from "@stakebts/core/payments/forecast";
import { forecastScenario } from "@stakebts/core/payments/scenario";
import { TERM_MONTHS, type TermMonths } from "@stakebts/core/rules/policy";
import { type Bts, bts, type Shares, toShares } from "@stakebts/kernel/amount";
import { btsText, sharesText, timeText } from "@stakebts/kernel/text";
import { DAY_MS, plusMs } from "@stakebts/kernel/time";
import type { Context, Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson, printTable } from "../print.ts";

export function addLiabilities(program: Command, run: Run): void {
  program
    .command("liabilities")
    .description(
      "What is owed: in all, within 30 days, 7 days, 48 and 24 hours, and past due. Each includes what is past due.",
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Counted are rewards and base amounts to come, as if every nominator stays, and payouts that are not confirmed.
${examples(["liabilities", "for people"], ["liabilities --json | jq -r .within24h.amount", "for programs"], ["forecast", "the same by day, with the day on which the money ends"])}`,
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const { terminal, view, ledger } = context;
        const owed = await view.liabilities(context.nowOf(await ledger.cursor.read()));
        if (options.json) {
          printJson(terminal, owed);
          return EXIT.ok;
        }
        terminal.out(`as of ${timeText(owed.asOfMs)} UTC, the newest block of the ledger\n`);
        printTable(terminal, LIABILITIES, [
          ...liabilityLines(owed),
          { name: "  of it held or failed", owed: owed.stopped },
          { name: "Paid in the last 48 hours", owed: owed.paidLast48h },
          ...(owed.cancelled.count > 0 ? [{ name: "Cancelled, rows still open", owed: owed.cancelled }] : []),
        ]);
        terminal.out(`\n${owed.nominators} nominator(s) with something to come`);
        return EXIT.ok;
      }),
    );
}

interface Options {
  readonly by: "day" | "month";
  readonly days: number;
  readonly balance?: bigint;
  readonly stop: boolean;
  readonly arrivals: number;
  readonly arrivalMonths: TermMonths;
  readonly rate?: bigint;
  readonly elsewhere: bigint;
  readonly closed: number;
  readonly json: boolean;
}

const wholeBts = (text: string): bigint => {
  if (!/^[0-9]{1,10}$/u.test(text)) throw new InvalidArgumentError("Expected whole BTS, such as 250000.");
  return BigInt(text);
};

const count = (text: string): number => {
  if (!/^[0-9]{1,4}$/u.test(text)) throw new InvalidArgumentError("Expected a whole number up to 9999.");
  return Number(text);
};

const dayCount = (text: string): number => {
  const days = count(text);
  if (days === 0) throw new InvalidArgumentError("Expected a number of days, 1 to 9999.");
  return days;
};

const months = (text: string): TermMonths => {
  const found = TERM_MONTHS.find((one) => `${one}` === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${TERM_MONTHS.join(", ")}.`);
  return found;
};

/** Per cent, in basis points. */
const percent = (text: string): bigint => {
  const [, whole, part = ""] = /^([0-9]{1,2})(?:\.([0-9]{1,2}))?%?$/u.exec(text) ?? [];
  if (whole === undefined) throw new InvalidArgumentError("Expected per cent, such as 8 or 7.5.");
  return BigInt(whole) * 100n + BigInt(part.padEnd(2, "0"));
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
    .option("--stop", "assume that everybody stops today", false)
    .addOption(
      new Option("--arrivals <count>", "assume so many agreements of the largest amount, from today on")
        .default(0)
        .argParser(count),
    )
    .addOption(
      new Option("--arrival-months <months>", "their term").default(12 as TermMonths).argParser(months),
    )
    .addOption(
      new Option("--rate <percent>", "their reward per month, if not that of the policy").argParser(percent),
    )
    .addOption(
      new Option("--elsewhere <bts>", "what can be brought from reserve and exchanges")
        .default(0n, "0")
        .argParser(wholeBts),
    )
    .addOption(
      new Option("--closed <days>", "nothing can be brought for so many days").default(0).argParser(count),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Past due counts as due today. The minimum balance of the policy is left in the wallet; network fees are not reckoned.
Without --balance the hot wallet is read from the chain, if STAKEBTS_NODES is set.
${examples(["forecast", "the next 90 days against the hot wallet"], ["forecast --by month --days 365", "a year in months"], ["forecast --balance 1000000", "how long would a million last?"], ["forecast --stop", "what if everybody stops today?"], ["forecast --elsewhere 500000 --closed 14", "what if the exchange is closed for two weeks?"])}`,
    )
    .action(
      run(async (context, options: Options) => {
        const { terminal, view, ledger } = context;
        const nowMs = context.nowOf(await ledger.cursor.read());
        const balance = await balanceOf(context, options);
        const untilMs = plusMs(nowMs, options.days * DAY_MS);
        const [days, stops] = await Promise.all([view.dueByDay(untilMs), context.browse.openStakes()]);
        const { minimumBalance, terms, acceptedAmounts } = context.policy.policy;
        const { arrivals, arrivalMonths, rate, closed, elsewhere } = options;
        const funds = { hotWallet: balance, elsewhere: toShares(bts(elsewhere)), minimumBalance };
        const { lines, shortOn } = forecastScenario(
          days,
          { by: options.by, nowMs, untilMs, funds, stops, terms },
          {
            everybodyStops: options.stop,
            arrivals: { count: arrivals, amount: largest(acceptedAmounts), months: arrivalMonths },
            rewardBps: rate,
            closedDays: closed,
          },
        );
        if (options.json) {
          printJson(terminal, { asOfMs: nowMs, balanceShares: balance, minimumBalance, lines, shortOn });
          return EXIT.ok;
        }
        const head = options.by === "day" ? "Day (UTC)" : "Month";
        printTable(
          terminal,
          {
            period: column.id<ForecastLine>(head, ({ period }) => period),
            ...FORECAST,
            ...(balance === undefined ? {} : SHORT),
          },
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
              `${sharesText(balance)} do not suffice from ${shortOn} on (${btsText(minimumBalance)} stay in the wallet)`,
            ),
          );
        return EXIT.ok;
      }),
    );
}

const largest = (amounts: readonly Bts[]): Bts =>
  amounts.reduce((most, one) => (one > most ? one : most), bts(0n));

const FORECAST = {
  payments: column.number("Payments", ({ payments }) => payments),
  amount: column.number("BTS", ({ amount }) => amount),
  total: column.number("In all", ({ total }) => total),
} as const satisfies Columns<ForecastLine>;

/** Where there is a balance to compare with. */
const SHORT = {
  short: {
    ...column.shares("Short", ({ short }) => (short > 0n ? short : undefined)),
    text: ({ short }) => (short > 0n ? sharesText(short) : ""),
    tone: () => "bad",
  },
} as const satisfies Columns<ForecastLine>;

async function balanceOf(context: Context, options: Options): Promise<Shares | undefined> {
  if (options.balance !== undefined) return toShares(bts(options.balance));
  if (!context.hasChain) return undefined;
  const custodian = await context.custodian();
  return context.chain.balance(custodian.id);
}

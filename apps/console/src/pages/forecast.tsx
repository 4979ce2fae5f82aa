import { Hono } from "hono";
import {
  forecastScenario,
  NOTHING_ASSUMED,
  type Scenario,
  type ScenarioForecast,
} from "@stakebts/core/payments/scenario";
import type { DueDay, ForecastLine } from "@stakebts/core/payments/forecast";
import { column } from "@stakebts/core/operators/columns";
import { TERM_MONTHS, type TermMonths } from "@stakebts/core/rules/policy";
import { bts, type Shares, SHARES_PER_BTS, shares, toShares } from "@stakebts/kernel/amount";
import { btsText, dayText, durationText, numberText, sharesText } from "@stakebts/kernel/text";
import { DAY_MS, millis, plusMs } from "@stakebts/kernel/time";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { frameOf, oneIn, textIn, wholeIn } from "../page.ts";
import type { Remembered } from "../remembered.ts";
import { AHEAD_DAYS, type Sums } from "../sums.ts";
import { drawChart, Figure } from "../view/chart.tsx";
import { FilterForm } from "../view/form.tsx";
import { consolePage } from "../view/layout.tsx";
import { Empty, PageTitle, Table, type ViewColumn } from "../view/table.tsx";
import { Banner, SharesText, Time } from "../view/values.tsx";
import { readReserve, inReserve } from "./overview/figures.ts";

const FUNDS = ["hot", "all"] as const;
const PERIODS = ["day", "month"] as const;

/** A percentage as people write it, in basis points. */
const bpsIn = (text: string | undefined): bigint | undefined => {
  const [, whole, part = ""] = /^(\d{1,2})(?:[.,](\d{1,2}))?\s*%?$/u.exec(text ?? "") ?? [];
  return whole === undefined ? undefined : BigInt(whole) * 100n + BigInt(part.padEnd(2, "0"));
};

/** What leaves in the next year, and whether it is there: as everybody stays, or under assumptions. */
export function forecastPage(deps: ConsoleDeps, sums: Remembered<Sums>): Hono<ConsoleEnv> {
  const { policy, clock } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/forecast", async (c) => {
    const [{ value, atMs }, reserve] = await Promise.all([sums.get(), readReserve(deps)]);
    const glance = deps.glance();
    const hotWallet = glance !== undefined && "head" in glance.chain ? glance.chain.hotWallet : undefined;
    const balance = textIn(c, "balance")?.replaceAll(/[,\s]/gu, "");
    const given =
      balance !== undefined && /^\d{1,10}$/u.test(balance) ? toShares(bts(BigInt(balance))) : undefined;
    const withAll = oneIn(c, "funds", FUNDS) === "all";
    const largest = policy.acceptedAmounts.reduce((most, one) => (one > most ? one : most), bts(0n));
    const months = oneIn(c, "months", TERM_MONTHS.map(String));
    const scenario: Scenario = {
      everybodyStops: c.req.query("stop") === "yes",
      arrivals: {
        count: wholeIn(c, "arrivals", 1_000) ?? 0,
        amount: largest,
        months: months === undefined ? NOTHING_ASSUMED.arrivals.months : (Number(months) as TermMonths),
      },
      rewardBps: bpsIn(textIn(c, "rate")),
      closedDays: wholeIn(c, "closed", AHEAD_DAYS) ?? 0,
    };
    const by = oneIn(c, "by", PERIODS) ?? "month";
    const nowMs = millis(value.asOfMs);
    const untilMs = plusMs(nowMs, AHEAD_DAYS * DAY_MS);
    const elsewhere = withAll && reserve !== undefined ? inReserve(reserve) : shares(0n);
    const input = {
      nowMs,
      untilMs,
      funds: { hotWallet: given ?? hotWallet, elsewhere, minimumBalance: policy.minimumBalance },
      stops: value.stakes,
      terms: policy.terms,
    };
    const found = forecastScenario(value.days, { ...input, by }, scenario);
    const picture = await drawForecast(found, { nowMs, elsewhere, scenario });
    return c.html(
      consolePage(frameOf(c, deps), {
        title: "Forecast",
        here: "/forecast",
        live: true,
        children: (
          <>
            <PageTitle title="Forecast">
              as of <Time ms={value.asOfMs} /> UTC, reckoned {durationText(clock.nowMs() - atMs)} ago; the
              same figures as <code>stakebts forecast</code>
            </PageTitle>
            <Verdict found={found} funds={withAll ? "All wallets together" : "The hot wallet"} />
            <FilterForm
              action="/forecast"
              fields={[
                {
                  name: "stop",
                  label: "Everybody stops today",
                  value: c.req.query("stop"),
                  options: [
                    ["", "no, all stay"],
                    ["yes", "yes"],
                  ],
                },
                {
                  name: "arrivals",
                  label: `New agreements of ${btsText(largest)}`,
                  value: textIn(c, "arrivals"),
                  options: ["", "1", "3", "10"].map(
                    (one) => [one, one === "" ? "none" : `${one} arrive today`] as const,
                  ),
                },
                {
                  name: "months",
                  label: "Their term",
                  value: months ?? "12",
                  options: TERM_MONTHS.map((one) => [String(one), `${one} months`] as const),
                },
                {
                  name: "rate",
                  label: "Their reward per month, %",
                  value: textIn(c, "rate"),
                  placeholder: `${Number(policy.terms.rewardBps) / 100}`,
                },
                {
                  name: "funds",
                  label: "Reckon with",
                  value: withAll ? "all" : "hot",
                  options: [
                    ["hot", "the hot wallet"],
                    ["all", "all wallets together"],
                  ],
                },
                {
                  name: "closed",
                  label: "The other wallets are closed for",
                  value: textIn(c, "closed"),
                  options: [
                    ["", "no day"],
                    ["7", "7 days"],
                    ["14", "14 days"],
                    ["30", "30 days"],
                  ],
                },
                { name: "balance", label: "Balance instead, BTS", value: textIn(c, "balance") },
                {
                  name: "by",
                  label: "Lines for each",
                  value: by,
                  options: PERIODS.map((one) => [one, one] as const),
                },
              ]}
            />
            <Figure
              title="Money going out, against what is there"
              note={
                found.spendable === undefined ? (
                  "the balance is not known"
                ) : (
                  <>
                    <SharesText amount={found.spendable} /> can be spent now; {btsText(policy.minimumBalance)}{" "}
                    stay in the hot wallet
                  </>
                )
              }
              picture={picture}
              table={
                found.lines.length === 0 ? (
                  <Empty>Nothing falls due.</Empty>
                ) : (
                  <Table caption="Forecast" columns={columnsOf(by)} lines={found.lines} class="lines" />
                )
              }
            />
          </>
        ),
      }),
    );
  });
  return app;
}

const columnsOf = (by: "day" | "month"): readonly ViewColumn<ForecastLine>[] => [
  column.id(by === "day" ? "Day (UTC)" : "Month", ({ period }) => period),
  column.number("Payments", ({ payments }) => payments),
  column.number("BTS", ({ amount }) => amount),
  column.number("In all", ({ total }) => total),
  {
    ...column.shares<ForecastLine>("Short", ({ short }) => (short > 0n ? short : undefined)),
    text: ({ short }) => (short > 0n ? sharesText(short) : ""),
  },
];

const Verdict = ({ found, funds }: { readonly found: ScenarioForecast; readonly funds: string }) => {
  if (found.spendable === undefined)
    return (
      <Banner tone="notice">What is there is not known: no node has answered. Give a balance below.</Banner>
    );
  if (found.shortOn === undefined)
    return (
      <Banner tone="good">
        <strong>
          {funds} can pay everything for the next {numberText(AHEAD_DAYS)} days
        </strong>
      </Banner>
    );
  return (
    <Banner tone="bad">
      <strong>
        {funds} cannot pay everybody from {found.shortOn} on
      </strong>
      At the worst <SharesText amount={found.shortMax} /> are missing. Bring funds before that day.
    </Banner>
  );
};

const whole = (amount: Shares): number => Number(amount / SHARES_PER_BTS);

/** Day by day: what has to be paid in all, and what is there. */
export function cumulative(days: readonly DueDay[], nowMs: number, count: number): readonly number[] {
  const today = nowMs - (nowMs % DAY_MS);
  const byDay = new Map<number, bigint>();
  for (const { dayMs, amount } of days) {
    const day = Math.max(dayMs, today);
    byDay.set(day, (byDay.get(day) ?? 0n) + amount);
  }
  let total = 0n;
  return Array.from({ length: count }, (_, n) => {
    total += byDay.get(today + n * DAY_MS) ?? 0n;
    return Number(total);
  });
}

export const daily = (days: readonly DueDay[], nowMs: number, count: number): readonly number[] => {
  const sums = cumulative(days, nowMs, count);
  return sums.map((sum, n) => sum - (n === 0 ? 0 : (sums[n - 1] ?? 0)));
};

export const dayLabels = (nowMs: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => dayText(nowMs + n * DAY_MS));

function drawForecast(
  { days, spendable }: ScenarioForecast,
  { nowMs, elsewhere, scenario }: { nowMs: number; elsewhere: Shares; scenario: Scenario },
) {
  const there = (n: number): number | undefined =>
    spendable === undefined
      ? undefined
      : whole(shares(spendable + (scenario.closedDays > 0 && n >= scenario.closedDays ? elsewhere : 0n)));
  const owed = cumulative(days, nowMs, AHEAD_DAYS);
  return drawChart({
    description: "What has to be paid in all from today on, day by day for a year, against what is there.",
    labels: dayLabels(nowMs, AHEAD_DAYS),
    series: [
      { name: "BTS to be paid in all", kind: "area", colour: 1, values: owed },
      { name: "BTS there", kind: "line", colour: 2, dashed: true, values: owed.map((_, n) => there(n)) },
    ],
  });
}

import { coverageDays, COVERAGE_DAYS_MAX } from "@stakebts/core/payments/coverage-days";
import type { PaidInMonth } from "@stakebts/core/operators/browse/history";
import { column } from "@stakebts/core/operators/columns";
import { forecastScenario, NOTHING_ASSUMED } from "@stakebts/core/payments/scenario";
import type { DueDay, ForecastLine } from "@stakebts/core/payments/forecast";
import { PAYOUT_KINDS } from "@stakebts/core/rules/payout";
import { bts, SHARES_PER_BTS, type Shares } from "@stakebts/kernel/amount";
import { btsText, dayText } from "@stakebts/kernel/text";
import { DAY_MS, millis, plusMs } from "@stakebts/kernel/time";
import type { ConsoleDeps } from "../../console.ts";
import { AHEAD_DAYS } from "../../sums.ts";
import { drawChart, Figure, type Series } from "../../view/chart.tsx";
import { Empty, Table } from "../../view/table.tsx";
import { daily, dayLabels } from "../forecast.tsx";
import type { Figures } from "./figures.ts";

const whole = (amount: Shares): number => Number(amount / SHARES_PER_BTS);

/** Three pictures: what goes out, what was paid, and for how long the money suffices. */
export async function pictures(figures: Figures, { policy }: Pick<ConsoleDeps, "policy">) {
  const [out, paid, covered] = await Promise.all([
    goingOut(figures, policy),
    paidPerMonth(figures),
    coverageOverTime(figures, policy),
  ]);
  return (
    <>
      {out}
      <div class="pair">
        {paid}
        {covered}
      </div>
    </>
  );
}

async function goingOut({ sums, hotWallet, reserve, asOfMs }: Figures, policy: ConsoleDeps["policy"]) {
  const nowMs = millis(sums.asOfMs);
  const elsewhere = reserve === undefined ? 0n : reserveSum(reserve);
  const { lines, spendable, shortOn } = forecastScenario(
    sums.days,
    {
      by: "month",
      nowMs,
      untilMs: plusMs(nowMs, AHEAD_DAYS * DAY_MS),
      funds: { hotWallet, elsewhere: elsewhere as Shares, minimumBalance: policy.minimumBalance },
      stops: sums.stakes,
      terms: policy.terms,
    },
    NOTHING_ASSUMED,
  );
  const out = daily(sums.days, nowMs, AHEAD_DAYS);
  let left = spendable === undefined ? undefined : whole(spendable);
  const there = out.map((amount) => {
    if (left !== undefined) left -= amount;
    return left === undefined ? undefined : Math.max(0, left);
  });
  const { base, penalty, payouts } = sums.stakes;
  const allStop = bts(base + penalty + payouts);
  const picture = await drawChart({
    description: `Money going out per day for the next 12 months, and what is left of all wallets. ${shortOn === undefined ? "The money suffices." : `It ends on ${shortOn}.`}`,
    labels: dayLabels(asOfMs, AHEAD_DAYS),
    series: [
      { name: "BTS going out that day (left scale)", kind: "steps", colour: 1, values: out },
      { name: "Left in all wallets (right scale)", kind: "line", colour: 2, values: there, axis: "right" },
    ],
  });
  return (
    <Figure
      title="Going out, the next 12 months"
      note={
        <>
          gross {btsText(sums.owed.gross.amount)}; if everybody stopped today: {btsText(allStop)}.{" "}
          <a href="/forecast">Scenarios</a>
        </>
      }
      picture={picture}
      table={
        lines.length === 0 ? (
          <Empty>Nothing is to come.</Empty>
        ) : (
          <Table
            caption="Going out, the next 12 months"
            class="lines"
            columns={[
              column.id<ForecastLine>("Month", ({ period }) => period),
              column.number<ForecastLine>("Payments", ({ payments }) => payments),
              column.number<ForecastLine>("BTS", ({ amount }) => amount),
              column.number<ForecastLine>("In all", ({ total }) => total),
            ]}
            lines={lines}
          />
        )
      }
    />
  );
}

const reserveSum = ({ purses }: NonNullable<Figures["reserve"]>): bigint =>
  purses.reduce((sum, { balance }) => (typeof balance === "bigint" ? sum + balance : sum), 0n);

const KIND_COLOURS: Readonly<Record<string, Series["colour"]>> = {
  reward: 1,
  base: 2,
  stop: 3,
  refund: 4,
  deposit: 5,
};

async function paidPerMonth({ sums: { paid } }: Figures) {
  const months = [...new Set(paid.map(({ month }) => month))].toSorted();
  const kinds = PAYOUT_KINDS.filter((kind) => paid.some((one) => one.kind === kind));
  const of = (month: string, kind: string): PaidInMonth | undefined =>
    paid.find((one) => one.month === month && one.kind === kind);
  const picture =
    months.length === 0 ? (
      <Empty>Nothing was paid in the last 12 months.</Empty>
    ) : (
      await drawChart({
        description: "What was paid per month in the last 12 months, by kind.",
        labels: months,
        series: kinds.map((kind) => ({
          name: kind,
          kind: "bar",
          stack: "paid",
          colour: KIND_COLOURS[kind] ?? 6,
          values: months.map((month) => Number(of(month, kind)?.amount ?? 0n)),
        })),
      })
    );
  return (
    <Figure
      title="Paid per month, BTS"
      note="by the time of the block, UTC"
      picture={picture}
      table={
        <Table
          caption="Paid per month"
          class="lines"
          columns={[
            {
              head: "Month",
              kind: "text",
              cell: ({ month }: PaidInMonth) => <a href={`/payouts?paid=${month}`}>{month}</a>,
            },
            column.text<PaidInMonth>("Kind", ({ kind }) => kind),
            column.number<PaidInMonth>("Payments", ({ count }) => count),
            column.number<PaidInMonth>("BTS", ({ amount }) => amount),
          ]}
          lines={paid}
        />
      }
    />
  );
}

interface CoveredDay {
  readonly day: string;
  readonly all: number;
  readonly hot: number;
}

/** With what was there on a day, how many days of today's debts would it have paid? As the payer reported its balances. */
async function coverageOverTime({ sums, hotWallet, reserve }: Figures, policy: ConsoleDeps["policy"]) {
  const days: readonly DueDay[] = sums.days;
  const nowMs = millis(sums.asOfMs);
  const { minimumBalance } = policy;
  const now =
    hotWallet === undefined
      ? []
      : [
          {
            atMs: sums.asOfMs,
            total: (hotWallet + (reserve === undefined ? 0n : reserveSum(reserve))) as Shares,
            hotWallet,
          },
        ];
  const lines = [...sums.balances.slice(-90), ...now].map(({ atMs, total, hotWallet: hot }) => ({
    day: dayText(atMs),
    all: coverageDays(days, { nowMs, balance: total, minimumBalance }),
    hot: coverageDays(days, { nowMs, balance: hot, minimumBalance }),
  }));
  const picture =
    lines.length === 0 ? (
      <Empty>The payer has reported no balance yet.</Empty>
    ) : (
      await drawChart({
        description: `For how many days the money suffices, as balances were reported, up to ${COVERAGE_DAYS_MAX} days.`,
        labels: lines.map(({ day }) => day),
        series: [
          { name: "All wallets", kind: "area", colour: 2, values: lines.map(({ all }) => all) },
          { name: "Hot wallet", kind: "line", colour: 1, values: lines.map(({ hot }) => hot) },
        ],
      })
    );
  return (
    <Figure
      title="Days covered"
      note={`how many days of what falls due now each reported balance pays; ${COVERAGE_DAYS_MAX} is the most that is looked at`}
      picture={picture}
      table={
        <Table
          caption="Days covered"
          class="lines"
          columns={[
            column.id<CoveredDay>("Day (UTC)", ({ day }) => day),
            column.number<CoveredDay>("All wallets", ({ all }) => all),
            column.number<CoveredDay>("Hot wallet", ({ hot }) => hot),
          ]}
          lines={lines}
        />
      }
    />
  );
}

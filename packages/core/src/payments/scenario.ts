import { type Bts, bts, percentOf, type Shares, shares, toShares } from "@stakebts/kernel/amount";
import { DAY_MS, millis, type Millis, plusMs } from "@stakebts/kernel/time";
import type { AgreementTerms, TermMonths } from "../rules/policy.ts";
import { dayOf, type DueDay, type Forecast, forecast } from "./forecast.ts";

// The forecast under assumptions. One place for the command line and for the console, so that both say the same.

/** What is assumed, beside that everybody stays for the full term. */
export interface Scenario {
  /** Every open agreement is stopped today. */
  readonly everybodyStops: boolean;
  /** So many agreements of this amount arrive today, with the terms below. */
  readonly arrivals: { readonly count: number; readonly amount: Bts; readonly months: TermMonths };
  /** What new agreements get per month, in basis points; `undefined`: as the policy says. */
  readonly rewardBps: bigint | undefined;
  /** For so many days nothing comes from the other wallets. */
  readonly closedDays: number;
}

export const NOTHING_ASSUMED: Scenario = {
  everybodyStops: false,
  arrivals: { count: 0, amount: bts(0n), months: 12 },
  rewardBps: undefined,
  closedDays: 0,
};

export interface Funds {
  /** Of the hot wallet; `undefined` when it is not known, and then nothing is short. */
  readonly hotWallet: Shares | undefined;
  /** In the other wallets, from which top-ups come; 0 to reckon with the hot wallet alone. */
  readonly elsewhere: Shares;
  readonly minimumBalance: Bts;
}

/** What would be owed at once if everybody stopped: base amounts, penalties (less than zero), and payouts that exist. */
export interface StopSum {
  readonly agreements: number;
  readonly base: Bts;
  readonly penalty: Bts;
  readonly payouts: Bts;
}

export interface ScenarioForecast extends Forecast {
  /** What there is on the first day, less what stays in the hot wallet; `undefined` when it is not known. */
  readonly spendable: Shares | undefined;
  /** The most that is missing at the end of any day. */
  readonly shortMax: Shares;
  /** What is spent on each day, as assumed. */
  readonly days: readonly DueDay[];
}

export function forecastScenario(
  days: readonly DueDay[],
  {
    by,
    nowMs,
    untilMs,
    funds,
    stops,
    terms,
  }: {
    readonly by: "day" | "month";
    readonly nowMs: Millis;
    readonly untilMs: Millis;
    readonly funds: Funds;
    readonly stops: StopSum;
    readonly terms: AgreementTerms;
  },
  scenario: Scenario,
): ScenarioForecast {
  const { hotWallet, elsewhere, minimumBalance } = funds;
  const { arrivals, closedDays } = scenario;
  const assumed = [
    ...(scenario.everybodyStops ? stopDays(stops, nowMs) : days),
    ...arrivalDays(scenario, terms, nowMs),
  ].filter(({ dayMs }) => dayMs < untilMs);
  const arriving = toShares(bts(BigInt(arrivals.count) * arrivals.amount));
  const atOnce = closedDays > 0 ? shares(0n) : elsewhere;
  const balance = hotWallet === undefined ? undefined : shares(hotWallet + arriving + atOnce);
  const later =
    closedDays > 0 ? { fromMs: plusMs(dayOf(nowMs), closedDays * DAY_MS), amount: elsewhere } : undefined;
  const found = forecast(assumed, { by, nowMs, balance, minimumBalance, later });
  return {
    ...found,
    spendable: balance === undefined ? undefined : shares(balance - toShares(minimumBalance)),
    shortMax: found.lines.reduce((most, { short }) => (short > most ? short : most), shares(0n)),
    days: assumed,
  };
}

const stopDays = ({ agreements, base, penalty, payouts }: StopSum, nowMs: Millis): readonly DueDay[] => {
  const amount = bts(base + penalty + payouts);
  return amount > 0n ? [{ dayMs: dayOf(nowMs), payments: agreements, amount }] : [];
};

/** Rewards month by month, and the amount at the end, one line per day. */
function arrivalDays(
  { arrivals, rewardBps }: Scenario,
  terms: AgreementTerms,
  nowMs: Millis,
): readonly DueDay[] {
  const { count, amount, months } = arrivals;
  if (count === 0) return [];
  const many = BigInt(count);
  const reward = percentOf(amount, rewardBps ?? terms.rewardBps);
  return Array.from({ length: months }, (_, index) => {
    const isLast = index + 1 === months;
    return {
      dayMs: dayOf(millis(nowMs + (index + 1) * terms.monthMs)),
      payments: count * (isLast ? 2 : 1),
      amount: bts(many * (reward + (isLast ? amount : 0n))),
    };
  });
}

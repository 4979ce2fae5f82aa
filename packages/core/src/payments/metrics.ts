import { type Shares, shares } from "@stakebts/kernel/amount";
import type { Policy } from "../rules/policy.ts";
import { DAY_MS, plusMs } from "@stakebts/kernel/time";
import type { AccountId, BroadcastOutcome, ChainReader } from "@stakebts/bitshares/chain";
import type { LedgerView } from "../ledger/view.ts";
import { COVERAGE_DAYS_MAX, coverageDays } from "./coverage-days.ts";
import type { PayDeps } from "./pay-payouts.ts";
import { btsNumber } from "../runtime/bts-number.ts";
import type { Metrics, Sample } from "../runtime/metrics.ts";
import { watched } from "../runtime/watched.ts";

const FAST = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];
const SLOW = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What falls due is added up over every open debt, so not for every scrape. */
const REPORT_AGE_MS = 60_000;

/** The payer's ports with measurements: how long each step of a payment takes, and how it ended. */
export function measurePayments(
  metrics: Metrics,
): <D extends Pick<PayDeps, "chain" | "ledger" | "signer">>(deps: D) => D {
  const sign = metrics.histogram("stakebts_sign_seconds", "Signing one payment", FAST);
  const save = metrics.histogram("stakebts_save_seconds", "Saving the signed bytes of one payment", SLOW);
  const send = metrics.histogram(
    "stakebts_broadcast_seconds",
    "Sending one payment until a node has answered",
    SLOW,
  );
  const outcomes = metrics.counter("stakebts_broadcasts_total", "Payments sent, by what came of it", [
    "outcome",
  ]);
  for (const outcome of ["accepted", "duplicate", "refused", "unknown"]) outcomes.inc({ outcome }, 0);
  return (deps) => ({
    ...deps,
    signer: watched(deps.signer, { sign: ({ elapsedSeconds }) => sign.observe(elapsedSeconds) }),
    ledger: watched(deps.ledger, {
      withdrawals: { save: ({ elapsedSeconds }) => save.observe(elapsedSeconds) },
    }),
    chain: watched(deps.chain, {
      broadcast: ({ elapsedSeconds, answer }) => {
        send.observe(elapsedSeconds);
        outcomes.inc({ outcome: (answer as BroadcastOutcome | undefined)?.type ?? "error" });
      },
    }),
  });
}

/** Which of the payers leads, and since how many changes of the lead. */
export function measureLead(metrics: Metrics): (epoch: bigint | undefined) => void {
  const leads = metrics.gauge("stakebts_payer_leads", "1 in the payer that pays, 0 in those that stand by");
  const epoch = metrics.gauge(
    "stakebts_payer_epoch",
    "Epoch under which this payer signs, 0 before its first",
  );
  return (writerEpoch) => {
    leads.set(writerEpoch === undefined ? 0 : 1);
    if (writerEpoch !== undefined) epoch.set(Number(writerEpoch)); // Counts changes of the lead: far below 2^53.
  };
}

/** Whether a cause that concerns every payment alike keeps them back. */
export function measurePause(metrics: Metrics): (isPaused: boolean) => void {
  const paused = metrics.gauge(
    "stakebts_payer_paused",
    "1 while a cause that concerns every payment alike keeps this payer from signing",
  );
  paused.set(0);
  return (isPaused) => paused.set(isPaused ? 1 : 0);
}

const MONEY = {
  stakebts_hot_wallet_bts: { help: "BTS in the hot wallet" },
  stakebts_purse_bts: {
    help: "BTS that each source of top-ups could bring, at the last report",
    labels: ["purse"],
  },
  stakebts_treasury_report_time_seconds: { help: "When the last report was written, seconds since 1970" },
  stakebts_coverage_days: {
    help: `Days of what falls due that the money reaches for, at most ${COVERAGE_DAYS_MAX}`,
    labels: ["of"],
  },
} as const;

/**
 * What there is, beside what falls due. The hot wallet is asked for; the other purses are as the last report has them,
 * because exchanges count questions.
 */
export function measureMoney(
  metrics: Metrics,
  {
    chain,
    view,
    custodianId,
    policy,
  }: {
    chain: Pick<ChainReader, "balance">;
    view: Pick<LedgerView, "status" | "receipts" | "dueByDay">;
    custodianId: AccountId;
    policy: Pick<Policy, "minimumBalance">;
  },
): void {
  metrics.source(
    "money",
    MONEY,
    async () => {
      const [hotWallet, { cursor }, reports] = await Promise.all([
        chain.balance(custodianId),
        view.status(),
        view.receipts({ event: "treasury.balances", limit: 1 }),
      ]);
      const [report] = reports.items;
      const purses = pursesOf(report?.details ?? {});
      const all = purses.reduce((sum, { balance }) => shares(sum + balance), hotWallet);
      const nowMs = cursor?.blockTimeMs;
      const days = nowMs === undefined ? [] : await view.dueByDay(plusMs(nowMs, COVERAGE_DAYS_MAX * DAY_MS));
      const coverage = (of: string, balance: Shares): Sample[] =>
        nowMs === undefined
          ? []
          : [
              {
                labels: { of },
                value: coverageDays(days, { nowMs, balance, minimumBalance: policy.minimumBalance }),
              },
            ];
      return {
        stakebts_hot_wallet_bts: btsNumber(hotWallet),
        stakebts_purse_bts: purses.map(({ name, balance }) => ({
          labels: { purse: name },
          value: btsNumber(balance),
        })),
        stakebts_treasury_report_time_seconds: report === undefined ? undefined : report.createdAtMs / 1000,
        stakebts_coverage_days: [...coverage("hot_wallet", hotWallet), ...coverage("all", all)],
      };
    },
    REPORT_AGE_MS,
  );
}

/** `exchange1Shares`, `reserveShares`: the purses of a report, but for the hot wallet and the sum. */
function pursesOf(details: Readonly<Record<string, unknown>>): readonly { name: string; balance: Shares }[] {
  return Object.entries(details).flatMap(([key, value]) => {
    const name = /^(?!hotWallet|total)(\w+)Shares$/u.exec(key)?.[1];
    return name === undefined || typeof value !== "string" || !/^\d+$/u.test(value)
      ? []
      : [{ name, balance: shares(BigInt(value)) }];
  });
}

import { SHARES_PER_BTS } from "@stakebts/kernel/amount";
import type { BalanceState } from "./balance-monitor.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import type { SpendMonitorState } from "./spend-monitor.ts";
import type { Metrics } from "../runtime/metrics.ts";

const WATCH = {
  stakebts_watch_head_block: {
    help: "Newest block that was looked at for spends that the ledger does not know",
  },
  stakebts_watch_final_block: { help: "Newest final block that was" },
  stakebts_unmatched_operations: {
    help: "Spends that the ledger does not know, and may have forgotten: it is on recovery hold, and reads on",
  },
} as const;
const BALANCE = {
  stakebts_balance_difference_bts: {
    help: "BTS that the custodian holds more than the watcher can account for; less than zero: so many are missing",
  },
} as const;
const ALERTS = [
  "spend.unexplained",
  "settlement.unexplained",
  "incoming.differs",
  "agreements.imported",
  "authority.changed",
];

/** Measures how far a watcher has read and what it found. The function that it returns counts an alert. */
export function measureSpendMonitor(
  metrics: Metrics,
  state: () => SpendMonitorState,
): (alert: Pick<NewReceipt, "event">) => void {
  metrics.source(
    "watch",
    WATCH,
    async () => {
      const { headBlockNum, finalBlockNum, candidates } = state();
      return {
        stakebts_watch_head_block: headBlockNum,
        stakebts_watch_final_block: finalBlockNum,
        stakebts_unmatched_operations: candidates,
      };
    },
    0,
  );
  const alerts = metrics.counter("stakebts_spend_alerts_total", "Alerts of the watcher", ["event"]);
  // There from the beginning: Prometheus does not see the first step of a counter that appears with it.
  for (const event of ALERTS) alerts.inc({ event }, 0);
  // The others leave payments on.
  return ({ event }) => {
    if (ALERTS.includes(event)) alerts.inc({ event });
  };
}

/** What the watcher's comparison of the balance has found. */
export function measureBalance(metrics: Metrics, state: () => BalanceState): void {
  metrics.source(
    "balance",
    BALANCE,
    async () => {
      const { difference, agreesAtBlockNum } = state();
      return {
        // Nothing is known before the first comparison.
        stakebts_balance_difference_bts:
          agreesAtBlockNum === undefined ? undefined : Number(difference) / Number(SHARES_PER_BTS),
      };
    },
    0,
  );
}

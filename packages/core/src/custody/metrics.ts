import type { NewReceipt } from "../ledger/ledger.ts";
import type { CustodyWatchState } from "./spend-monitor.ts";
import type { Metrics } from "../runtime/metrics.ts";

const WATCH = {
  stakebts_watch_head_block: {
    help: "Newest block that was looked at for spends that the ledger does not know",
  },
  stakebts_watch_final_block: { help: "Newest final block that was" },
  stakebts_watch_suspects: {
    help: "Spends that the ledger does not know, and may have forgotten: it is fenced, and reads on",
  },
} as const;
const ALARMS = ["custody.tripped", "custody.changed"];

/** How far a watcher has looked, and what it found. Returns what is to be told of alarms. */
export function measureCustody(
  metrics: Metrics,
  state: () => CustodyWatchState,
): (alarm: Pick<NewReceipt, "event">) => void {
  metrics.source(
    "watch",
    WATCH,
    async () => {
      const { headBlockNum, finalBlockNum, suspects } = state();
      return {
        stakebts_watch_head_block: headBlockNum,
        stakebts_watch_final_block: finalBlockNum,
        stakebts_watch_suspects: suspects,
      };
    },
    0,
  );
  const alarms = metrics.counter("stakebts_custody_alarms_total", "Alarms of the watcher", ["event"]);
  // There from the beginning: Prometheus does not see the first step of a counter that appears with it.
  for (const event of ALARMS) alarms.inc({ event }, 0);
  return ({ event }) => alarms.inc({ event });
}

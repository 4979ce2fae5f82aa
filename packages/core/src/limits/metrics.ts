import { FREEZE_SOURCES, type Freeze, stopsAccepting, stopsPaying } from "../rules/freeze.ts";
import type { Metrics } from "../runtime/metrics.ts";

const LOCAL_SOURCES = FREEZE_SOURCES.filter((source) => source === "environment" || source === "file");

/** What is frozen in this process alone; every process tells it of itself. */
export function measureFreeze(metrics: Metrics): (freezes: readonly Freeze[]) => void {
  const frozen = metrics.gauge(
    "stakebts_frozen_here",
    "1 when this process finds it frozen in its environment or its file",
    ["source", "what"],
  );
  return (freezes) => {
    for (const source of LOCAL_SOURCES) {
      const levels = freezes.filter((freeze) => freeze.source === source).map(({ level }) => level);
      frozen.set({ source, what: "payments" }, levels.some(stopsPaying) ? 1 : 0);
      frozen.set({ source, what: "nominations" }, levels.some(stopsAccepting) ? 1 : 0);
    }
  };
}

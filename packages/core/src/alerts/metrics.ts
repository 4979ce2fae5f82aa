import type { HostClock } from "@stakebts/kernel/clock";
import type { NotificationStore } from "./notification.ts";
import { LIVENESS_PROBLEMS, type LivenessPingDeps } from "./liveness.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Whether the dead man's switch is told that all is well, and why not. */
export function measureLiveness(metrics: Metrics): LivenessPingDeps["onPing"] {
  const silent = metrics.gauge(
    "stakebts_liveness_withheld",
    "1 for the reason that the liveness ping is silent",
    ["reason"],
  );
  const pings = metrics.counter(
    "stakebts_liveness_pings_total",
    "Liveness pings sent, by whether they were answered",
    ["outcome"],
  );
  // Counters that are there from the beginning: Prometheus does not see the first step of one that appears with it.
  for (const outcome of ["heard", "not_heard"]) pings.inc({ outcome }, 0);
  return (silence, pinged) => {
    for (const reason of LIVENESS_PROBLEMS) silent.set({ reason }, reason === silence ? 1 : 0);
    if (pinged !== undefined) pings.inc({ outcome: pinged.ok ? "heard" : "not_heard" });
  };
}

const NOTIFICATIONS = {
  stakebts_notifications_waiting: { help: "Messages that have not been sent yet" },
  stakebts_notification_oldest_waiting_seconds: { help: "For how long the oldest of them has waited" },
  stakebts_notifications_given_up: { help: "Messages of the last two days that could not be sent in a day" },
} as const;

/** Whether people are told of what asks for them. */
export function measureNotifications(
  metrics: Metrics,
  { store, clock }: { store: Pick<NotificationStore, "backlog">; clock: Pick<HostClock, "nowMs"> },
): void {
  metrics.source("notifications", NOTIFICATIONS, async () => {
    const nowMs = clock.nowMs();
    const { waiting, oldestWaitingMs, givenUp } = await store.backlog(nowMs);
    return {
      stakebts_notifications_waiting: waiting,
      stakebts_notification_oldest_waiting_seconds:
        oldestWaitingMs === undefined ? 0 : Math.max(0, nowMs - oldestWaitingMs) / 1000,
      stakebts_notifications_given_up: givenUp,
    };
  });
}

import { ask } from "@stakebts/core/alerts/http-request";
import { createChannels } from "@stakebts/core/alerts/channels";
import { createNotificationStore } from "@stakebts/core/alerts/postgres-notifications";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { measureLiveness, measureNotifications } from "@stakebts/core/alerts/metrics";
import type { Observation } from "@stakebts/core/runtime/observation";
import { repeat } from "@stakebts/core/runtime/loop";
import type { LedgerView } from "@stakebts/core/ledger/view";
import type { Log } from "@stakebts/kernel/log";
import { LivenessPing } from "@stakebts/core/alerts/liveness";
import { sendNotifications } from "@stakebts/core/alerts/send-notifications";
import type { SchedulerConfig } from "./config.ts";

/** What is told is told this soon; a message more or less a minute is what the window of a kind allows. */
const TELL_EVERY_MS = 5_000;
const PING_EVERY_MS = 60_000;

/** Tells people of what asks for them, and a dead man's switch that payments get on, until the signal. */
export async function watch(
  { config, log, metrics, progress }: { config: SchedulerConfig; log: Log } & Omit<Observation, "readiness">,
  view: LedgerView,
  signal: AbortSignal,
): Promise<void> {
  const store = createNotificationStore({ url: config.DATABASE_URL });
  const channels = createChannels(config, hostClock);
  const { STAKEBTS_LIVENESS_URL: url, STAKEBTS_NOTIFY_NAME: installation } = config;
  measureNotifications(metrics, { store, clock: hostClock });
  const livenessPing = new LivenessPing({
    view,
    clock: hostClock,
    log,
    ping: url === undefined ? undefined : () => ask({ method: "GET", url }),
    onPing: measureLiveness(metrics),
    chainKeepsTime: config.STAKEBTS_CLOCK_RATE === 1,
    overdueMsMax: config.STAKEBTS_LIVENESS_OVERDUE_MS,
  });
  const loop = { clock: hostClock, log, progress };
  await Promise.all([
    repeat({ ...loop, name: "tell people" }, signal, async () => {
      await sendNotifications({ store, channels, clock: hostClock, log, installation });
      return TELL_EVERY_MS;
    }),
    repeat({ ...loop, name: "heartbeat" }, signal, async () => {
      await livenessPing.beat();
      return PING_EVERY_MS;
    }),
  ]);
  await store.close();
}

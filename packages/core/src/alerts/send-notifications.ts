import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { NotificationChannel } from "./channels.ts";
import type { NotificationStore, TakenNotification } from "./notification.ts";
import { NEEDS_ATTENTION } from "../ledger/log-receipt.ts";
import { planMessages, REPEAT_MS } from "./plan-messages.ts";

export interface NotificationDeps {
  readonly store: NotificationStore;
  readonly channels: readonly NotificationChannel[];
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** What this installation is called in messages. */
  readonly installation: string;
}

/** What happened a day ago is no news: a dead man's switch has told of a scheduler that was away for so long. */
const TELL_MS_MAX = 86_400_000;
const ALERTS_PER_STEP = 1_000;
const MESSAGES_PER_STEP = 10;
/** Longer than a channel may take. A sender that died has its messages taken by the next one after this. */
const LEASE_MS = 60_000;
const AGAIN_MS = 5_000;
const AGAIN_MS_MAX = 600_000;

/**
 * Tells people of what asks for them: writes down what is to be told, then sends what is due. May be called any number of
 * times, by several processes. A message arrives at least once; twice only when its sender died before it could say so.
 */
export async function sendNotifications(deps: NotificationDeps): Promise<void> {
  const { store, channels, clock, log, installation } = deps;
  if (channels.length === 0) return;
  const names = channels.map(({ name }) => name);
  const nowMs = clock.nowMs();
  const written = await store.gather(
    {
      events: [...NEEDS_ATTENTION],
      channels: names,
      nowMs,
      tellSinceMs: nowMs - TELL_MS_MAX,
      toldSinceMs: nowMs - REPEAT_MS,
      limitPerEvent: ALERTS_PER_STEP,
    },
    (alerts, lately) => planMessages(alerts, lately, { nowMs, installation }),
  );
  for (const { id, event, count } of written)
    log.info("notification.written", { messageId: id, about: event, count });
  const taken = await store.take({ channels: names, nowMs, leaseMs: LEASE_MS, limit: MESSAGES_PER_STEP });
  // Side by side: a channel that is slow to answer keeps no other waiting.
  await Promise.all(
    taken.flatMap((notification) =>
      channels
        .filter(({ name }) => name === notification.channel)
        .map((channel) => send(deps, channel, notification)),
    ),
  );
}

async function send(
  { store, clock, log }: NotificationDeps,
  channel: NotificationChannel,
  { id, message, attempts, createdAtMs }: TakenNotification,
): Promise<void> {
  const outcome = await channel.send(message);
  const nowMs = clock.nowMs();
  const ids = { notificationId: id, messageId: message.id, channel: channel.name, about: message.event };
  if (outcome.ok) {
    await store.sent(id, nowMs);
    log.info("notification.sent", { ...ids, attempts });
    return;
  }
  const { problem } = outcome;
  if (nowMs - createdAtMs >= TELL_MS_MAX) {
    await store.failed(id, { problem, againAtMs: undefined });
    log.error("notification.given_up", {
      ...ids,
      attempts,
      problem,
      todo: "`stakebts notify test` tries each channel",
    });
    return;
  }
  const waitMs = Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** Math.min(attempts - 1, 20));
  await store.failed(id, { problem, againAtMs: nowMs + waitMs });
  log.warn("notification.not_sent", { ...ids, attempts, problem, waitMs });
}

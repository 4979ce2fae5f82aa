import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { alertMessageId } from "../ledger/ids.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import type { Message } from "./channel.ts";
import type { NotificationChannel } from "./channels.ts";
import type { NotificationStore, TakenNotification } from "./notification.ts";
import { NEEDS_ATTENTION } from "../ledger/log-receipt.ts";
import { messageAbout, planMessages, REPEAT_MS } from "./message.ts";

export interface NotificationDeps {
  readonly store: NotificationStore;
  readonly channels: readonly NotificationChannel[];
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** What this installation is called in messages. */
  readonly installation: string;
}

/** What happened a day ago is not told any more: the dead man's switch has told of a scheduler that was away for so long. */
const TELL_MS_MAX = 86_400_000;
const ALERTS_PER_STEP = 1_000;
const MESSAGES_PER_STEP = 10;
/** Longer than a channel may take. A sender that died has its messages taken by the next one after this. */
const LEASE_MS = 60_000;
const AGAIN_MS = 5_000;
const AGAIN_MS_MAX = 600_000;

/**
 * Notifies people of what needs them: writes down what is to be told, then sends what is due. May be called any number of
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

interface DirectAlertsDeps {
  readonly channels: readonly NotificationChannel[];
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** What this installation is called in messages. */
  readonly installation: string;
}

const WAITING_MAX = 1_000;

/**
 * Tells people of an alert without asking the database, which may be what is wrong. What could not be told is kept in
 * memory and tried again. The scheduler tells of the receipt as well, which is intended: twice is better than never.
 */
export class DirectAlerts {
  readonly #deps: DirectAlertsDeps;
  #waiting: { readonly channel: NotificationChannel; readonly message: Message; readonly sinceMs: number }[] =
    [];

  constructor(deps: DirectAlertsDeps) {
    this.#deps = deps;
  }

  job({ event, subject, chainTimeMs, details }: NewReceipt): void {
    const { channels, clock, installation } = this.#deps;
    const message = messageAbout([{ receiptId: 0n, event, subject, chainTimeMs, details }], {
      id: alertMessageId(event, subject),
      installation,
    });
    for (const channel of channels) this.#waiting.push({ channel, message, sinceMs: clock.nowMs() });
    this.#waiting = this.#waiting.slice(-WAITING_MAX);
  }

  /** Sends what waits. Never throws for what a channel says. */
  async tell(): Promise<void> {
    const { clock, log } = this.#deps;
    const told = await Promise.all(
      this.#waiting.map(async (one) => {
        const outcome = await one.channel.send(one.message);
        const ids = { messageId: one.message.id, channel: one.channel.name, about: one.message.event };
        if (outcome.ok) log.info("notification.sent", ids);
        else log.warn("notification.not_sent", { ...ids, problem: outcome.problem });
        return outcome.ok ? one : undefined;
      }),
    );
    this.#waiting = this.#waiting.filter(
      (one) => !told.includes(one) && clock.nowMs() - one.sinceMs < TELL_MS_MAX,
    );
  }
}

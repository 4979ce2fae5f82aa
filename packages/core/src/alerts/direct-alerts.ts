import type { HostClock } from "@stakebts/kernel/clock";
import type { NewReceipt } from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import type { Message } from "./channel.ts";
import type { NotificationChannel } from "./channels.ts";
import { alertMessageId } from "../ledger/ids.ts";
import { messageAbout } from "./message.ts";

interface DirectAlertsDeps {
  readonly channels: readonly NotificationChannel[];
  readonly clock: Pick<HostClock, "nowMs">;
  readonly log: Log;
  /** What this installation is called in messages. */
  readonly installation: string;
}

/** As long as notifications through the ledger are tried. */
const TELL_MS_MAX = 86_400_000;
const WAITING_MAX = 1_000;

/**
 * Tells people of an alert without asking the database, which may be what is wrong. What could not be told is kept in
 * memory and tried again. That the scheduler tells of the receipt as well is intended: once too often is better than never.
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

import { messageId } from "../ledger/ids.ts";
import type { Message } from "./channel.ts";
import type { Alert, NotificationPlan, RecentNotification } from "./notification.ts";
import { alertName, alertNameOf } from "./alert-name.ts";
import { messageAbout } from "./message.ts";

/** One message about an event, and what else happens of its kind within this time goes into the next one. */
export const WINDOW_MS = 60_000;
/** The same alert is told again after this time, if it still jobs. */
export const REPEAT_MS = 6 * 3_600_000;

/**
 * Pure: which messages to send about these alerts. The first of a kind is told at once, because somebody may have to hurry;
 * a hundred more of it are one message a minute later. What was told a short time before is passed over.
 */
export function planMessages(
  alerts: readonly Alert[],
  { lastMessageMs, told }: RecentNotification,
  { nowMs, installation }: { nowMs: number; installation: string },
): NotificationPlan {
  const messages: Message[] = [];
  const dealtWith: NotificationPlan["dealtWith"][number][] = [];
  for (const event of new Set(alerts.map((alert) => alert.event))) {
    const sinceMs = nowMs - (lastMessageMs.get(event) ?? -Infinity);
    // A clock that was set back is not waited for.
    const mayTell = sinceMs >= WINDOW_MS || sinceMs < 0;
    const news = new Map<string, Alert>();
    const old: Alert[] = [];
    for (const alert of alerts) {
      if (alert.event !== event) continue;
      const name = alertName(alertNameOf(alert));
      if (told.has(name) || news.has(name)) old.push(alert);
      else news.set(name, alert);
    }
    const fresh = [...news.values()];
    const [first] = fresh;
    if (first !== undefined && !mayTell) continue;
    const dealWith = (alert: Alert, inMessage: string | undefined) =>
      dealtWith.push({ ...alertNameOf(alert), receiptId: alert.receiptId, messageId: inMessage });
    for (const alert of old) dealWith(alert, undefined);
    if (first === undefined) continue;
    const id = messageId(event, first.receiptId);
    messages.push(messageAbout(fresh, { id, installation }));
    for (const alert of fresh) dealWith(alert, id);
  }
  return { messages, dealtWith };
}

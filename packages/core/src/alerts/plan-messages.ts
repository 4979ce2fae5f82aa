import { messageId } from "../ledger/ids.ts";
import type { Alarm, Message, TellingPlan, ToldLately } from "./notification.ts";
import { alarmName, alarmNameOf } from "./alert-name.ts";
import { messageAbout } from "./message.ts";

/** One message about an event, and what else happens of its kind within this time goes into the next one. */
export const WINDOW_MS = 60_000;
/** The same alarm is told again after this time, if it still rings. */
export const REPEAT_MS = 6 * 3_600_000;

/**
 * Pure: which messages to send about these alarms. The first of a kind is told at once, because somebody may have to hurry;
 * a hundred more of it are one message a minute later. What was told a short time before is passed over.
 */
export function planMessages(
  alarms: readonly Alarm[],
  { lastMessageMs, told }: ToldLately,
  { nowMs, installation }: { nowMs: number; installation: string },
): TellingPlan {
  const messages: Message[] = [];
  const dealtWith: TellingPlan["dealtWith"][number][] = [];
  for (const event of new Set(alarms.map((alarm) => alarm.event))) {
    const sinceMs = nowMs - (lastMessageMs.get(event) ?? -Infinity);
    // A clock that was set back is not waited for.
    const mayTell = sinceMs >= WINDOW_MS || sinceMs < 0;
    const news = new Map<string, Alarm>();
    const old: Alarm[] = [];
    for (const alarm of alarms) {
      if (alarm.event !== event) continue;
      const name = alarmName(alarmNameOf(alarm));
      if (told.has(name) || news.has(name)) old.push(alarm);
      else news.set(name, alarm);
    }
    const fresh = [...news.values()];
    const [first] = fresh;
    if (first !== undefined && !mayTell) continue;
    const dealWith = (alarm: Alarm, inMessage: string | undefined) =>
      dealtWith.push({ ...alarmNameOf(alarm), receiptId: alarm.receiptId, messageId: inMessage });
    for (const alarm of old) dealWith(alarm, undefined);
    if (first === undefined) continue;
    const id = messageId(event, first.receiptId);
    messages.push(messageAbout(fresh, { id, installation }));
    for (const alarm of fresh) dealWith(alarm, id);
  }
  return { messages, dealtWith };
}

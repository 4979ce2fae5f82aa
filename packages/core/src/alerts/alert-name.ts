import { createHash } from "node:crypto";
import type { Alarm, AlarmName } from "./notification.ts";

/** What an alarm is about and what it says. An alarm that says something else about the same is another one. */
export function alarmNameOf({ event, subject, details }: Alarm): AlarmName {
  const sorted = Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { event, subject, digest: createHash("sha256").update(JSON.stringify(sorted)).digest("hex") };
}

/** As one text, to look up. */
export const alarmName = ({ event, subject, digest }: AlarmName): string => `${event}\n${subject}\n${digest}`;

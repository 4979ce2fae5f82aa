import { createHash } from "node:crypto";
import type { Alert, AlertName } from "./notification.ts";

/** What an alert is about and what it says. An alert that says something else about the same is another one. */
export function alertNameOf({ event, subject, details }: Alert): AlertName {
  const sorted = Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { event, subject, digest: createHash("sha256").update(JSON.stringify(sorted)).digest("hex") };
}

/** As one text, to look up. */
export const alertName = ({ event, subject, digest }: AlertName): string => `${event}\n${subject}\n${digest}`;

import { createHash } from "node:crypto";
import { assert } from "@stakebts/kernel/assert";
import { messageId } from "../ledger/ids.ts";
import type { Message, MessageItem } from "./channel.ts";
import type { Alert, AlertName, NotificationPlan, RecentNotification } from "./notification.ts";

/** What an alert is about and what it says. An alert that says something else about the same is another one. */
export function alertNameOf({ event, subject, details }: Alert): AlertName {
  const sorted = Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { event, subject, digest: createHash("sha256").update(JSON.stringify(sorted)).digest("hex") };
}

/** As one text, to look up. */
export const alertName = ({ event, subject, digest }: AlertName): string => `${event}\n${subject}\n${digest}`;

/** More than these are counted and not listed: messages are read on a telephone. */
const ITEMS_MAX = 5;
/** Reasons may hold what a node or a stranger said. */
const TEXT_MAX = 300;

/** One message about alerts of one kind. */
export function messageAbout(
  alerts: readonly Alert[],
  { id, installation }: { id: string; installation: string },
): Message {
  const [first] = alerts;
  assert(first !== undefined, "a message is about something");
  const { event } = first;
  const items = alerts.slice(0, ITEMS_MAX).map(itemOf);
  const times = alerts.length === 1 ? "" : ` (${alerts.length} times)`;
  const lines = items.flatMap(({ subject, reason, todo }) => [
    `- ${subject}${reason === undefined ? "" : `: ${reason}`}`,
    ...(todo === undefined ? [] : [`  to do: ${todo}`]),
  ]);
  const more = alerts.length - items.length;
  return {
    id,
    event,
    count: alerts.length,
    title: `${installation}: ${event}${times}`,
    text: [
      ...lines,
      ...(more > 0 ? [`- and ${more} more`] : []),
      `docs/runbook.md has a row on ${event}; \`stakebts receipts --event ${event}\` lists them.`,
    ].join("\n"),
    items,
  };
}

/** What is sent to see whether it arrives. */
export const testMessage = ({ id, installation }: { id: string; installation: string }): Message => ({
  id,
  event: "notification.test",
  count: 1,
  title: `${installation}: notification.test`,
  text: "This is a test of whether messages arrive. Nothing has happened.",
  items: [],
});

/** These fields and no others: what is not known cannot be vouched for. */
function itemOf({ subject, chainTimeMs, details }: Alert): MessageItem {
  const [reason, todo] = [textOf(details["reason"] ?? details["message"]), textOf(details["todo"])];
  return {
    subject: textOf(subject) ?? "",
    ...(chainTimeMs === undefined ? {} : { chainTimeMs }),
    ...(reason === undefined ? {} : { reason }),
    ...(todo === undefined ? {} : { todo }),
  };
}

/** Without line breaks or anything else that moves a cursor. */
const textOf = (value: unknown): string | undefined =>
  typeof value !== "string" || value === ""
    ? undefined
    : value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").slice(0, TEXT_MAX);

/** One message about an event, and what else happens of its kind within this time goes into the next one. */
export const WINDOW_MS = 60_000;
/** The same alert is told again after this time, if it still lasts. */
export const REPEAT_MS = 6 * 3_600_000;

/**
 * Pure: which messages to send about these alerts. The first of a kind is told at once, because it may be urgent;
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

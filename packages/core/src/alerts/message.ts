import { assert } from "@stakebts/kernel/assert";
import type { Message, MessageItem } from "./channel.ts";
import type { Alert } from "./notification.ts";

/** More than these are counted, not listed: somebody reads this on a telephone. */
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
      `docs/runbook.md has a paragraph on ${event}; \`stakebts receipts --event ${event}\` lists them.`,
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
  text: "This is a test. Somebody wanted to know whether this message arrives; nothing has happened.",
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

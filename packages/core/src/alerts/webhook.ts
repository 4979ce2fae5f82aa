import { createHmac } from "node:crypto";
import type { HostClock } from "@stakebts/kernel/clock";
import type { NotificationChannel } from "./notification.ts";
import { ask } from "./http-request.ts";

/**
 * Signature of a webhook after the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. Receivers check
 * it with a library of theirs, refuse what is older than some minutes, and drop an id that they have had.
 * @param secret `whsec_` and base64
 */
export function webhookHeaders(
  secret: string,
  { id, timestampSeconds, body }: { id: string; timestampSeconds: number; body: string },
): Readonly<Record<string, string>> {
  const key = Buffer.from(secret.replace(/^whsec_/u, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestampSeconds}.${body}`).digest("base64");
  return {
    "webhook-id": id,
    "webhook-timestamp": `${timestampSeconds}`,
    "webhook-signature": `v1,${signature}`,
  };
}

/** The message as JSON, signed, to an address of the operator's own. */
export const createWebhook = ({
  url,
  secret,
  clock,
}: {
  url: string;
  secret: string;
  clock: Pick<HostClock, "nowMs">;
}): NotificationChannel => ({
  name: "webhook",
  send: (message) => {
    const { id, event, count, title, text, items } = message;
    const timestampSeconds = Math.floor(clock.nowMs() / 1000);
    const body = JSON.stringify({
      type: event,
      timestamp: new Date(timestampSeconds * 1000).toISOString(),
      data: { count, title, text, items },
    });
    return ask({
      method: "POST",
      url,
      body,
      headers: webhookHeaders(secret, { id, timestampSeconds, body }),
    });
  },
});

import { createHmac } from "node:crypto";
import * as z from "zod";
import { defineChannel } from "../channel.ts";
import { ask } from "../http-request.ts";

/** The message as JSON, signed, to an address of the operator's own. */
export const WEBHOOK = defineChannel({
  name: "webhook",
  settings: {
    STAKEBTS_NOTIFY_WEBHOOK_URL: {
      schema: z
        .string()
        .regex(/^https?:\/\/\S+$/u, "expected an address such as https://example.org/hooks/stakebts"),
      secret: true,
      sentence: "An address of yours that takes signed JSON ([monitoring.md](monitoring.md#notifications))",
      example: "https://example.org/hooks/stakebts",
    },
    STAKEBTS_NOTIFY_WEBHOOK_SECRET: {
      schema: z
        .string()
        .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/u, "expected whsec_ and base64 of 24 to 64 random bytes"),
      secret: true,
      sentence: "What the webhook is signed with: `whsec_` and base64 of 24 to 64 random bytes",
      example: "whsec_…",
    },
  },
  open: ({ STAKEBTS_NOTIFY_WEBHOOK_URL: url, STAKEBTS_NOTIFY_WEBHOOK_SECRET: secret }, clock) => {
    return (message) => {
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
    };
  },
});

/**
 * Signature of a webhook after the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. Receivers check
 * it with a library of theirs, refuse what is older than some minutes, and drop an id that they have had.
 * @param secret `whsec_` and base64
 */
function webhookHeaders(
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

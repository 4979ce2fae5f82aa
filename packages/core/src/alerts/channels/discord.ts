import * as z from "zod";
import { chatText } from "../chat-text.ts";
import { defineChannel } from "../channel.ts";
import { ask } from "../http-request.ts";

export const DISCORD = defineChannel({
  name: "discord",
  settings: {
    STAKEBTS_NOTIFY_DISCORD_URL: {
      schema: z
        .string()
        .regex(/^https?:\/\/\S+$/u, "expected an address such as https://discord.com/api/webhooks/…"),
      secret: true,
      sentence: "A webhook of a channel of Discord",
      example: "https://discord.com/api/webhooks/…",
    },
  },
  open:
    ({ STAKEBTS_NOTIFY_DISCORD_URL: url }) =>
    (message) =>
      ask({
        method: "POST",
        url,
        // A message may quote what another person wrote: a name in it must not notify a member.
        body: JSON.stringify({ content: chatText(message), allowed_mentions: { parse: [] } }),
      }),
});

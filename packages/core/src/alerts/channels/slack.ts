import * as z from "zod";
import { chatText } from "../chat-text.ts";
import { defineChannel } from "../channel.ts";
import { ask } from "../http-request.ts";

export const SLACK = defineChannel({
  name: "slack",
  settings: {
    STAKEBTS_NOTIFY_SLACK_URL: {
      schema: z
        .string()
        .regex(/^https?:\/\/\S+$/u, "expected an address such as https://hooks.slack.com/services/…"),
      secret: true,
      sentence: "An incoming webhook of Slack; Mattermost and Rocket.Chat take the same",
      example: "https://hooks.slack.com/services/…",
    },
  },
  open:
    ({ STAKEBTS_NOTIFY_SLACK_URL: url }) =>
    (message) =>
      // Of Slack's own marks only these three mean something in plain text; `<!channel>` would wake everybody.
      ask({
        method: "POST",
        url,
        body: JSON.stringify({
          text: chatText(message).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
        }),
      }),
});

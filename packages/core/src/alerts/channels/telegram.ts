import * as z from "zod";
import { chatText } from "../chat-text.ts";
import { defineChannel, type Send } from "../channel.ts";
import { ask } from "../http-request.ts";

export const TELEGRAM = defineChannel({
  name: "telegram",
  settings: {
    STAKEBTS_NOTIFY_TELEGRAM_TOKEN: {
      schema: z.string().regex(/^\d+:[\w-]{20,}$/u, "expected the token of a bot, as BotFather gave it"),
      secret: true,
      sentence: "The token of a bot of Telegram, as BotFather gave it",
      example: "123456:…",
    },
    STAKEBTS_NOTIFY_TELEGRAM_CHAT: {
      schema: z
        .string()
        .regex(/^(?:-?\d{1,20}|@\w{1,64})$/u, "expected the id of a chat, or @name of a channel"),
      secret: false,
      sentence: "The id of a chat that the bot is in, or `@name` of a channel",
      example: "-1001234567890",
    },
  },
  open: ({ STAKEBTS_NOTIFY_TELEGRAM_TOKEN: token, STAKEBTS_NOTIFY_TELEGRAM_CHAT: chat }) =>
    sendByTelegram({ token, chat, api: "https://api.telegram.org" }),
});

/** @param api where Telegram answers; another one in tests */
export const sendByTelegram =
  ({ token, chat, api }: { token: string; chat: string; api: string }): Send =>
  (message) =>
    ask(
      {
        method: "POST",
        url: `${api}/bot${token}/sendMessage`,
        // Without parse_mode it is plain text.
        body: JSON.stringify({
          chat_id: chat,
          text: chatText(message),
          link_preview_options: { is_disabled: true },
        }),
      },
      (body) => {
        const said = (body as { description?: unknown } | null)?.description;
        return typeof said === "string" ? said.replaceAll(token, "(hidden)").slice(0, 100) : undefined;
      },
    );

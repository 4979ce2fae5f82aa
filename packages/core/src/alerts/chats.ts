import type { Message, NotificationChannel } from "./notification.ts";
import { ask } from "./http-request.ts";

// Chats by one POST each. The libraries there are bring a bot's framework, a second HTTP client and retries of their own
// for these few lines; retries are the outbox's, and it must not be found out twice which errors hold the address.

/** The shortest limit of the three is Discord's, 2000 characters. */
const TEXT_MAX = 1_900;

const textOf = ({ title, text }: Message): string => `${title}\n${text}`.slice(0, TEXT_MAX);

/** @param url an incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat */
export const createSlack = ({ url }: { url: string }): NotificationChannel => ({
  name: "slack",
  send: (message) =>
    // Of Slack's own marks only these three mean something in plain text; `<!channel>` would wake everybody.
    ask({
      method: "POST",
      url,
      body: JSON.stringify({
        text: textOf(message).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
      }),
    }),
});

/** @param url a webhook of one channel */
export const createDiscord = ({ url }: { url: string }): NotificationChannel => ({
  name: "discord",
  send: (message) =>
    ask({
      method: "POST",
      url,
      // What a stranger wrote calls nobody.
      body: JSON.stringify({ content: textOf(message), allowed_mentions: { parse: [] } }),
    }),
});

/** @param chat id of a chat that the bot is in, or `@name` of a channel */
export const createTelegram = ({
  token,
  chat,
  api = "https://api.telegram.org",
}: {
  token: string;
  chat: string;
  api?: string;
}): NotificationChannel => ({
  name: "telegram",
  send: (message) =>
    ask(
      {
        method: "POST",
        url: `${api}/bot${token}/sendMessage`,
        // Without parse_mode it is plain text.
        body: JSON.stringify({
          chat_id: chat,
          text: textOf(message),
          link_preview_options: { is_disabled: true },
        }),
      },
      (body) => {
        const said = (body as { description?: unknown } | null)?.description;
        return typeof said === "string" ? said.replaceAll(token, "(hidden)").slice(0, 100) : undefined;
      },
    ),
});

import type { HostClock } from "@stakebts/kernel/clock";
import type { NotificationChannel } from "./notification.ts";
import { createDiscord, createSlack, createTelegram } from "./chats.ts";
import { createEmail } from "./email.ts";
import { createWebhook } from "./webhook.ts";

/** As `notifySettings` of the configuration reads them; each group is there as a whole or not at all. */
export interface ChannelConfig {
  readonly STAKEBTS_NOTIFY_WEBHOOK_URL?: string | undefined;
  readonly STAKEBTS_NOTIFY_WEBHOOK_SECRET?: string | undefined;
  readonly STAKEBTS_NOTIFY_SMTP_URL?: string | undefined;
  readonly STAKEBTS_NOTIFY_SMTP_FROM?: string | undefined;
  readonly STAKEBTS_NOTIFY_SMTP_TO?: string | undefined;
  readonly STAKEBTS_NOTIFY_TELEGRAM_TOKEN?: string | undefined;
  readonly STAKEBTS_NOTIFY_TELEGRAM_CHAT?: string | undefined;
  readonly STAKEBTS_NOTIFY_DISCORD_URL?: string | undefined;
  readonly STAKEBTS_NOTIFY_SLACK_URL?: string | undefined;
}

/** The channels that are configured. */
export function createChannels(
  config: ChannelConfig,
  clock: Pick<HostClock, "nowMs">,
): readonly NotificationChannel[] {
  const {
    STAKEBTS_NOTIFY_WEBHOOK_URL: webhook,
    STAKEBTS_NOTIFY_WEBHOOK_SECRET: secret,
    STAKEBTS_NOTIFY_SMTP_URL: smtp,
    STAKEBTS_NOTIFY_SMTP_FROM: from,
    STAKEBTS_NOTIFY_SMTP_TO: to,
    STAKEBTS_NOTIFY_TELEGRAM_TOKEN: token,
    STAKEBTS_NOTIFY_TELEGRAM_CHAT: chat,
    STAKEBTS_NOTIFY_DISCORD_URL: discord,
    STAKEBTS_NOTIFY_SLACK_URL: slack,
  } = config;
  return [
    ...(webhook !== undefined && secret !== undefined
      ? [createWebhook({ url: webhook, secret, clock })]
      : []),
    ...(smtp !== undefined && from !== undefined && to !== undefined
      ? [createEmail({ url: smtp, from, to })]
      : []),
    ...(token !== undefined && chat !== undefined ? [createTelegram({ token, chat })] : []),
    ...(discord !== undefined ? [createDiscord({ url: discord })] : []),
    ...(slack !== undefined ? [createSlack({ url: slack })] : []),
  ];
}

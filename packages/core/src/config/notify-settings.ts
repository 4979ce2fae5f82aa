import { z } from "zod";

// Where operators are told of what asks for them. Each channel is a group of settings that belong together.

const http = (example: string) =>
  z
    .string()
    .regex(/^https?:\/\/\S+$/u, `expected an address such as ${example}`)
    .optional();
const text = (expected: string) =>
  z
    .string()
    .regex(/^[^\r\n]{1,300}$/u, expected)
    .optional();

/** Of the process that tells, and of the command that tries the channels. */
export const notifySettings = {
  STAKEBTS_NOTIFY_NAME: z
    .string()
    .regex(/^[\w .@-]{1,60}$/u, "expected a short name for this installation")
    .default("stakebts"),
  STAKEBTS_NOTIFY_WEBHOOK_URL: http("https://example.org/hooks/stakebts"),
  STAKEBTS_NOTIFY_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/u, "expected whsec_ and base64 of 24 to 64 random bytes")
    .optional(),
  STAKEBTS_NOTIFY_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/\S+$/u, "expected smtps://user:password@host or smtp://host:port")
    .optional(),
  STAKEBTS_NOTIFY_SMTP_FROM: text("expected an address such as StakeBTS <stakebts@example.org>"),
  STAKEBTS_NOTIFY_SMTP_TO: text("expected addresses with commas between them"),
  STAKEBTS_NOTIFY_TELEGRAM_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]{20,}$/u, "expected the token of a bot, as BotFather gave it")
    .optional(),
  STAKEBTS_NOTIFY_TELEGRAM_CHAT: z
    .string()
    .regex(/^(?:-?\d{1,20}|@\w{1,64})$/u, "expected the id of a chat, or @name of a channel")
    .optional(),
  STAKEBTS_NOTIFY_DISCORD_URL: http("https://discord.com/api/webhooks/…"),
  STAKEBTS_NOTIFY_SLACK_URL: http("https://hooks.slack.com/services/…"),
} as const;

const GROUPS = [
  ["STAKEBTS_NOTIFY_WEBHOOK_URL", "STAKEBTS_NOTIFY_WEBHOOK_SECRET"],
  ["STAKEBTS_NOTIFY_SMTP_URL", "STAKEBTS_NOTIFY_SMTP_FROM", "STAKEBTS_NOTIFY_SMTP_TO"],
  ["STAKEBTS_NOTIFY_TELEGRAM_TOKEN", "STAKEBTS_NOTIFY_TELEGRAM_CHAT"],
] as const;

type Grouped = Readonly<Partial<Record<(typeof GROUPS)[number][number], string | undefined>>>;

/** Half a channel tells nobody. For `.check()` of a schema with `notifySettings`. */
export const checkNotify = z.superRefine<Grouped>((config, context) => {
  for (const group of GROUPS) {
    const given = group.find((name) => config[name] !== undefined);
    if (given === undefined) continue;
    for (const name of group)
      if (config[name] === undefined)
        context.addIssue({ code: "custom", path: [name], message: `expected together with ${given}` });
  }
});

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, readEnvironment, shown } from "./environment.ts";
import { checkNotify, notifySettings } from "./notify-settings.ts";

const schema = z.object(notifySettings).check(checkNotify);
const SECRETS = {
  STAKEBTS_NOTIFY_WEBHOOK_URL: "https://example.org/hooks/aaaa",
  STAKEBTS_NOTIFY_WEBHOOK_SECRET: `whsec_${"b".repeat(43)}=`,
  STAKEBTS_NOTIFY_SMTP_URL: "smtps://user:cccc@mail.example.org",
  STAKEBTS_NOTIFY_TELEGRAM_TOKEN: "123456:dddd-dddd-dddd-dddd-dddd",
  STAKEBTS_NOTIFY_DISCORD_URL: "https://discord.example.org/api/webhooks/eeee",
  STAKEBTS_NOTIFY_SLACK_URL: "https://hooks.example.org/services/ffff",
};
const REST = {
  STAKEBTS_NOTIFY_SMTP_FROM: "StakeBTS <stakebts@example.org>",
  STAKEBTS_NOTIFY_SMTP_TO: "a@example.org, b@example.org",
  STAKEBTS_NOTIFY_TELEGRAM_CHAT: "-1001234567890",
};

function problem(environment: Record<string, string>): string {
  try {
    readEnvironment(schema, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("the channels", () => {
  it("may all be left out, and all be there", () => {
    expect(readEnvironment(schema, {})).toEqual({ STAKEBTS_NOTIFY_NAME: "stakebts" });
    expect(problem({ ...SECRETS, ...REST })).toBe("");
  });

  it.each(Object.keys({ ...SECRETS, ...REST }).filter((name) => !/DISCORD|SLACK/u.test(name)))(
    "are not half there: without %s the process does not start",
    (name) => {
      const { [name]: _left, ...others } = { ...SECRETS, ...REST } as Record<string, string>;
      expect(problem(others)).toContain(`${name} is not set: expected together with`);
    },
  );

  it("are never shown, right or wrong", () => {
    const printed = JSON.stringify(shown(readEnvironment(schema, { ...SECRETS, ...REST })));
    expect(printed).not.toMatch(/aaaa|bbbb|cccc|dddd|eeee|ffff/u);
    const wrong = Object.fromEntries(Object.entries(SECRETS).map(([name, value]) => [name, ` x ${value}`]));
    const message = problem({ ...wrong, ...REST });
    for (const name of Object.keys(SECRETS)) expect(message).toContain(name);
    expect(message).not.toMatch(/aaaa|bbbb|cccc|dddd|eeee|ffff/u);
  });
});

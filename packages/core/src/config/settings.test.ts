import { describe, expect, it } from "vitest";
import { CHANNEL_GROUPS } from "../alerts/channels.ts";
import { ConfigError, readEnvironment, shown } from "./environment.ts";
import { PROCESS_SETTINGS, schemaOf, settingsReadBy } from "./process-settings.ts";
import { GROUPS, SETTING_NAMES, settingOf, SETTINGS } from "./settings.ts";

describe("the table of settings", () => {
  it("keeps together what stands in one group of the documents, in the order of the groups", () => {
    const order = SETTING_NAMES.map((name) => GROUPS.indexOf(SETTINGS[name].group));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it("has examples that are right", () => {
    for (const name of SETTING_NAMES) {
      const { schema, example, secret } = settingOf(name)!;
      // A file of the machine that runs the test.
      if (example.includes("…") || example.startsWith("/")) continue;
      expect({ name, ok: schema.safeParse(example).success }).toEqual({ name, ok: true });
      if (secret) expect(example, name).not.toMatch(/^5[A-Za-z0-9]{50}$/u);
    }
  });

  it("says of every setting that is named like a secret that it is one", () => {
    for (const name of SETTING_NAMES)
      if (/KEY|SECRET(?!S_DIR)|PASSWORD|TOKEN|DEPOSIT_MEMO|_URL$/u.test(name))
        expect({ name, secret: settingOf(name)?.secret }).toEqual({ name, secret: true });
  });

  it("gives keys that can move money to the payer, and to no other process", () => {
    for (const process of ["ingester", "scheduler", "watcher", "console"] as const) {
      const keys = settingsReadBy(process).filter((name) =>
        /ACTIVE_KEY|RESERVE_KEY|EXCHANGE_\d_(?:KEY|SECRET|PASSWORD)/u.test(name),
      );
      expect({ process, keys }).toEqual({ process, keys: [] });
    }
    for (const process of ["scheduler", "watcher", "console"] as const)
      expect(
        Object.keys(PROCESS_SETTINGS[process].shape).filter((name) => /MEMO_KEY|KEYSTORE/u.test(name)),
      ).toEqual([]);
  });
});

describe("the settings of the channels", () => {
  const schema = schemaOf("scheduler", ["STAKEBTS_NOTIFY_NAME", ...CHANNEL_GROUPS.flat()]);
  const SECRETS = {
    STAKEBTS_NOTIFY_WEBHOOK_URL: "https://example.org/hooks/aaaa",
    STAKEBTS_NOTIFY_WEBHOOK_SECRET: `whsec_${"b".repeat(43)}=`,
    STAKEBTS_NOTIFY_SMTP_URL: "smtps://user:cccc@mail.example.org",
    STAKEBTS_NOTIFY_TELEGRAM_TOKEN: "123456:dddd-dddd-dddd-dddd-dddd",
    STAKEBTS_NOTIFY_DISCORD_URL: "https://discord.example.org/api/webhooks/eeee",
    STAKEBTS_NOTIFY_SLACK_URL: "https://hooks.example.org/services/ffff",
  };
  const ALL: Readonly<Record<string, string>> = {
    ...Object.fromEntries(CHANNEL_GROUPS.flat().map((name) => [name, settingOf(name)?.example ?? ""])),
    ...SECRETS,
  };
  // Of a channel whose secrets are not above, there is but the form of one.
  const right = CHANNEL_GROUPS.filter((group) =>
    group.every((name) => settingOf(name)?.schema.safeParse(ALL[name]).success),
  ).flat();
  const RIGHT = Object.fromEntries(right.map((name) => [name, ALL[name] ?? ""]));

  function problem(environment: Record<string, string>): string {
    try {
      readEnvironment(schema, environment);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return "";
  }

  it("may all be left out, and all be there", () => {
    expect(readEnvironment(schema, {})).toEqual({ STAKEBTS_NOTIFY_NAME: "stakebts" });
    expect(Object.keys(RIGHT)).toEqual(expect.arrayContaining(Object.keys(SECRETS)));
    expect(problem(RIGHT)).toBe("");
  });

  it.each(CHANNEL_GROUPS.filter((group) => group.length > 1).flat())(
    "are not half there: without %s the process does not start",
    (name) => {
      const { [name]: _left, ...others } = ALL;
      expect(problem(others)).toContain(`${name} is not set: expected together with`);
    },
  );

  it("are never shown where they are secret, right or wrong", () => {
    const printed = JSON.stringify(shown(readEnvironment(schema, RIGHT)));
    expect(printed).not.toMatch(/aaaa|bbbb|cccc|dddd|eeee|ffff/u);
    const wrong = Object.fromEntries(Object.entries(SECRETS).map(([name, value]) => [name, ` x ${value}`]));
    const message = problem({ ...RIGHT, ...wrong });
    for (const name of Object.keys(SECRETS)) expect(message).toContain(name);
    expect(message).not.toMatch(/aaaa|bbbb|cccc|dddd|eeee|ffff/u);
  });
});

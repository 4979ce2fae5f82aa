import { describe, expect, it } from "vitest";
import type { Log } from "@stakebts/kernel/log";
import type { Message, SendOutcome } from "./channel.ts";
import type { NotificationChannel } from "./channels.ts";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { DirectAlerts } from "./send-notifications.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ALERT = { event: "spend.unexplained", subject: "txid:0", details: { reason: "it is not owed" } };
const DAY_MS = 86_400_000;

function directAlertsWith(answers: Readonly<Record<string, () => SendOutcome>>) {
  const heard: { channel: string; message: Message }[] = [];
  const channels = Object.entries(answers).map(([name, answer]) => ({
    name: name as NotificationChannel["name"],
    send: async (message: Message) => {
      heard.push({ channel: name, message });
      return answer();
    },
  }));
  const clock = new ManualClock();
  return {
    directAlerts: new DirectAlerts({ channels, clock, log: silent, installation: "here" }),
    clock,
    heard,
  };
}

const ok = (): SendOutcome => ({ ok: true });

describe("the watcher's direct alerts", () => {
  it("tells every channel once, and the one that could not be told again under the same id", async () => {
    let isAway = true;
    const away = (): SendOutcome => (isAway ? { ok: false, problem: "away" } : ok());
    const { directAlerts, heard } = directAlertsWith({ webhook: ok, email: away });
    directAlerts.job(ALERT);
    await directAlerts.tell();
    await directAlerts.tell();
    isAway = false;
    await directAlerts.tell();
    await directAlerts.tell();
    expect(heard.map(({ channel }) => channel)).toEqual(["webhook", "email", "email", "email"]);
    expect(new Set(heard.map(({ message }) => message.id)).size).toBe(1);
    expect(JSON.stringify(heard[0]?.message)).toContain("it is not owed");
  });

  it("gives up after a day, as notifications through the ledger do", async () => {
    const { directAlerts, clock, heard } = directAlertsWith({
      email: () => ({ ok: false, problem: "away" }),
    });
    directAlerts.job(ALERT);
    await directAlerts.tell();
    clock.advance(DAY_MS);
    await directAlerts.tell();
    await directAlerts.tell();
    expect(heard.length).toBe(2);
  });
});

import { createNotificationStore } from "./postgres-notifications.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import type { Message, SendOutcome } from "./channel.ts";
import type { ChannelName, NotificationChannel } from "./channels.ts";
import type { NotificationStore } from "./notification.ts";
import type { Log } from "@stakebts/kernel/log";
import type { NewReceipt } from "../ledger/ledger.ts";
import { sendNotifications } from "./send-notifications.ts";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import pg from "pg";
import { describe, expect } from "vitest";
import { test as base } from "@stakebts/testkit/database";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A channel that keeps what it was given, and fails as long as it is told to. */
class Ear implements NotificationChannel {
  readonly heard: Message[] = [];
  problem: string | undefined;
  /** What to do before it answers. */
  meanwhile: () => Promise<void> = async () => {};
  readonly name: ChannelName;
  constructor(name: ChannelName = "slack") {
    this.name = name;
  }
  async send(message: Message): Promise<SendOutcome> {
    await this.meanwhile();
    if (this.problem !== undefined) return { ok: false, problem: this.problem };
    this.heard.push(message);
    return { ok: true };
  }
}

class Office {
  readonly clock = new ManualClock(Date.now());
  readonly databaseUrl: string;
  readonly store: NotificationStore;
  readonly write: (...receipts: NewReceipt[]) => Promise<unknown>;
  readonly logged: string[] = [];
  constructor(parts: Pick<Office, "databaseUrl" | "store" | "write">) {
    this.databaseUrl = parts.databaseUrl;
    this.store = parts.store;
    this.write = parts.write;
  }
  async tell(...channels: NotificationChannel[]): Promise<void> {
    const log: Log = { ...silent, error: (event) => void this.logged.push(event) };
    const { store, clock } = this;
    await sendNotifications({ store, channels, clock, log, installation: "test" });
  }
}

const test = base.extend<{ office: Office }>({
  office: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    const store = createNotificationStore({ url: databaseUrl });
    const write = (...receipts: NewReceipt[]) => ledger.transaction((tx) => tx.receipts.add(receipts));
    await use(new Office({ databaseUrl, store, write }));
    await Promise.all([ledger.close(), store.close()]);
  },
});

const failed = (n: number, reason = "no funds"): NewReceipt => ({
  event: "payout.failed",
  subject: `refund:${n}:0:0`,
  details: { reason },
});
const subjectsOf = (messages: readonly Message[]) =>
  messages.flatMap(({ items }) => items.map(({ subject }) => subject));

describe("people are told", () => {
  test("of receipts that ask for a person, by every channel, under one id, and of nothing else", async ({
    office,
  }) => {
    await office.write(failed(1), { event: "payout.confirmed", subject: "refund:2:0:0", details: {} });
    const [slack, discord] = [new Ear("slack"), new Ear("discord")];
    await office.tell(slack, discord);
    await office.tell(slack, discord);
    expect(subjectsOf(slack.heard)).toEqual(["refund:1:0:0"]);
    expect(discord.heard).toEqual(slack.heard);
    expect((await office.store.list(undefined)).map(({ status }) => status)).toEqual(["sent", "sent"]);
  });

  test("at once of the first of a kind, and a minute later of what came after it", async ({ office }) => {
    const ear = new Ear();
    await office.write(failed(1));
    await office.tell(ear);
    await office.write(...Array.from({ length: 50 }, (_, i) => failed(i + 2)));
    await office.tell(ear);
    expect(ear.heard.map(({ count }) => count)).toEqual([1]);
    office.clock.advance(MINUTE_MS);
    await office.tell(ear);
    expect(ear.heard.map(({ count }) => count)).toEqual([1, 50]);
  });

  test("of the same again after six hours, and before only if it says something else", async ({ office }) => {
    const ear = new Ear();
    const tellAfter = async (durationMs: number, receipt: NewReceipt) => {
      office.clock.advance(durationMs);
      await office.write(receipt);
      await office.tell(ear);
      return ear.heard.length;
    };
    expect(await tellAfter(0, failed(1))).toBe(1);
    expect(await tellAfter(HOUR_MS, failed(1))).toBe(1);
    expect(await tellAfter(HOUR_MS, failed(1, "unknown account"))).toBe(2);
    expect(await tellAfter(4 * HOUR_MS + 1, failed(1))).toBe(3);
  });

  test("of a receipt whose transaction began before one that they have been told of, and ended after", async ({
    office,
  }) => {
    const ear = new Ear();
    const late = new pg.Client({ connectionString: office.databaseUrl });
    await late.connect();
    await late.query("BEGIN");
    await late.query(
      `INSERT INTO receipt (event, subject, details) VALUES ('payout.held', 'the late one', '{}')`,
    );
    await office.write({ event: "payout.held", subject: "the early one", details: {} });
    await office.tell(ear);
    expect(subjectsOf(ear.heard)).toEqual(["the early one"]);
    await late.query("COMMIT");
    await late.end();
    office.clock.advance(MINUTE_MS);
    await office.tell(ear);
    expect(subjectsOf(ear.heard)).toEqual(["the early one", "the late one"]);
  });

  test("of a rare alert in the midst of thousands of another kind", async ({ office }) => {
    const ear = new Ear();
    await office.write(...Array.from({ length: 3_000 }, (_, i) => failed(i)));
    await office.write({ event: "chain.disagrees", subject: "100", details: {} });
    await office.tell(ear);
    expect(ear.heard.map(({ event }) => event).toSorted()).toEqual(["chain.disagrees", "payout.failed"]);
  });

  test("not of what happened days before a channel was there", async ({ office }) => {
    await office.write(failed(1));
    office.clock.advance(25 * HOUR_MS);
    const ear = new Ear();
    await office.tell(ear);
    expect(ear.heard).toEqual([]);
  });
});

describe("a channel that does not work", () => {
  test("is tried again with growing pauses, and keeps no other waiting", async ({ office }) => {
    const [broken, well] = [new Ear("email"), new Ear("slack")];
    broken.problem = "answered 500";
    await office.write(failed(1));
    const pausesMs: number[] = [];
    let lastMs = office.clock.nowMs();
    broken.meanwhile = async () => {
      pausesMs.push(office.clock.nowMs() - lastMs);
      lastMs = office.clock.nowMs();
    };
    for (let second = 0; second < 1_800; second += 5) {
      await office.tell(broken, well);
      office.clock.advance(5_000);
    }
    expect(well.heard).toHaveLength(1);
    expect(pausesMs).toEqual([0, 5, 10, 20, 40, 80, 160, 320, 600].map((s) => s * 1_000));
    broken.problem = undefined;
    office.clock.advance(600_000);
    await office.tell(broken, well);
    expect(broken.heard).toEqual(well.heard);
  });

  test("is given up after a day, and the log says so", async ({ office }) => {
    const broken = new Ear();
    broken.problem = "answered 404";
    await office.write(failed(1));
    await office.tell(broken);
    office.clock.advance(24 * HOUR_MS);
    await office.tell(broken);
    expect(office.logged).toEqual(["notification.given_up"]);
    expect(await office.store.list(1)).toMatchObject([{ status: "given_up", problem: "answered 404" }]);
    expect(await office.store.backlog(office.clock.nowMs())).toMatchObject({ waiting: 0, givenUp: 1 });
  });
});

describe("several who tell", () => {
  test("at the same time tell each thing once", async ({ office }) => {
    const ear = new Ear();
    await office.write(failed(1), failed(2), { event: "payout.held", subject: "x", details: {} });
    await Promise.all(Array.from({ length: 8 }, () => office.tell(ear)));
    await office.tell(ear);
    expect(ear.heard.map(({ event }) => event).toSorted()).toEqual(["payout.failed", "payout.held"]);
  });

  test("take over from one that died while it told, under the same id", async ({ office }) => {
    const dying = new Ear();
    dying.meanwhile = () => Promise.reject(new Error("killed"));
    await office.write(failed(1));
    await expect(office.tell(dying)).rejects.toThrow("killed");
    const next = new Ear();
    await office.tell(next);
    expect(next.heard).toEqual([]); // It may still be telling.
    office.clock.advance(MINUTE_MS);
    await office.tell(next);
    expect(subjectsOf(next.heard)).toEqual(["refund:1:0:0"]);
    expect(await office.store.list(undefined)).toMatchObject([{ attempts: 2, status: "sent" }]);
  });
});

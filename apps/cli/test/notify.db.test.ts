import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createNotificationStore } from "@stakebts/core/alerts/postgres-notifications";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { sendNotifications } from "@stakebts/core/alerts/send-notifications";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { processLogins } from "@stakebts/testkit/process-logins";
import { describe, expect } from "vitest";
import { test as base } from "@stakebts/testkit/database";
import { inProcess, type Stakebts, stakebtsWith } from "./stakebts.ts";

interface Chat {
  readonly url: string;
  readonly heard: string[];
}

const test = base.extend<{ chat: Chat; stakebts: Stakebts }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  chat: async ({}, use) => {
    const heard: string[] = [];
    const server: Server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        heard.push(body);
        response.writeHead(request.url === "/works" ? 200 : 403).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await use({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard });
    server.closeAllConnections();
    server.close();
  },
  stakebts: async ({ databaseUrl }: { databaseUrl: string }, use: (stakebts: Stakebts) => Promise<void>) => {
    await use(stakebtsWith({ DATABASE_URL: (await processLogins(databaseUrl)).operator }, inProcess));
  },
});

describe("stakebts notify test", () => {
  test("sends one message to each channel and says of each whether it was taken", async ({
    chat,
    stakebts,
  }) => {
    const answer = await stakebts.with({
      STAKEBTS_NOTIFY_SLACK_URL: `${chat.url}/works`,
      STAKEBTS_NOTIFY_DISCORD_URL: `${chat.url}/secret-path`,
      STAKEBTS_NOTIFY_NAME: "drill",
    })("notify", "test");
    expect(answer).toEqual({
      code: 1,
      out: "problem   discord: answered 403\ntaken     slack\n",
      err: "",
    });
    expect(chat.heard.every((body) => body.includes("drill: notification.test"))).toBe(true);
  });

  test("to one channel alone, and needs no database for it", async ({ chat, stakebts }) => {
    const one = stakebts.with({
      DATABASE_URL: undefined,
      STAKEBTS_NOTIFY_SLACK_URL: `${chat.url}/works`,
      STAKEBTS_NOTIFY_DISCORD_URL: `${chat.url}/no`,
    });
    expect(await one.json("notify", "test", "--channel", "slack")).toMatchObject({
      outcomes: [{ channel: "slack", ok: true }],
    });
    expect(chat.heard).toHaveLength(1);
  });

  test("where nothing is set up says where to read how", async ({ stakebts }) => {
    const answer = await stakebts("notify", "test");
    expect(answer.code).toBe(2);
    expect(answer.err).toContain("docs/monitoring.md");
  });
});

describe("stakebts notify list", () => {
  test("shows what people were told, and what did not get through", async ({ databaseUrl, stakebts }) => {
    expect(await stakebts("notify", "list")).toMatchObject({ code: 0, out: "" });
    const ledger = createPostgresLedger({ url: databaseUrl });
    const store = createNotificationStore({ url: databaseUrl });
    await ledger.transaction((tx) =>
      tx.receipts.add([{ event: "payout.failed", subject: "refund:1:0:0", details: { reason: "no funds" } }]),
    );
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    await sendNotifications({
      store,
      channels: [
        { name: "slack", send: async () => ({ ok: true }) },
        { name: "email", send: async () => ({ ok: false, problem: "answered 550" }) },
      ],
      clock: new ManualClock(Date.now()),
      log: silent,
      installation: "drill",
    });
    const { out } = await stakebts("notify", "list");
    expect(out).toMatch(/email +waiting +1 +drill: payout\.failed +answered 550/u);
    expect(out).toMatch(/slack +sent +1 +drill: payout\.failed/u);
    expect(await stakebts.json("notify", "list", "--limit", "1")).toMatchObject({
      notifications: [{ event: "payout.failed" }],
    });
    await Promise.all([ledger.close(), store.close()]);
  });
});

import { readdirSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it } from "vitest";
import type { Message, Send } from "./channel.ts";
import { ask } from "./http-request.ts";
import { CHANNEL_GROUPS, CHANNEL_NAMES, createChannels } from "./channels.ts";
import { DISCORD } from "./channels/discord.ts";
import { EMAIL } from "./channels/email.ts";
import { SLACK } from "./channels/slack.ts";
import { sendByTelegram } from "./channels/telegram.ts";
import { WEBHOOK } from "./channels/webhook.ts";

// Real servers on this machine receive what is sent, and misbehave as asked.

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes ...").toString("base64")}`;
const TOKEN = "123456:a-token-that-no-log-may-show-at-all";
const message: Message = {
  id: "2f1d5c1e-7d2b-5f43-9a52-0d3b7a1c9e10",
  event: "payout.failed",
  count: 1,
  title: "stakebts: payout.failed",
  text: "- refund:1:0:0: a <b>node</b> said @everyone <!channel> & more\nsecond line",
  items: [{ subject: "refund:1:0:0", reason: "a node said" }],
};

const clock = { nowMs: () => Date.now() };
const webhook = (url: string): Send =>
  WEBHOOK.open({ STAKEBTS_NOTIFY_WEBHOOK_URL: url, STAKEBTS_NOTIFY_WEBHOOK_SECRET: SECRET }, clock);
const slack = (url: string): Send => SLACK.open({ STAKEBTS_NOTIFY_SLACK_URL: url }, clock);
const discord = (url: string): Send => DISCORD.open({ STAKEBTS_NOTIFY_DISCORD_URL: url }, clock);
const email = (url: string, to = "a@example.org"): Send =>
  EMAIL.open(
    {
      STAKEBTS_NOTIFY_SMTP_URL: url,
      STAKEBTS_NOTIFY_SMTP_FROM: "StakeBTS <stakebts@example.org>",
      STAKEBTS_NOTIFY_SMTP_TO: to,
    },
    clock,
  );

describe("the channels", () => {
  it("are the files of their folder, each under its own name", () => {
    const files = readdirSync(join(import.meta.dirname, "channels")).map((file) =>
      file.replace(/\.ts$/u, ""),
    );
    expect(CHANNEL_NAMES.toSorted()).toEqual(files.toSorted());
  });

  it("are on where each of their settings is given", () => {
    const all = Object.fromEntries(CHANNEL_GROUPS.flat().map((name) => [name, "https://example.org"]));
    const names = (config: Record<string, string>) => createChannels(config, clock).map(({ name }) => name);
    expect(names(all)).toEqual(CHANNEL_NAMES);
    expect(names({})).toEqual([]);
    for (const [index, group] of CHANNEL_GROUPS.entries()) {
      const alone = Object.fromEntries(group.map((name) => [name, "https://example.org"]));
      expect(names({ ...alone, STAKEBTS_NOTIFY_NAME: "x" })).toEqual([CHANNEL_NAMES[index]]);
      for (const name of group) {
        const { [name]: _, ...half } = alone;
        expect(names(half)).toEqual([]);
      }
    }
  });
});

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function receiver(
  answer: { status: number; body?: string; location?: string } = { status: 200 },
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body });
      response
        .writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
        .end(answer.body ?? "ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

describe("a webhook", () => {
  it("is signed so that a receiver's library accepts it, under the id of the message", async () => {
    const { url, received } = await receiver();
    const send = webhook(url);
    expect(await send(message)).toEqual({ ok: true });
    const [got] = received as [Received];
    const headers = got.headers as Record<string, string>;
    expect(new Webhook(SECRET).verify(got.body, headers)).toMatchObject({
      type: "payout.failed",
      data: { count: 1, title: message.title, items: message.items },
    });
    expect(headers["webhook-id"]).toBe(message.id);
    expect(() => new Webhook(SECRET).verify(got.body.replace("failed", "paid"), headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(got.body, { ...headers, "webhook-id": "other" })).toThrow();
    expect(JSON.stringify(got)).not.toContain(SECRET.slice(6));
  });
});

describe("chats get plain text that mentions no member:", () => {
  it("Slack", async () => {
    const { url, received } = await receiver();
    await slack(url)(message);
    const { text } = JSON.parse(received[0]?.body ?? "") as { text: string };
    expect(text).toContain("&lt;!channel&gt; &amp; more");
    expect(text).not.toMatch(/[<>]/u);
  });

  it("Discord", async () => {
    const { url, received } = await receiver({ status: 204 });
    expect(await discord(url)({ ...message, text: "y".repeat(5_000) })).toEqual({ ok: true });
    const body = JSON.parse(received[0]?.body ?? "") as { content: string; allowed_mentions: unknown };
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.content.length).toBeLessThanOrEqual(2_000);
  });

  it("Telegram", async () => {
    const { url, received } = await receiver();
    await sendByTelegram({ token: TOKEN, chat: "-100123", api: url })(message);
    expect(received[0]?.path).toBe(`/bot${TOKEN}/sendMessage`);
    expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({
      chat_id: "-100123",
      text: `${message.title}\n${message.text}`,
    });
    expect(received[0]?.body).not.toContain("parse_mode");
  });
});

describe("a receiver that misbehaves is told of in a few words, and no address or token is in them:", () => {
  const all = (url: string): Send[] => [
    webhook(`${url}/private-path`),
    slack(`${url}/private-path`),
    discord(`${url}/private-path`),
    sendByTelegram({ token: TOKEN, chat: "1", api: url }),
  ];
  const secretsIn = (text: string) => /private-path|127\.0\.0\.1|a-token/u.test(text);

  it("one that answers with an error", async () => {
    const { url } = await receiver({
      status: 500,
      body: JSON.stringify({ description: `bot${TOKEN} is broken` }),
    });
    for (const send of all(url)) {
      const outcome = await send(message);
      expect(outcome).toMatchObject({
        ok: false,
        problem: expect.stringMatching(/^answered 500/u) as string,
      });
      expect(secretsIn(JSON.stringify(outcome))).toBe(false);
    }
  });

  it("one that sends us somewhere else, with all that we say", async () => {
    const other = await receiver();
    const { url } = await receiver({ status: 307, location: other.url });
    for (const send of all(url)) {
      expect(await send(message)).toEqual({ ok: false, problem: "answered 307" });
    }
    expect(other.received).toEqual([]);
  });

  it("one that is not there", async () => {
    const port = await closedPort();
    for (const send of all(`http://127.0.0.1:${port}`))
      expect(await send(message)).toEqual({
        ok: false,
        problem: "cannot be reached (ECONNREFUSED)",
      });
  });

  it("one that does not answer", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/private-path`;
    expect(await ask({ method: "GET", url, deadlineMs: 100 })).toEqual({
      ok: false,
      problem: "no answer within 0.1 s",
    });
  });
});

describe("e-mail", () => {
  async function mailServer(refuses: boolean): Promise<{ port: number; mails: string[] }> {
    const mails: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onAuth: ({ username, password }, _session, done) =>
        username === "user" && password === "pass-word"
          ? done(null, { user: "user" })
          : done(Object.assign(new Error(`no such user ${username} ${password}`), { responseCode: 535 })),
      onRcptTo: (_address, _session, done) =>
        refuses ? done(Object.assign(new Error("no such mailbox"), { responseCode: 550 })) : done(),
      onData(stream, _session, done) {
        let mail = "";
        stream.on("data", (chunk: Buffer) => (mail += chunk.toString()));
        stream.on("end", () => {
          mails.push(mail);
          done();
        });
      },
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    return { port: (server.server.address() as AddressInfo).port, mails };
  }

  it("arrives at everybody who was named, with the id of the message", async () => {
    const { port, mails } = await mailServer(false);
    const send = email(`smtp://user:pass-word@127.0.0.1:${port}`, "a@example.org, b@example.org");
    expect(await send(message)).toEqual({ ok: true });
    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain("Subject: stakebts: payout.failed\r\n");
    expect(mails[0]).toContain(`Message-ID: <${message.id}@stakebts>`);
    expect(mails[0]).toContain("To: a@example.org, b@example.org\r\n");
    expect(mails[0]).not.toContain("pass-word");
  });

  it("that is refused says with which number, and not what the server said", async () => {
    const { port } = await mailServer(true);
    const refused = email(`smtp://127.0.0.1:${port}`);
    expect(await refused(message)).toEqual({
      ok: false,
      problem: "the mail server answered 550 (EENVELOPE)",
    });
    const stranger = email(`smtp://user:wrong-word@127.0.0.1:${port}`);
    const outcome = await stranger(message);
    expect(outcome).toMatchObject({ ok: false });
    expect(JSON.stringify(outcome)).not.toContain("wrong-word");
    const unreachable = email(`smtp://127.0.0.1:${await closedPort()}`);
    expect(await unreachable(message)).toEqual({ ok: false, problem: "cannot be sent (ESOCKET)" });
  });
});

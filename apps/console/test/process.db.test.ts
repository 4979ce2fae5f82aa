import { join } from "node:path";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { hashPassword } from "@stakebts/core/operators/console-access";
import { PROCESS_SETTINGS } from "@stakebts/core/config/process-settings";
import { readEnvironment } from "@stakebts/core/config/environment";
import { startWorker } from "@stakebts/testkit/worker-process";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/database";

const ENTRY = join(import.meta.dirname, "../dist/main.js");

const start = (databaseUrl: string, more: Record<string, string> = {}) =>
  startWorker({
    name: "console",
    entry: ENTRY,
    environment: {
      DATABASE_URL: databaseUrl,
      STAKEBTS_NODES: "ws://127.0.0.1:9,ws://127.0.0.1:10",
      STAKEBTS_CUSTODIAN: "custodian",
      STAKEBTS_CONSOLE_PORT: "0",
      ...more,
    },
  });

async function addUser(databaseUrl: string, disabled = false): Promise<void> {
  const access = createPostgresConsoleAccess({ url: databaseUrl });
  const receipt = { event: "console.user_added", subject: "anna", details: {} };
  await access.addUser(
    { name: "anna", role: "viewer", passwordHash: await hashPassword("a long password") },
    receipt,
  );
  if (disabled) await access.setDisabled("anna", true, receipt);
  await access.close();
}

describe("the console as a process", () => {
  test("does not start while no user could sign in, and says what to do", async ({ databaseUrl }) => {
    for (const disabled of [undefined, true]) {
      if (disabled === true) await addUser(databaseUrl, disabled);
      const console = start(databaseUrl);
      expect(await console.exited).toBe(78);
      expect(console.lines.at(-1)).toMatchObject({
        event: "process.not_started",
        message: expect.stringContaining("stakebts users add") as string,
      });
    }
  });

  test("listens on this machine alone, without a node too, and ends when it is told to", async ({
    databaseUrl,
  }) => {
    await addUser(databaseUrl);
    const console = start(databaseUrl);
    const { address } = await console.waitFor(({ event }) => event === "console.listening");
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/u);
    const page = await fetch(`${String(address)}/login`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Sign in");
    expect((await fetch(`${String(address)}/console.css`)).headers.get("content-type")).toMatch(
      /^text\/css/u,
    );
    expect((await fetch(`${String(address)}/queues`)).status).toBe(401);
    console.kill("SIGTERM");
    expect(await console.exited).toBe(0);
    expect(JSON.stringify(console.lines)).not.toContain("postgres://");
  });

  test("says which port is taken", async ({ databaseUrl }) => {
    await addUser(databaseUrl);
    const first = start(databaseUrl);
    const { address } = await first.waitFor(({ event }) => event === "console.listening");
    const second = start(databaseUrl, { STAKEBTS_CONSOLE_PORT: new URL(String(address)).port });
    expect(await second.exited).toBe(78);
    expect(second.lines.at(-1)?.["message"]).toContain("cannot listen there (EADDRINUSE)");
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
  });
});

describe("the settings of the console", () => {
  const given = { DATABASE_URL: "postgres://u@h/d", STAKEBTS_NODES: "ws://n,ws://m" };
  const read = (more: Record<string, string>) =>
    readEnvironment(PROCESS_SETTINGS.console, { ...given, ...more });

  test("are loopback and 8400, and no key is among them", () => {
    expect(read({})).toMatchObject({ STAKEBTS_CONSOLE_HOST: "127.0.0.1", STAKEBTS_CONSOLE_PORT: 8400 });
    expect(Object.keys(PROCESS_SETTINGS.console.shape).join()).not.toMatch(/KEY|SECRET|PASSWORD|PAYMENTS/u);
  });

  test("ask how browsers see it before it listens to others", () => {
    const STAKEBTS_CONSOLE_HOST = "0.0.0.0";
    expect(() => read({ STAKEBTS_CONSOLE_HOST })).toThrow(
      /STAKEBTS_CONSOLE_ORIGIN is not set: .*how browsers see/u,
    );
    const STAKEBTS_CONSOLE_ORIGIN = "https://console.example.org";
    expect(read({ STAKEBTS_CONSOLE_HOST, STAKEBTS_CONSOLE_ORIGIN })).toMatchObject({
      STAKEBTS_CONSOLE_ORIGIN,
    });
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      expect(read({ STAKEBTS_CONSOLE_HOST: host })).toMatchObject({ STAKEBTS_CONSOLE_HOST: host });
    for (const origin of ["console.example.org", "https://console.example.org/", "ftp://x", "https://u:p@x"])
      expect(() => read({ STAKEBTS_CONSOLE_ORIGIN: origin })).toThrow(/STAKEBTS_CONSOLE_ORIGIN is/u);
  });
});

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "@stakebts/testkit/cluster";
import type { WorkerName } from "@stakebts/testkit/process-settings";
import { everybodyNominates, startStakingCluster } from "../staking-cluster.ts";

// The processes as they are shipped, asked over HTTP as a supervisor and Prometheus ask them.

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes ...").toString("base64")}`;

let cluster: Cluster;
let receiver: Server;
const heard: { path: string; headers: IncomingMessage["headers"]; body: string }[] = [];
type Who = WorkerName | "watcher" | "standby";
const at: Partial<Record<Who, string>> = {};

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );

async function freePort(): Promise<string> {
  const server = createServer();
  const port = await listening(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `${port}`;
}

async function start(name: Exclude<Who, "standby">, as: Who, more: Record<string, string> = {}) {
  const port = await freePort();
  at[as] = `http://127.0.0.1:${port}`;
  return cluster.start(name, { STAKEBTS_HTTP_PORT: port, ...more });
}

const ask = async (who: Who, path: string): Promise<{ status: number; body: string }> => {
  const answer = await fetch(`${at[who]}${path}`);
  return { status: answer.status, body: await answer.text() };
};

const isReady = (who: Who) =>
  cluster.until(async () => (await ask(who, "/readyz")).status === 200, `${who} is ready`);

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      heard.push({ path: request.url ?? "", headers: request.headers, body });
      response.end();
    });
  });
  const url = `http://127.0.0.1:${await listening(receiver)}`;
  cluster = await startStakingCluster();
  const ingester = await start("ingester", "ingester", { STAKEBTS_REPLAY: "1" });
  await ingester.waitFor(({ event }) => event === "cursor.placed");
  const payer: WorkerProcess = await start("payer", "payer");
  await payer.waitFor(({ event }) => event === "payer.leads");
  await start("payer", "standby");
  await start("watcher", "watcher");
  // The recovery hold of a new ledger has to fall before anything is paid, and before the heart beats.
  await cluster.until(
    async () =>
      (await cluster.query("SELECT FROM control WHERE recovery_hold_until_ms IS NULL AND writer_epoch > 0"))
        .length === 1,
    "the recovery hold has fallen",
  );
  await start("scheduler", "scheduler", {
    STAKEBTS_LIVENESS_URL: `${url}/heartbeat`,
    STAKEBTS_NOTIFY_WEBHOOK_URL: `${url}/webhook`,
    STAKEBTS_NOTIFY_WEBHOOK_SECRET: SECRET,
  });
}, 120_000);
afterAll(async () => {
  await cluster.stop();
  receiver.closeAllConnections();
  receiver.close();
});

describe("the processes, asked over HTTP,", () => {
  it("are healthy and ready, a payer that stands by included", async () => {
    for (const who of ["ingester", "scheduler", "payer", "standby", "watcher"] as const) {
      await isReady(who);
      expect((await ask(who, "/healthz")).status).toBe(200);
    }
    expect((await ask("payer", "/metrics")).body).toContain("\nstakebts_payer_leads 1\n");
    expect((await ask("standby", "/metrics")).body).toContain("\nstakebts_payer_leads 0\n");
  });

  it("export what the alert rules look at, and no secret", async () => {
    await everybodyNominates(cluster);
    await cluster.until(
      async () => (await cluster.query("SELECT FROM agreement")).length === 8,
      "all have agreements",
    );
    await cluster.until(
      async () => !(await ask("scheduler", "/metrics")).body.includes("\nstakebts_agreements 0\n"),
      "the scheduler says so",
    );
    const pages = await Promise.all(
      (["ingester", "scheduler", "payer", "watcher"] as const).map(
        async (who) => (await ask(who, "/metrics")).body,
      ),
    );
    const page = pages.join("");
    const rules = readFileSync(join(import.meta.dirname, "../../deploy/prometheus/rules.yml"), "utf8");
    const names = new Set([...rules.matchAll(/\bstakebts_\w+/gu)].map(([name]) => name));
    expect(names.size).toBeGreaterThan(20);
    expect([...names].filter((name) => !page.includes(`\n${name}`))).toEqual(
      // No backup was made, and no nightly check has passed.
      [...names].filter((name) =>
        ["stakebts_last_backup_time_seconds", "stakebts_last_check_time_seconds"].includes(name),
      ),
    );
    expect(page).not.toMatch(/postgres(?:ql)?:\/\/|whsec_|nominator-/u);
  });

  it("tell the dead man's switch that payments get on", async () => {
    await cluster.until(async () => heard.some(({ path }) => path === "/heartbeat"), "the heart beats");
  });

  it("tell people of what asks for them, signed", async () => {
    await cluster.query(
      `INSERT INTO receipt (event, subject, details) VALUES ('payout.held', 'refund:1:0:0', '{"reason": "a drill"}')`,
    );
    await cluster.until(async () => heard.some(({ body }) => body.includes("a drill")), "people were told");
    const message = heard.find(({ body }) => body.includes("a drill"));
    expect(
      new Webhook(SECRET).verify(message?.body ?? "", (message?.headers ?? {}) as Record<string, string>),
    ).toMatchObject({ type: "payout.held", data: { items: [{ subject: "refund:1:0:0" }] } });
  });

  it("are healthy and not ready without their database, and ready again with it", async () => {
    await cluster.database.stop();
    await cluster.until(async () => (await ask("scheduler", "/readyz")).status === 503, "it is not ready");
    const { body } = await ask("scheduler", "/readyz");
    expect(body).toContain('"database"');
    expect((await ask("scheduler", "/healthz")).status).toBe(200);
    await cluster.database.restart();
    await isReady("scheduler");
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorker, type WorkerProcess } from "@stakebts/testkit/worker-process";
import { wifFromSeed } from "@stakebts/devnet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "@stakebts/testkit/cluster";
import { CUSTODIAN, startStakingCluster } from "../staking-cluster.ts";

// What an operator meets who made a mistake: a process that does not start, says every mistake, and no secret.

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startStakingCluster();
}, 60_000);
afterAll(() => cluster.stop());

const NOT_STARTED = 78;
const entry = (name: string) => join(import.meta.dirname, `../../apps/${name}/dist/main.js`);

async function refusal(worker: WorkerProcess): Promise<string> {
  expect(await worker.exited).toBe(NOT_STARTED);
  return String(worker.lines.find(({ event }) => event === "process.not_started")?.["message"]);
}

const WORKERS = ["ingester", "scheduler", "payer"] as const;

// Later the account's keys may have been changed: then it waits.
describe("a payer that has never paid from this ledger", () => {
  it("does not start with an active key that is not the custodian's", async () => {
    const wif = wifFromSeed("another-account");
    const message = await refusal(cluster.start("payer", { STAKEBTS_ACTIVE_KEY: wif }));
    expect(message).toContain(`is not an active key of ${CUSTODIAN}`);
    expect(message).not.toContain(wif);
  });
});

describe("a worker that is told to stop", () => {
  it("ends its step and exits with 0", async () => {
    const workers = WORKERS.map((name) => cluster.start(name));
    const ended = workers.map(async (worker) => {
      await worker.waitFor(({ event }) => event === "process.started");
      worker.kill("SIGTERM");
      return { name: worker.name, exit: await worker.exited };
    });
    expect(await Promise.all(ended)).toEqual(WORKERS.map((name) => ({ name, exit: 0 })));
    // No warning of Node's or of a library: what a process has to say is in its log.
    expect(workers.flatMap(({ lines }) => lines.filter(({ event }) => event === "stderr"))).toEqual([]);
  });

  it("has never written a private key", async () => {
    const receipts = JSON.stringify(await cluster.query("SELECT details FROM receipt"));
    for (const seed of [`${CUSTODIAN}-active`, `${CUSTODIAN}-memo`])
      expect(receipts).not.toContain(wifFromSeed(seed));
    expect(receipts).toContain("(hidden)");
  });
});

describe("a worker does not start", () => {
  it("with settings that are missing or mistaken, and says for each what was found and what is accepted", async () => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-policy-"));
    writeFileSync(join(folder, "policy.yaml"), "month: soon\nrewards: 9%\n");
    const environment = {
      DATABASE_URL: "mysql://root:secret-word@db/ledger",
      STAKEBTS_NODES: "node.example.org",
      STAKEBTS_MEMO_KEY: "5KnotAKeyAtAll",
      STAKEBTS_TREASURY_MS: "often",
      STAKEBTS_POLICY: join(folder, "policy.yaml"),
      STAKEBTS_NODE_QUORUM: "0",
    };
    const message = await refusal(startWorker({ name: "payer", entry: entry("payer"), environment }));
    rmSync(folder, { recursive: true });
    for (const part of [
      "STAKEBTS_ACTIVE_KEY is not set",
      'STAKEBTS_PAYMENTS is not set: expected "on" or "off"',
      "postgresql://user:password@host:port/database",
      'STAKEBTS_NODES is "node.example.org"',
      "private keys in wallet import format",
      'STAKEBTS_TREASURY_MS is "often"',
      "expected a duration such as 30d, 12h or 20s",
      "rewards: no such key; there are month, reward",
      "STAKEBTS_NODE_QUORUM",
    ])
      expect(message).toContain(part);
    expect(message).not.toContain("secret-word");
    expect(message).not.toContain("5KnotAKeyAtAll");
  });

  it("with a memo key that is not the custodian's: every nomination would be sent back", async () => {
    const wif = wifFromSeed("another-account");
    const message = await refusal(cluster.start("ingester", { STAKEBTS_MEMO_KEY: wif }));
    expect(message).toContain(`is the memo key of ${CUSTODIAN} on chain`);
    expect(message).not.toContain(wif);
  });

  it("for an account that is not on the chain", async () => {
    const message = await refusal(cluster.start("ingester", { STAKEBTS_CUSTODIAN: "no-such-account" }));
    expect(message).toContain("there is no account no-such-account");
  });

  it("with a ledger of another account: every process names both", async () => {
    const other = {
      STAKEBTS_CUSTODIAN: "nominator-1",
      STAKEBTS_MEMO_KEY: wifFromSeed("nominator-1-memo"),
      STAKEBTS_ACTIVE_KEY: wifFromSeed("nominator-1-active"),
    };
    const started = (["ingester", "payer", "watcher"] as const).map((name) => cluster.start(name, other));
    for (const message of await Promise.all(started.map(refusal))) {
      expect(message).toContain(`this ledger is of ${CUSTODIAN} (1.2.`);
      expect(message).toContain("the settings name nominator-1 (1.2.");
    }
  });

  it("to work with nodes of another chain than it was told, and says so while it waits", async () => {
    const worker = cluster.start("payer", { STAKEBTS_CHAIN_ID: "4".repeat(64) });
    const line = await worker.waitFor(({ event }) => event === "chain.unavailable");
    expect(JSON.stringify(line)).toMatch(/chain/u);
    expect(worker.lines.map(({ event }) => event)).not.toContain("process.started");
    worker.kill("SIGTERM");
    expect(await worker.exited).toBe(0);
  });

  it("on a database without a ledger, and says how to make one", async () => {
    const empty = await cluster.database.server.createDatabase("empty");
    const started = WORKERS.map((name) => cluster.start(name, { DATABASE_URL: empty }));
    for (const message of await Promise.all(started.map(refusal)))
      expect(message).toContain("npm run db:migrate");
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hashPassword } from "@stakebts/core/operators/console-access";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { accountFromSeeds } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import { freePort } from "@stakebts/testkit/postgres";
import { median, type Row } from "./measure.ts";
import { cpuMs, memoryMb } from "./process-cost.ts";

const ROUNDS = 3;
const PROCESSES = ["ingester", "scheduler", "payer", "watcher", "console"] as const;
const LOOK_MS = 10;
const READY_MS_MAX = 60_000;

/**
 * From the start of a process until it says that it is ready, and of `stakebts status` until it has ended, beside a Node that does
 * nothing: each as shipped, on a ledger that is there already.
 */
export async function benchStartup(): Promise<readonly Row[]> {
  const cluster = await Cluster.start({
    accounts: ["custodian", "nominator-1"].map((name) => accountFromSeeds(name, { balanceBts: 10_000_000n })),
    chain: { blockIntervalMs: 1_000, secondsPerBlock: 3, witnesses: 3 },
  });
  try {
    await addUser(cluster.database.url);
    // A process is ready when its jobs are served: by the others, which run on.
    await cluster.startWorkers();
    const bare = await rounds(() => timeToEnd(["-e", "0"], {}));
    const rows: Row[] = [];
    for (const name of PROCESSES) {
      const costs: string[] = [];
      const ms = await rounds(async () => {
        const port = await freePort();
        const startMs = performance.now();
        const worker = cluster.start(name, { STAKEBTS_HTTP_PORT: `${port}` });
        await ready(name, port, worker.exited);
        const tookMs = performance.now() - startMs;
        costs.push(`${cpuMs(worker.pid)} ms, ${memoryMb(worker.pid)?.now} MB`);
        worker.kill("SIGTERM");
        await worker.exited;
        return tookMs;
      });
      rows.push(
        row(`${name}, from start to ready (processor time, memory: ${costs.at(-1)})`, ms, bare, "1000 ms"),
      );
    }
    const entry = join(import.meta.dirname, "../apps/cli/bin/stakebts.js");
    const status = await rounds(() => timeToEnd([entry, "status"], cluster.commandSettings()));
    rows.push(row("stakebts status", status, bare, "400 ms"));
    return rows;
  } finally {
    await cluster.stop();
  }
}

const row = (name: string, ms: number, bareMs: number, target: string): Row => ({
  name,
  ours: `${Math.round(ms)} ms`,
  ceiling: `${Math.round(bareMs)} ms`,
  ratio: "",
  target,
});

async function rounds(take: () => Promise<number>): Promise<number> {
  const ms: number[] = [];
  for (let n = 0; n < ROUNDS; n++) ms.push(await take());
  return median(ms);
}

async function timeToEnd(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env["PATH"], ...settings },
    stdio: "ignore",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}`);
  return performance.now() - startMs;
}

/** The console does not start while no person could sign in. */
async function addUser(url: string): Promise<void> {
  const access = createPostgresConsoleAccess({ url });
  await access.addUser(
    { name: "bench", role: "viewer", passwordHash: await hashPassword("read and forgotten") },
    { event: "console.user_added", subject: "bench", details: {} },
  );
  await access.close();
}

/** Rejects when the process ends, or is not ready after a minute: with what it says it lacks. */
async function ready(name: string, port: number, exited: Promise<number | string>): Promise<void> {
  let lacks = "nothing";
  let end: number | string | undefined;
  void exited.then((code) => {
    end = code;
  });
  const untilMs = performance.now() + READY_MS_MAX;
  while (performance.now() < untilMs && end === undefined) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    lacks = (await answer?.text()) ?? lacks;
    await delay(LOOK_MS);
  }
  throw new Error(
    `${name} is not ready (${end === undefined ? "it runs" : `it ended with ${end}`}): ${lacks}`,
  );
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import { freePort } from "@stakebts/testkit/postgres";
import { median, type Row } from "./measure.ts";
import { cpuMs, memoryMb } from "./process-cost.ts";

const ROUNDS = 3;
const PROCESSES = ["ingester", "scheduler", "payer", "watcher", "console"] as const;
const LOOK_MS = 10;

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
    // A process is ready when its jobs are served: by the others, which run on.
    await cluster.startWorkers();
    const bare = await rounds(() => timeToEnd(["-e", "0"], {}));
    const rows: Row[] = [];
    for (const name of PROCESSES) {
      const costs: string[] = [];
      const ms = await rounds(async () => {
        const port = await freePort();
        const startMs = performance.now();
        const started = cluster.start(name, { STAKEBTS_HTTP_PORT: `${port}` });
        while (!(await isReady(port))) await delay(LOOK_MS);
        const tookMs = performance.now() - startMs;
        costs.push(`${cpuMs(started.pid)} ms, ${memoryMb(started.pid)?.now} MB`);
        started.kill("SIGTERM");
        await started.exited;
        return tookMs;
      });
      rows.push(
        row(`${name}, from start to ready (processor time, memory: ${costs.at(-1)})`, ms, bare, "1000 ms"),
      );
    }
    const entry = join(import.meta.dirname, "../apps/cli/dist/main.js");
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

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

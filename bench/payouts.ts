import { END_FREEZES_SQL, STOP_PAYMENTS_SQL } from "@stakebts/testkit/stop-payments";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds, DevnetWallet, startDevnet, wifFromSeed } from "@stakebts/devnet";
import { LocalCluster } from "@stakebts/testkit/local-cluster";
import type { Pg } from "@stakebts/testkit/postgres";
import pg from "pg";
import { processLogins } from "@stakebts/testkit/process-logins";
import { prepare } from "../prisma/migrate.ts";
import type { Row } from "./measure.ts";

const PAYOUTS = 1_000;
const BLOCK_MS = 200;

/**
 * So many refunds are owed while payments are off; then they are switched on, and the clock runs until the last one is
 * in an irreversible block that the ledger has processed. All processes, the database and the chain share the machine.
 */
export async function benchPayouts(postgres: Pg, redisUrl: string | undefined): Promise<readonly Row[]> {
  const store = redisUrl === undefined ? "PostgreSQL" : "Redis";
  const databaseUrl = await postgres.createDatabase(`payouts_${store.toLowerCase()}`);
  await prepare(databaseUrl);
  const devnet = await startDevnet({
    accounts: [
      accountFromSeeds("custodian", { balanceBts: 10_000_000n }),
      accountFromSeeds("nominator-1", { balanceBts: 10_000_000n }),
    ],
    blockIntervalMs: BLOCK_MS,
    witnesses: 3,
  });
  const cluster = new LocalCluster({
    repository: join(import.meta.dirname, ".."),
    databaseUrl,
    databaseUrls: await processLogins(databaseUrl),
    redisUrl,
    nodes: devnet.urls,
    custodian: "custodian",
    activeKey: wifFromSeed("custodian-active"),
    memoKey: wifFromSeed("custodian-memo"),
    clockRate: 3_000 / BLOCK_MS,
  });
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    await db.query(STOP_PAYMENTS_SQL);
    const workers = [
      cluster.start("ingester", { STAKEBTS_REPLAY: "1" }),
      cluster.start("scheduler", { STAKEBTS_REENQUEUE_MS: "10000" }),
      cluster.start("payer"),
    ];
    await Promise.all(workers.map((worker) => worker.waitFor(({ event }) => event === "process.started")));
    await sendMany(devnet.urls[0] as string);
    await until(db, "SELECT count(*) = $1 AS done FROM payout");
    await until(db, "SELECT recovery_hold_until_ms IS NULL AND $1 > 0 AS done FROM control"); // Raised for the empty ledger.
    await db.query(END_FREEZES_SQL);
    await db.query("UPDATE payout SET enqueued_at = now() - interval '1 hour'");
    const startMs = performance.now();
    await until(db, "SELECT count(*) = $1 AS done FROM payout WHERE status = 'confirmed'");
    const seconds = (performance.now() - startMs) / 1000;
    const peak = workers.map((worker) => `${worker.name} ${peakMegabytes(worker.pid)} MB`);
    return [
      {
        name: `${PAYOUTS} payouts until irreversible, queues in ${store}`,
        ours: `${Math.round(PAYOUTS / seconds)} payouts/s`,
        other: "",
        ratio: "",
        goal: "100 payouts/s",
      },
      {
        name: `peak memory, queues in ${store}`,
        ours: peak.join(", "),
        other: "",
        ratio: "",
        goal: "200 MB each",
      },
    ];
  } finally {
    await db.end();
    await cluster.stop();
    await devnet.stop();
  }
}

/** Each with its own memo, so that no two are the same transaction. */
async function sendMany(url: string): Promise<void> {
  const [activeKey, memoKey] = [wifFromSeed("nominator-1-active"), wifFromSeed("nominator-1-memo")];
  const wallet = new DevnetWallet({ url, name: "nominator-1", activeKey, memoKey });
  for (let n = 0; n < PAYOUTS; n++)
    await wallet.transfer({ to: "custodian", amountShares: 10_000_000n, memo: `no request ${n}` });
  wallet.close();
}

async function until(db: pg.Client, sql: string): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ done: boolean }>(sql, [PAYOUTS]);
    if (rows[0]?.done === true) return;
    await delay(50);
  }
}

/** The most that the process ever held, by the kernel's account. */
function peakMegabytes(pid: number): string {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? "?" : String(Math.round(Number(kilobytes) / 1024));
  } catch {
    return "?"; // Not a Linux kernel.
  }
}

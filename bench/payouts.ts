import { END_FREEZES_SQL, STOP_PAYMENTS_SQL } from "@stakebts/testkit/stop-payments";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import type { Row } from "./measure.ts";

const PAYOUTS = 1_000;
const BLOCK_MS = 200;

/**
 * So many refunds are owed while payments are off; then they are switched on, and the clock runs until the last one is
 * in an irreversible block that the ledger has processed. All processes, the database and the chain share the machine.
 */
export async function benchPayouts({
  redisUrl,
  lineMs = 0,
}: {
  readonly redisUrl: string | undefined;
  /** How long a message takes to the node and back. */
  readonly lineMs?: number;
}): Promise<readonly Row[]> {
  const store = `${redisUrl === undefined ? "PostgreSQL" : "Redis"}${lineMs === 0 ? "" : `, ${lineMs / 2} ms each way`}`;
  const cluster = await Cluster.start({
    accounts: ["custodian", "nominator-1"].map((name) => accountFromSeeds(name, { balanceBts: 10_000_000n })),
    chain: { blockIntervalMs: BLOCK_MS, secondsPerBlock: 3, witnesses: 3 },
    ...(redisUrl === undefined ? {} : { redis: { url: redisUrl } }),
  });
  try {
    await cluster.query(STOP_PAYMENTS_SQL);
    const workers = Object.values(
      await cluster.startWorkers({ scheduler: { STAKEBTS_REENQUEUE_MS: "10000" } }),
    );
    // Each with its own memo, so that no two are the same transaction.
    for (let n = 0; n < PAYOUTS; n++) await cluster.send("nominator-1", 100n, `no request ${n}`);
    await until(cluster, `SELECT count(*) = ${PAYOUTS} AS done FROM payout`);
    await until(cluster, "SELECT recovery_hold_until_ms IS NULL AS done FROM control"); // Placed for the empty ledger.
    for (const { faults } of cluster.devnet.nodes) faults.delayRepliesMs(lineMs);
    await cluster.query(END_FREEZES_SQL);
    await cluster.query("UPDATE payout SET enqueued_at = now() - interval '1 hour'");
    const startMs = performance.now();
    await until(cluster, `SELECT count(*) = ${PAYOUTS} AS done FROM payout WHERE status = 'confirmed'`);
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
    await cluster.stop();
  }
}

/** Not {@link Cluster.until}, which ends a test that is stuck: how long it takes is what is measured. */
async function until(cluster: Cluster, sql: string): Promise<void> {
  for (;;) {
    const [row] = await cluster.query<{ done: boolean }>(sql);
    if (row?.done === true) return;
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

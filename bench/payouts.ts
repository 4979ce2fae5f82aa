import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds, DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import { END_FREEZES_SQL, STOP_PAYMENTS_SQL } from "@stakebts/testkit/stop-payments";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import pg from "pg";
import { rawBroadcast, rawCommits } from "./ceilings.ts";
import { fact, perSecond, ratio, type Row } from "./measure.ts";
import { cpuMs, familyCpuMs, memoryMb, parentOf } from "./process-cost.ts";
import { SlowLine } from "./slow-line.ts";

/** An account, with the key that is its active and its memo key. */
export interface BenchAccount {
  readonly name: string;
  readonly active: string;
  readonly memo: string;
}

/** A node of a test network that is there already, and two accounts on it that hold money. */
export interface BenchNode {
  readonly url: string;
  readonly custodian: BenchAccount;
  readonly sender: BenchAccount;
}

export const seeded = (name: string): BenchAccount => ({
  name,
  active: wifFromSeed(`${name}-active`),
  memo: wifFromSeed(`${name}-memo`),
});

const BLOCK_MS = 200;
const SECONDS_PER_BLOCK = 3;
/** Transfers that a wallet has on their way at once. */
const SENT_AT_ONCE = 25;
const REFUNDED_SHARES = 100n * 100_000n;

export interface PayoutsOptions {
  readonly payouts: number;
  /** Undefined: the queues are in PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** How long a message takes to the node, and an answer back. */
  readonly eachWayMs: number;
  /** Default: a chain of this machine, whose blocks come every 200 ms. */
  readonly node?: BenchNode | undefined;
  /** For a profile. Default: those with which processes are shipped. */
  readonly nodeFlags?: readonly string[] | undefined;
}

export interface PayoutsResult {
  readonly rows: readonly Row[];
  readonly rate: number;
}

/**
 * So many refunds are owed while payments are off; then they are switched on, and the clock runs until the last one is
 * in an irreversible block that the ledger has processed. All processes, the database and the chain share the machine.
 */
export async function benchPayouts(options: PayoutsOptions): Promise<PayoutsResult> {
  const { payouts, redisUrl, eachWayMs, nodeFlags } = options;
  const store = `${redisUrl === undefined ? "PostgreSQL" : "Redis"}${eachWayMs === 0 ? "" : `, ${eachWayMs} ms each way`}`;
  const cluster = await Cluster.start({
    accounts: ["custodian", "nominator-1"].map((name) => accountFromSeeds(name, { balanceBts: 10_000_000n })),
    chain: { blockIntervalMs: BLOCK_MS, secondsPerBlock: SECONDS_PER_BLOCK, witnesses: 3 },
    ...(redisUrl === undefined ? {} : { redis: { url: redisUrl } }),
    ...(nodeFlags === undefined ? {} : { nodeFlags }),
  });
  const { url, custodian, sender }: BenchNode = options.node ?? {
    url: cluster.devnet.urls[0] as string,
    custodian: seeded("custodian"),
    sender: seeded("nominator-1"),
  };
  const line = await SlowLine.open(url);
  try {
    const toNode = {
      STAKEBTS_NODES: line.url,
      STAKEBTS_CUSTODIAN: custodian.name,
      STAKEBTS_MEMO_KEY: custodian.memo,
    };
    const replay = options.node === undefined ? {} : { STAKEBTS_REPLAY: "last" };
    const rate = options.node === undefined ? {} : { STAKEBTS_CLOCK_RATE: "1" };
    await cluster.query(STOP_PAYMENTS_SQL);
    const workers = Object.values(
      await cluster.startWorkers({
        ingester: { ...toNode, ...replay },
        scheduler: { STAKEBTS_CUSTODIAN: custodian.name, STAKEBTS_REENQUEUE_MS: "10000", ...rate },
        payer: { ...toNode, STAKEBTS_ACTIVE_KEY: custodian.active },
      }),
    );
    await owe(cluster, { url, custodian, sender }, payouts);
    await until(cluster, "SELECT recovery_hold_until_ms IS NULL AS done FROM control"); // Placed for the empty ledger.
    line.delay(eachWayMs);
    // One question to each over the slow line, as in a process that has been there for a while.
    await delay(1_000 + 10 * eachWayMs);
    await cluster.query(END_FREEZES_SQL);
    await cluster.query("UPDATE payout SET enqueued_at = now() - interval '1 hour'");
    const server = parentOf(await backgroundPid(cluster));
    const cost = costOf(workers, server);
    const startMs = performance.now();
    await until(cluster, `SELECT count(*) = ${payouts} AS done FROM payout WHERE status = 'confirmed'`);
    const ours = perSecond(payouts, performance.now() - startMs);
    const costs = cost(payouts);
    const memory = workers.map(memoryOf).join(", ");
    await cluster.stopProcesses();
    const broadcast = await rawBroadcast({ url, name: sender.name, wif: sender, count: payouts });
    const commits = await rawCommits(cluster.database.url, payouts);
    const ceiling = Math.min(broadcast.irreversible, commits);
    return {
      rate: ours,
      rows: [
        {
          name: `${payouts} payouts until irreversible, queues in ${store}`,
          ours: `${Math.round(ours)}/s`,
          ceiling: `${Math.round(ceiling)}/s`,
          ratio: ratio(ours / ceiling),
          target: eachWayMs === 0 ? "0.50 ×, 1000/s" : "200/s",
        },
        fact("  raw broadcast: taken, irreversible", both(broadcast)),
        fact("  raw commits of the same rows", `${Math.round(commits)}/s`),
        fact("  processor time of a payout, ms", costs),
        fact("  memory now (peak), MB", memory, "120 (150)"),
      ],
    };
  } finally {
    line.close();
    await cluster.stop();
  }
}

const both = ({ taken, irreversible }: { readonly taken: number; readonly irreversible: number }): string =>
  `${Math.round(taken)}/s, ${Math.round(irreversible)}/s`;

/** Refunds that are owed: each asks for nothing that there is, with a memo of its own, so that no two are the same transaction. */
async function owe(cluster: Cluster, { url, custodian, sender }: BenchNode, payouts: number): Promise<void> {
  const wallet = new DevnetWallet({
    url,
    name: sender.name,
    activeKey: sender.active,
    memoKey: sender.memo,
  });
  for (let n = 0; n < payouts; n += SENT_AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(SENT_AT_ONCE, payouts - n) }, (_, i) =>
        wallet.transfer({ to: custodian.name, amountShares: REFUNDED_SHARES, memo: `no request ${n + i}` }),
      ),
    );
  wallet.close();
  await until(cluster, `SELECT count(*) = ${payouts} AS done FROM payout`);
}

async function backgroundPid(cluster: Cluster): Promise<number> {
  const [row] = await cluster.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'",
  );
  if (row === undefined) throw new Error("a server without a checkpointer");
  return row.pid;
}

/** What each process and the database use of the processor from now on. */
function costOf(workers: readonly WorkerProcess[], server: number): (payouts: number) => string {
  const take = (): readonly (readonly [string, number])[] => [
    ...workers.map(({ name, pid }) => [name, cpuMs(pid) ?? Number.NaN] as const),
    ["PostgreSQL", familyCpuMs(server) ?? Number.NaN],
  ];
  const before = take();
  return (payouts) =>
    take()
      .map(([name, ms], i) => `${name} ${((ms - (before[i]?.[1] ?? 0)) / payouts).toFixed(1)}`)
      .join(", ");
}

export function memoryOf({ name, pid }: Pick<WorkerProcess, "name" | "pid">): string {
  const memory = memoryMb(pid);
  return memory === undefined ? `${name} ?` : `${name} ${memory.now} (${memory.peak})`;
}

/** Not {@link Cluster.until}, which ends a test that is stuck: how long it takes is what is measured. */
export async function until(cluster: Cluster, sql: string): Promise<void> {
  const session = new pg.Client(cluster.database.url);
  await session.connect();
  for (;;) {
    const { rows } = await session.query<{ done: boolean }>(sql);
    if (rows[0]?.done === true) break;
    await delay(50);
  }
  await session.end();
}

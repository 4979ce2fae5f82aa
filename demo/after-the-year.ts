import { setTimeout as delay } from "node:timers/promises";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { setLimits } from "@stakebts/core/limits/set-limits";
import { bts } from "@stakebts/kernel/amount";
import type { Cluster } from "@stakebts/testkit/cluster";
import { DAY_SECONDS } from "./scenario.ts";

// What happens when the year is over: the programme goes on, slowly enough to look at, and leaves something to decide.

/** An hour of the chain in a second: a month takes twelve minutes. */
const PACE = { blockIntervalMs: 1_000, secondsPerBlock: 3_600 } as const;
const CLOCK_RATE = (PACE.secondsPerBlock * 1_000) / PACE.blockIntervalMs;
const NOMINATION_EVERY_MS = 20_000;
/** No more nominations while so many agreements are open: the custodian's money would run out. */
const OPEN_AGREEMENTS_MAX = 25;
const APPROVAL_FROM_BTS = 100_000n;
const SHARES_PER_BTS = 100_000n;
/** More broadcasts than are ever made meanwhile. */
const ALL = 1_000_000;
const WAIT_MS_MAX = 120_000;

/** Who sends what brings the two payouts that wait for a person. */
export const UNLUCKY = "nominator-7";
export const LARGE = "nominator-8";

const NOMINATIONS = [
  { from: "nominator-1", amountBts: 25_000n, memo: "three_months" },
  { from: "nominator-2", amountBts: 50_000n, memo: "six_months" },
  { from: "nominator-4", amountBts: 25_000n, memo: '{"type":"twelve_months"}' },
  { from: "nominator-6", amountBts: 25_000n, memo: "two_months" },
  { from: "nominator-3", amountBts: 50_000n, memo: "three_months" },
] as const;

interface Running {
  readonly cluster: Cluster;
  /** Tells what has happened since. */
  readonly tell: () => Promise<void>;
}

const send = (cluster: Cluster, from: string, amountBts: bigint, memo: string): Promise<void> =>
  cluster.send(from, amountBts, memo, { expirationSeconds: 20 * DAY_SECONDS });

/** A refund that the nodes take and lose, until the payer gives up. While this lasts the chain is still fast. */
export async function failOnePayout({ cluster, tell }: Running): Promise<void> {
  const { devnet } = cluster;
  const loseBroadcasts = (count: number): void => {
    for (const { faults } of devnet.nodes) faults.swallowBroadcasts(count);
  };
  // Nothing becomes final in between: the refund is not signed before the nodes lose it.
  devnet.pause();
  await send(cluster, UNLUCKY, 30_000n, "two_years");
  await devnet.produce();
  loseBroadcasts(ALL);
  devnet.resume();
  await untilSeen({ cluster, tell }, `status = 'failed' AND payee = '${UNLUCKY}'`);
  loseBroadcasts(0);
}

/** A refund above the amount from which a second person has to approve. */
export async function holdOnePayout({ cluster, tell }: Running): Promise<void> {
  const ledger = createPostgresLedger({ url: cluster.database.url });
  try {
    const action = { id: "demo", actor: "demo", reason: "large payments are looked at by a second person" };
    await setLimits({ ledger }, { change: { approvalFrom: bts(APPROVAL_FROM_BTS) }, action });
  } finally {
    await ledger.close();
  }
  await send(cluster, LARGE, 200_050n, "two_years");
  await untilSeen({ cluster, tell }, `status = 'held' AND payee = '${LARGE}'`);
}

/** From now on a month takes minutes. The scheduler reckons with the speed of the chain, and is started again; a watcher comes with it. */
export async function slowDown(
  cluster: Cluster,
  scheduler: { kill(signal: NodeJS.Signals): void; readonly exited: Promise<unknown> },
): Promise<void> {
  cluster.devnet.setPace(PACE);
  scheduler.kill("SIGTERM");
  await scheduler.exited;
  const started = [
    cluster.start("scheduler", { STAKEBTS_CLOCK_RATE: String(CLOCK_RATE) }),
    cluster.start("watcher"),
  ];
  await Promise.all(started.map((one) => one.waitFor(({ event }) => event === "process.started")));
}

/** New nominations now and then, for ever. Rejects when the cluster is stopped. */
export async function nominateForEver({ cluster, tell }: Running): Promise<never> {
  for (let round = 0; ; round++) {
    const { from, amountBts, memo } = NOMINATIONS[round % NOMINATIONS.length] as (typeof NOMINATIONS)[number];
    const [count] = await cluster.query<{ open: number }>(
      "SELECT count(*)::int AS open FROM stake_row WHERE type = 'base_amount' AND status = 'pending'",
    );
    const balanceShares = await cluster.wallet(from).balanceShares();
    if ((count?.open ?? 0) < OPEN_AGREEMENTS_MAX && balanceShares > (amountBts + 1_000n) * SHARES_PER_BTS)
      await send(cluster, from, amountBts, memo);
    for (let waitedMs = 0; waitedMs < NOMINATION_EVERY_MS; waitedMs += PACE.blockIntervalMs) {
      await delay(PACE.blockIntervalMs);
      await tell();
    }
  }
}

async function untilSeen({ cluster, tell }: Running, payout: string): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while ((await cluster.query(`SELECT FROM payout WHERE ${payout}`)).length === 0) {
    if (Date.now() > deadlineMs) throw new Error(`no payout became ${payout}:\n${await cluster.report()}`);
    await tell();
    await delay(200);
  }
}

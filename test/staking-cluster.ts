import { setTimeout as delay } from "node:timers/promises";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { payoutKeyInMemo } from "@stakebts/core/rules/payout";
import { accountFromSeeds, wifFromSeed } from "@stakebts/devnet";
import { Cluster, type ClusterOptions } from "@stakebts/testkit/cluster";
import { EXCHANGE, RESERVE_ACCOUNT } from "@stakebts/testkit/cluster-treasury";
import type { WorkerName } from "@stakebts/testkit/process-settings";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { expect } from "vitest";

// The cluster of the tests of whole processes. One minute of its chain passes in two seconds, and a month of the programme
// is one minute.

export const CUSTODIAN = "custodian";
export const MANAGER = "dls.cipher";
export const NOMINATORS = Array.from({ length: 8 }, (_, n) => `nominator-${n + 1}`);
const SHARES_PER_BTS = 100_000n;

export interface StakingOptions extends Pick<
  ClusterOptions,
  "installation" | "redis" | "exchangeBts" | "reserveBy" | "version"
> {
  /** Length of a month of the programme, default 60s of the chain. */
  readonly month?: string;
  /** In whole BTS, default 5 000 000. */
  readonly custodianBts?: bigint;
  /** In the reserve account, whole BTS. Default: 0. */
  readonly reserveBts?: bigint;
}

export function startStakingCluster(options: StakingOptions = {}): Promise<Cluster> {
  const { month = "60s", custodianBts = 5_000_000n, reserveBts = 0n, ...more } = options;
  return Cluster.start({
    ...more,
    custodian: CUSTODIAN,
    accounts: [
      accountFromSeeds(CUSTODIAN, { balanceBts: custodianBts }),
      accountFromSeeds(MANAGER, { balanceBts: 10_000n, lifetimeMember: true }),
      accountFromSeeds(EXCHANGE, { balanceBts: options.exchangeBts ?? 0n }),
      accountFromSeeds(RESERVE_ACCOUNT, { balanceBts: reserveBts }),
      ...NOMINATORS.map((name) => accountFromSeeds(name, { balanceBts: 1_000_000n })),
    ],
    chain: { blockIntervalMs: 100, secondsPerBlock: 3, witnesses: 3, nodes: 2 },
    policy: `month: ${month}\nexpiration: 60s\n`,
    // The shipped ones save memory, which is not scarce here, and a test starts a dozen processes.
    nodeFlags: [],
  });
}

/** Runs a test in a cluster of its own. */
export async function withCluster(
  options: StakingOptions,
  run: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await startStakingCluster(options);
  try {
    await run(cluster);
  } finally {
    await cluster.stop();
  }
}

/** One agreement of three months for everybody: five payments each, forty in all. */
export async function everybodyNominates(
  cluster: Cluster,
  names: readonly string[] = NOMINATORS,
): Promise<void> {
  for (const name of names) await cluster.send(name, 25_000n, "three_months");
}

/** Waits until every row and payout has its final state. */
export const settled = (cluster: Cluster, agreements = NOMINATORS.length): Promise<void> =>
  cluster.until(async () => {
    const [row] = await cluster.query<{ agreements: string; open: string }>(
      `SELECT (SELECT count(*) FROM agreement) AS agreements,
              (SELECT count(*) FROM stake_row WHERE status IN ('pending', 'processing', 'paid'))
            + (SELECT count(*) FROM payout WHERE status <> 'confirmed') AS open`,
    );
    return row?.agreements === String(agreements) && row.open === "0";
  }, "everything is settled");

/** The promise, read from the chain alone: each nominator got 1 + 3 × 2000 + 25000 BTS, each payment with its own key. */
export async function expectEverybodyPaidOnce(
  cluster: Cluster,
  /** WIF, all that the custodian has written with. */
  memoKeys: readonly string[] = [wifFromSeed(`${CUSTODIAN}-memo`)],
): Promise<void> {
  const chain = createChainClient({ nodes: cluster.devnet.urls });
  try {
    const [custodian] = await chain.accounts([CUSTODIAN]);
    if (custodian === undefined) throw new Error("no custodian");
    const { irreversibleBlockNum } = await chain.head();
    const blocks = await chain.blocks({ from: 1, to: irreversibleBlockNum, account: custodian.id });
    const sent = blocks.flatMap((block) => block.transfers.filter((t) => t.fromId === custodian.id));
    const memos = createMemoReader({ wifs: memoKeys });
    const keys = sent.map(({ memo }) => {
      const content = memos.read(memo);
      return content.type === "text" ? payoutKeyInMemo(content.text) : undefined;
    });
    expect(new Set(keys).size).toBe(sent.length);
    const names = await chain.accounts([...new Set(sent.map((t) => t.toId))]);
    for (const name of NOMINATORS) {
      const id = names.find((account) => account?.name === name)?.id;
      const got = sent.filter((t) => t.toId === id).map((t) => Number(t.amount / SHARES_PER_BTS));
      expect({ name, got: got.sort((a, b) => a - b) }).toEqual({
        name,
        got: [1, 2_000, 2_000, 2_000, 25_000],
      });
    }
  } finally {
    await chain.close();
  }
}

/** Kills one worker after the other, each at another moment of its work. */
export async function killInTurn(
  cluster: Cluster,
  workers: Record<WorkerName, WorkerProcess>,
  kills: number,
): Promise<void> {
  const names: WorkerName[] = ["payer", "ingester", "payer", "scheduler"];
  for (let kill = 0; kill < kills; kill++) {
    const name = names[kill % names.length] as WorkerName;
    // Not a wait for something: the moment of the kill is the point, and it shall be another one each time.
    await delay(60 + ((kill * 137) % 400));
    workers[name].kill("SIGKILL");
    await workers[name].exited;
    workers[name] = cluster.start(name);
  }
}

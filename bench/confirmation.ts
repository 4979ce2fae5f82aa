import { createChainClient } from "@stakebts/bitshares/chain-client";
import { SETTINGS } from "@stakebts/core/config/settings";
import { accountFromSeeds } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import { quantile, type Row } from "./measure.ts";

const BLOCK_MS = 1_000;
const NOMINATIONS = 20;
/** Longer than a new ledger pays nothing. */
const HOLD_SECONDS = 1_800;

const shipped = (
  name: "STAKEBTS_POLL_MS" | "STAKEBTS_HEAD_POLL_MS" | "STAKEBTS_RECONCILE_MS" | "STAKEBTS_REENQUEUE_MS",
) => ({
  [name]: String(SETTINGS[name].schema.parse(undefined)),
});

/**
 * How long it takes from the moment in which a node's irreversible block is past that of a nomination until its confirmation is sent,
 * with the intervals with which processes are shipped, on a chain whose blocks come every second.
 */
export async function benchConfirmation(): Promise<readonly Row[]> {
  const sentMs: number[] = [];
  const cluster = await Cluster.start({
    accounts: ["custodian", "nominator-1"].map((name) =>
      accountFromSeeds(name, { balanceBts: 100_000_000n }),
    ),
    chain: { blockIntervalMs: BLOCK_MS, secondsPerBlock: BLOCK_MS / 1_000, witnesses: 3 },
    onLine: (name, { event }) => {
      if (name === "payer" && event === "withdrawal.sent") sentMs.push(performance.now());
    },
  });
  const chain = createChainClient({ nodes: cluster.devnet.urls });
  const irreversibleAfter = async (blockNum: number): Promise<void> => {
    // What is strictly below the irreversible block is believed.
    while ((await chain.head()).irreversibleBlockNum <= blockNum) await new Promise(setImmediate);
  };
  try {
    await cluster.startWorkers({
      ingester: { ...shipped("STAKEBTS_POLL_MS"), ...shipped("STAKEBTS_HEAD_POLL_MS") },
      scheduler: { ...shipped("STAKEBTS_RECONCILE_MS"), ...shipped("STAKEBTS_REENQUEUE_MS") },
    });
    cluster.devnet.skipTime(HOLD_SECONDS);
    await cluster.until(async () => {
      const [row] = await cluster.query<{ hold: bigint | null }>(
        "SELECT recovery_hold_until_ms AS hold FROM control",
      );
      return row?.hold === null;
    }, "the recovery hold of the empty ledger is over");
    const tookMs: number[] = [];
    for (let n = 0; n < NOMINATIONS; n++) {
      const { headBlockNum } = await chain.head();
      await cluster.send("nominator-1", 25_000n, "three_months");
      const before = sentMs.length;
      await irreversibleAfter(headBlockNum + 1);
      const finalMs = performance.now();
      await cluster.until(async () => sentMs.length > before, "the confirmation is sent");
      tookMs.push((sentMs[before] as number) - finalMs);
    }
    const [median, p95] = [quantile(tookMs, 0.5), quantile(tookMs, 0.95)];
    return [
      {
        name: "from irreversible block to confirmation sent, p50 and p95",
        ours: `${Math.round(median)}, ${Math.round(p95)} ms`,
        ceiling: `${BLOCK_MS} ms`,
        ratio: "",
        target: "p95 500 ms",
      },
    ];
  } finally {
    await chain.close();
    await cluster.stop();
  }
}

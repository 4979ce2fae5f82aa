import { accountFromSeeds, type Devnet, startDevnet } from "@stakebts/devnet";
import { afterEach, describe, expect, it } from "vitest";
import { ChainError } from "./chain.ts";
import { type ChainClient, type ChainClientOptions, createChainClient } from "./chain-client.ts";

// Nodes behind a proxy that lets a client ask fifty times in a second: the fifty-first request is refused, or ends the
// connection. A ledger that catches up has to get on all the same, and to keep what it has read.

const ACCOUNT = "1.2.101";
const BLOCKS = 120;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function givenChain(options: Partial<ChainClientOptions> & { readonly nodes?: never } = {}, nodes = 3) {
  const devnet = await startDevnet({
    accounts: [accountFromSeeds("payer", { balanceBts: 1n })],
    blockIntervalMs: "manual",
    nodes,
  });
  cleanups.push(() => devnet.stop());
  await devnet.produce(BLOCKS + 20);
  const events: { readonly event: string; readonly fields: object }[] = [];
  const chain = createChainClient({
    nodes: devnet.urls,
    callDeadlineMs: 2_000,
    log: (event, fields) => events.push({ event, fields }),
    ...options,
  });
  cleanups.push(() => chain.close());
  return { devnet, chain, events };
}

/** How often each node was asked for a block. */
function countBlocks(devnet: Devnet): number[] {
  const counts = devnet.nodes.map(() => 0);
  for (const [i, { faults }] of devnet.nodes.entries())
    faults.lie((method, result) => {
      if (method === "get_block") counts[i] = (counts[i] ?? 0) + 1;
      return result;
    });
  return counts;
}

/** As the ingester does it: so much as is to be asked for at once, and what fails again after a while. */
async function readAll(chain: ChainClient, attemptsMax: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let attempts = 0; ids.length < BLOCKS; attempts++) {
    if (attempts > attemptsMax) throw new Error(`${ids.length} blocks after ${attempts} attempts`);
    const from = ids.length + 1;
    const to = Math.min(BLOCKS, from + (await chain.blocksAtOnce(4_000)) - 1);
    try {
      const blocks = await chain.blocks({ from, to, account: ACCOUNT });
      ids.push(...blocks.map(({ blockId }) => blockId));
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  return ids;
}

describe.each(["closing", "refusing"] as const)("nodes that limit requests by %s", (by) => {
  it("are read at the pace that they bear, and no block twice", async () => {
    const { devnet, chain, events } = await givenChain();
    const truth = (await chain.blocks({ from: 1, to: BLOCKS, account: ACCOUNT })).map(
      ({ blockId }) => blockId,
    );
    for (const { faults } of devnet.nodes) faults.limitRequests({ perSecond: 50, by });
    const counts = countBlocks(devnet);
    expect(await readAll(chain, 30)).toEqual(truth);
    // What a connection loses on its way is asked for once more; nothing is begun anew.
    for (const count of counts) expect(count).toBeLessThan(BLOCKS * 1.5);
    const limited = events.filter(({ event }) => event === "node.limits_requests");
    expect(limited.length).toBeGreaterThan(0);
    expect(limited.length).toBeLessThan(10);
    const paces = chain.nodes().flatMap(({ requestsPerSecond: pace }) => (pace === undefined ? [] : [pace]));
    expect(paces.length).toBeGreaterThan(0);
    for (const pace of paces) expect(pace).toBeLessThan(51);
    expect(JSON.stringify(events)).not.toContain("node.lied");
  });

  it("are no trouble when the pace is set", async () => {
    const { devnet, chain, events } = await givenChain({ requestsPerSecond: 40, window: 8 }, 1);
    for (const { faults } of devnet.nodes) faults.limitRequests({ perSecond: 50, by });
    expect(await chain.blocks({ from: 1, to: 60, account: ACCOUNT })).toHaveLength(60);
    expect(events.filter(({ event }) => event === "node.limits_requests")).toEqual([]);
  });

  it("of which one bears more is read from that one", async () => {
    const { devnet, chain } = await givenChain();
    for (const { faults } of devnet.nodes.slice(0, 1)) faults.limitRequests({ perSecond: 50, by });
    const counts = countBlocks(devnet);
    expect(await readAll(chain, 5)).toHaveLength(BLOCKS);
    const [limited = 0, ...others] = counts;
    expect(limited).toBeLessThan(others.reduce((sum, count) => sum + count, 0));
  });
});

describe("a node that was slow for a while", () => {
  it("is asked faster again", async () => {
    const { devnet, chain } = await givenChain({}, 1);
    devnet.nodes[0]?.faults.limitRequests({ perSecond: 50, by: "refusing" });
    await readAll(chain, 30);
    const [limited] = chain.nodes();
    devnet.nodes[0]?.faults.limitRequests(null);
    const paceNow = async () => {
      await chain.blocks({ from: 1, to: 30, account: ACCOUNT });
      return chain.nodes()[0]?.requestsPerSecond ?? Infinity;
    };
    await expect.poll(paceNow, { timeout: 20_000 }).toBeGreaterThan(limited?.requestsPerSecond ?? Infinity);
  });
});

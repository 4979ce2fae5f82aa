import type { ChainReader } from "@stakebts/bitshares/chain";
import { inCluster } from "@stakebts/testkit/in-process-cluster";
import { describe, expect, it } from "vitest";
import { ingestBlocks, replayBlocks } from "./ingest-blocks.ts";
import { HELD_BYTES_MAX, ReadAhead } from "./read-ahead.ts";

/** Blocks of which only two fit into memory at once. */
function ofFullBlocks<C extends ChainReader>(chain: C): { readonly chain: C; readonly limits: Set<unknown> } {
  const limits = new Set<unknown>();
  const blocks: ChainReader["blocks"] = async (request) => {
    limits.add(request.heldBytesMax);
    return (await chain.blocks(request)).slice(0, 2);
  };
  const full = new Proxy(chain, {
    get: (target, name) => (name === "blocks" ? blocks : (Reflect.get(target, name) as unknown)),
  });
  return { chain: full, limits };
}

describe("blocks that do not fit into memory together", () => {
  it("are ingested and read again by few at a time, each once", () =>
    inCluster({}, async (cluster) => {
      for (let n = 0; n < 5; n++) await cluster.send("nominator-1", 100 + n, "what is this");
      await cluster.produceUntilFinal(5);
      const deps = cluster.readDeps();
      const { chain, limits } = ofFullBlocks(deps.chain);
      const limited = { ...deps, chain, ahead: new ReadAhead(chain, cluster.custodian.id) };
      for (;;) {
        const { ingestedTo, finalBlockNum } = await ingestBlocks(limited);
        if (ingestedTo === undefined || ingestedTo === finalBlockNum) break;
      }
      const incoming = () =>
        [...cluster.ledger.contents.transfers.values()].filter(({ direction }) => direction === "in").length;
      expect(incoming()).toBe(5);
      const to = (await cluster.ledger.cursor.read())?.blockNum ?? 0;
      expect(await replayBlocks(limited, { from: 1, to })).toBe(0);
      expect(incoming()).toBe(5);
      expect([...limits]).toEqual([HELD_BYTES_MAX]);
    }));
});

import { createMemoReader } from "@stakebts/bitshares/memo-cipher";
import { InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { wifFromSeed } from "@stakebts/devnet";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hostClock } from "../runtime/host-clock.ts";
import { type IngesterPorts, type IngesterSettings, runIngester } from "./ingester.ts";

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe("an ingester", () => {
  let cluster: InProcessCluster;
  const stop = new AbortController();
  let running: Promise<void>;
  let answerHistory: () => void = () => undefined;
  let historyIsAsked = 0;

  beforeAll(async () => {
    cluster = await InProcessCluster.start();
    const history = cluster.chain as unknown as Required<IngesterPorts["chain"]>;
    const chain = {
      ...cluster.chain,
      takeTroubles: () => [],
      accountHistory: async (request: Parameters<typeof history.accountHistory>[0]) => {
        historyIsAsked++;
        await new Promise<void>((resolve) => {
          answerHistory = resolve;
        });
        return history.accountHistory(request);
      },
    };
    const { ledger, queue, custodian, policy } = cluster;
    running = runIngester(
      {
        chain,
        ledger,
        queue,
        clock: hostClock,
        log,
        frozenHere: () => [],
        memos: createMemoReader({ wifs: [wifFromSeed(`${custodian.name}-memo`)] }),
      },
      {
        custodian: custodian.name,
        policyOn: () => policy,
        replay: "last",
        skipBlocks: new Set(),
        adminReplay: false,
        // Longer than the test: what is not woken does not come by itself.
        pollMs: 600_000,
        headPollMs: 10,
        shown: {},
      } satisfies IngesterSettings,
      stop.signal,
    );
  });

  afterAll(async () => {
    stop.abort();
    answerHistory();
    await running;
    await cluster.stop();
  });

  it("reads on while a node takes its time over the account's history, and lets the jobs wait for it", async () => {
    const read = () =>
      [...cluster.ledger.contents.transfers.values()].filter(({ sender }) => sender === "nominator-1").length;
    await cluster.send("nominator-1", 100, "what is this");
    await cluster.devnet.produce(10);
    await vi.waitFor(() => expect(historyIsAsked).toBe(1));
    await vi.waitFor(() => expect(read()).toBe(1));
    await cluster.send("nominator-1", 100, "and this");
    await cluster.devnet.produce(10);
    await vi.waitFor(() => expect(read()).toBe(2));
    expect(historyIsAsked).toBe(1);
    expect(cluster.queue.size).toBe(0);
    await vi.waitFor(() => {
      answerHistory();
      expect(cluster.queue.size).toBeGreaterThan(0);
    });
  });
});

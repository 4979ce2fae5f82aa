import { describe, expect, it } from "vitest";
import { StartupError } from "@stakebts/kernel/errors";
import { ChainError, type ChainHead } from "@stakebts/bitshares/chain";
import type { Log } from "@stakebts/kernel/log";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { serveObservation } from "./http-server.ts";
import { countedLog, createObservation, type Observation } from "./observation.ts";
import { nodeIsThere } from "../ledger/readiness-checks.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function served(
  use: (world: {
    clock: ManualClock;
    observation: Observation;
    get: (path: string, method?: string) => Promise<{ status: number; body: string }>;
    url: string;
  }) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock(1_000_000);
  const observation = createObservation({ clock, log: silent });
  const server = await serveObservation(observation, { host: "127.0.0.1", port: 0, log: silent });
  const get = async (path: string, method = "GET") => {
    const answer = await fetch(server.url + path, { method });
    return { status: answer.status, body: await answer.text() };
  };
  try {
    await use({ clock, observation, get, url: server.url });
  } finally {
    await server.close();
  }
}

describe("a process that is asked over HTTP", () => {
  it("is healthy while its loops are heard of, and names the one that is not", () =>
    served(async ({ clock, observation, get }) => {
      observation.progress.expect("ingest", 120_000);
      expect(await get("/healthz")).toMatchObject({ status: 200 });
      clock.advance(125_000);
      expect(await get("/healthz")).toEqual({
        status: 503,
        body: '{"status":"stuck","stuck":[{"name":"ingest","overdueMs":5000}]}\n',
      });
      clock.advance(10_000);
      expect((await get("/metrics")).body).toContain("stakebts_process_stuck 1\n");
    }));

  it("is not ready while it starts, nor while something is missing", () =>
    served(async ({ observation, get }) => {
      expect((await get("/readyz")).status).toBe(503);
      let problem: string | undefined;
      observation.readiness.requires({ database: async () => problem });
      expect((await get("/readyz")).status).toBe(200);
      problem = "the database does not answer";
      expect(await get("/readyz")).toEqual({
        status: 503,
        body: '{"status":"not ready","missing":{"database":"the database does not answer"}}\n',
      });
    }));

  it("without a node is not ready after five minutes, and healthy all the same", () =>
    served(async ({ clock, observation, get }) => {
      let isGone = false;
      const chain = {
        async head(): Promise<ChainHead> {
          if (isGone) throw new ChainError("no_usable_node", "wss://user:secret@node: gone");
          return {} as ChainHead;
        },
      };
      observation.readiness.requires({ node: nodeIsThere({ chain, clock }) });
      const ready = async () => (await get("/readyz")).status;
      expect(await ready()).toBe(200);
      isGone = true;
      expect(await ready()).toBe(200);
      clock.advance(300_001);
      const answer = await get("/readyz");
      expect(answer).toMatchObject({ status: 503 });
      expect(answer.body).not.toContain("secret");
      expect((await get("/healthz")).status).toBe(200);
      isGone = false;
      expect(await ready()).toBe(200);
    }));

  it("counts the events of its log", () =>
    served(async ({ observation, get }) => {
      const log = countedLog(silent, observation);
      log.error("payout.failed", { payout: "refund:1:0:0" });
      log.error("payout.failed");
      const { body } = await get("/metrics");
      expect(body).toContain('stakebts_log_events_total{level="error",event="payout.failed"} 2\n');
      expect(body).not.toContain("refund:1:0:0");
    }));

  it("answers questions and takes no orders", () =>
    served(async ({ get }) => {
      expect((await get("/healthz", "POST")).status).toBe(405);
      expect((await get("/else")).status).toBe(404);
      expect((await get("/healthz?x=1")).status).toBe(200);
    }));

  it("does not start where another one listens, and says which settings are wrong", () =>
    served(async ({ observation, url }) => {
      const port = Number(new URL(url).port);
      const second = serveObservation(observation, { host: "127.0.0.1", port, log: silent });
      await expect(second).rejects.toThrow(StartupError);
      await expect(second).rejects.toThrow(/STAKEBTS_HTTP_PORT.*EADDRINUSE/u);
    }));
});

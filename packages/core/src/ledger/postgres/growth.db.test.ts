import pg from "pg";
import { describe, expect } from "vitest";
import { test as base } from "@stakebts/testkit/database";
import { operation, refundOf } from "@stakebts/testkit/given";
import { jobForPayout } from "../jobs.ts";
import type { Ledger } from "../ledger.ts";
import { createPostgresLedger } from "./ledger.ts";

interface Sql {
  rows(text: string): Promise<readonly Record<string, unknown>[]>;
}

const test = base.extend<{ ledger: Ledger; sql: Sql }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await use(ledger);
    await ledger.close();
  },
  sql: async ({ databaseUrl }, use) => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await use({ rows: async (text) => (await client.query(text)).rows });
    await client.end();
  },
});

const payout = refundOf(operation(1));

describe("the outbox", () => {
  test("holds nothing that is on the queue, and all that could not be put there", async ({ ledger, sql }) => {
    await ledger.transaction((tx) =>
      tx.jobs.add([jobForPayout(payout.id, "1"), jobForPayout(payout.id, "2")]),
    );
    const away = async () => Promise.reject(new Error("the queue is away"));
    await expect(ledger.jobs.dispatch(10, away)).rejects.toThrow("the queue is away");
    expect(await sql.rows("SELECT FROM outbox")).toHaveLength(2);
    expect(await ledger.jobs.dispatch(10, async () => {})).toBe(2);
    expect(await sql.rows("SELECT FROM outbox")).toHaveLength(0);
  });

  test("gets fewer and fewer jobs of a payout that does not move", async ({ ledger, sql }) => {
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    let jobs = 0;
    for (let second = 0; second < 600; second += 10) {
      await sql.rows("UPDATE payout SET enqueued_at = enqueued_at - interval '10 s'");
      jobs += await ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: 9_900, limit: 10 });
    }
    expect(jobs).toBeGreaterThan(4);
    expect(jobs).toBeLessThan(9);
    await sql.rows("UPDATE payout SET status = 'ready'");
    expect(await sql.rows("SELECT enqueued_again FROM payout")).toEqual([{ enqueued_again: 0 }]);
  });

  test("gets a job of what waits for funds as soon as funds come", async ({ ledger, sql }) => {
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    await sql.rows("UPDATE payout SET status = 'ready'");
    await sql.rows("UPDATE payout SET status = 'waiting_funds', waiting_since = 1");
    await sql.rows("UPDATE payout SET enqueued_again = 9");
    const enqueue = () =>
      ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: 10_000, limit: 10 });
    expect(await enqueue()).toBe(0);
    await ledger.transaction((tx) => tx.payouts.fundsCame());
    expect(await enqueue()).toBe(1);
  });
});

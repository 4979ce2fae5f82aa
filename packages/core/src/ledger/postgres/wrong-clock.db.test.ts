import { createPostgresLedger } from "./ledger.ts";
import { operation, refundOf } from "@stakebts/testkit/given";
import { afterEach, describe, expect, vi } from "vitest";
import { test } from "@stakebts/testkit/database";

const HOUR_MS = 3_600_000;

describe("a debt that was written by a process whose clock is wrong", () => {
  afterEach(() => void vi.useRealTimers());

  for (const hours of [16, -16])
    test(`gets another job when its first one is lost, by ${hours} hours`, async ({ databaseUrl }) => {
      const ledger = createPostgresLedger({ url: databaseUrl });
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * HOUR_MS });
      await ledger.transaction((tx) => tx.payouts.insert([refundOf(operation(10))]));
      vi.useRealTimers();
      const enqueue = (notEnqueuedForMs: number) =>
        ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs, limit: 10 });
      // It was enqueued now, by the clock of the database.
      expect(await enqueue(HOUR_MS)).toBe(0);
      expect(await enqueue(-1_000)).toBe(1);
      await ledger.close();
    });
});

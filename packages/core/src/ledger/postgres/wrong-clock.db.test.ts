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
      expect(await ledger.payouts.enqueueStale({ notEnqueuedForMs: HOUR_MS, limit: 10 })).toBe(1);
      // Once, and then it has a new job like any other.
      expect(await ledger.payouts.enqueueStale({ notEnqueuedForMs: HOUR_MS, limit: 10 })).toBe(0);
      await ledger.close();
    });
});

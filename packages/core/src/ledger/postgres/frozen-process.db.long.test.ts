import { createPostgresLedger } from "./ledger.ts";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/database";

describe("a process that is frozen in the middle of a transaction", () => {
  test("keeps its locks for some seconds, and has written nothing", async ({ databaseUrl }) => {
    const [frozen, other] = [
      createPostgresLedger({ url: databaseUrl }),
      createPostgresLedger({ url: databaseUrl }),
    ];
    let wakeUp: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => (wakeUp = resolve));
    let fellAsleep: () => void = () => undefined;
    const isAsleep = new Promise<void>((resolve) => (fellAsleep = resolve));
    const transaction = frozen.transaction(async (tx) => {
      await tx.lockEvents();
      await tx.control.addFreeze({
        source: "operator",
        level: "pay-nothing",
        reason: "written by the frozen one",
      });
      fellAsleep();
      await asleep;
    });
    const outcome = expect(transaction).rejects.toThrow();
    await isAsleep;
    await other.transaction((tx) => tx.lockEvents());
    expect((await other.control.read()).payments).toEqual({ on: true });
    wakeUp();
    await outcome;
    // Its next transaction finds a session of its own again.
    await frozen.transaction((tx) => tx.lockEvents());
    await Promise.all([frozen.close(), other.close()]);
  });
});

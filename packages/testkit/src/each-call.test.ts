import type { Ledger, LedgerTx } from "@stakebts/core/ledger/ledger";
import { describe, expect, it } from "vitest";
import { eachCall } from "./each-call.ts";
import { cursorAt, operation, refundOf } from "./given.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryLedger } from "./memory-ledger.ts";

describe("a port whose every call goes through a function", () => {
  it("shows the calls of its methods and those of its parts, each by its path", async () => {
    const calls: string[] = [];
    const through = (name: string, call: () => Promise<unknown>) => {
      calls.push(name);
      return call();
    };
    const memory = new MemoryLedger(new ManualClock(1));
    const ledger = eachCall<Ledger>(memory, through);
    const payout = refundOf(operation(10));
    await memory.transaction(async (real) => {
      const tx = eachCall<LedgerTx>(real, through);
      await tx.lockEvents();
      await tx.cursor.move(undefined, cursorAt(1));
      await tx.payouts.insert([payout]);
    });
    expect(await ledger.hasWork()).toBe(false);
    expect((await ledger.payouts.views([payout.id]))[0]?.payout.key).toBe(payout.key);
    expect((await ledger.cursor.read())?.blockNum).toBe(1);
    expect(calls).toEqual([
      "lockEvents",
      "cursor.move",
      "payouts.insert",
      "hasWork",
      "payouts.views",
      "cursor.read",
    ]);
  });

  it("does not make a call that the function refuses", async () => {
    const memory = new MemoryLedger(new ManualClock(1));
    const ledger = eachCall<Ledger>(memory, () => Promise.reject(new Error("crash")));
    await expect(ledger.control.startWriterEpoch()).rejects.toThrow("crash");
    expect((await memory.control.read()).writerEpoch).toBe(0n);
  });
});

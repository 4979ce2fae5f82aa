import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { describe, expect, it } from "vitest";
import { type SchedulerPorts, type SchedulerSettings, runScheduler } from "./scheduler.ts";

describe("a scheduler", () => {
  it("refuses a ledger of another account than the one in its settings", async () => {
    const clock = new ManualClock(1_000);
    const ledger = new MemoryLedger(clock);
    await ledger.control.bind({ chainId: "c".repeat(64), custodianId: "1.2.7", custodianName: "another" });
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const ports = { ledger, clock, log, queue: {} } as unknown as SchedulerPorts;
    const settings = { custodian: "custodian", shown: {} } as unknown as SchedulerSettings;
    await expect(runScheduler(ports, settings, new AbortController().signal)).rejects.toThrow(
      /this ledger is of another .*the settings name custodian/u,
    );
    expect(ledger.contents.receipts).toEqual([]);
  });
});

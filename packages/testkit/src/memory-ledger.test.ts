import { describe, it } from "vitest";
import { ledgerChecks } from "./conformance/ledger.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryLedger } from "./memory-ledger.ts";

describe("the ledger in memory does what every ledger does:", () => {
  for (const check of ledgerChecks)
    it(check.name, async () => {
      await check.run(new MemoryLedger(new ManualClock(1_000_000)));
    });
});

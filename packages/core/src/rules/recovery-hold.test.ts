import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import {
  type RecoveryHold,
  recoveryHoldEnd,
  longerRecoveryHold,
  isRecoveryHoldPassed,
  whyOnRecoveryHold,
} from "./recovery-hold.ts";
import { millis } from "@stakebts/kernel/time";

const recoveryHoldOf = fc.record({
  untilMs: fc.nat().map(millis),
  fromBlockNum: fc.nat(),
  reason: fc.constantFrom("restored", "lost"),
});
const scannedOf = fc.record({ scannedFromBlockNum: fc.nat(), blockTimeMs: fc.nat().map(millis) });

const recoveryHold: RecoveryHold = { untilMs: millis(5_000), fromBlockNum: 10, reason: "restored" };

describe("a recovery hold", () => {
  it("outlasts every transaction that was signed before it, on a node that was ahead", () => {
    expect(recoveryHoldEnd(millis(1_000_000), 180_000)).toBe(1_270_000);
  });

  it.each([
    [10, 5_001, true],
    [10, 5_000, false], // The next block has this one as parent, and may still hold the transaction.
    [9, 5_001, true],
    [11, 9_999, false], // Block 10 was jumped over, and may hold a payment that no ledger has.
  ])("with blocks looked into from %i to one of %i ms: passed is %s", (scannedFromBlockNum, ms, passed) => {
    expect(isRecoveryHoldPassed(recoveryHold, { scannedFromBlockNum, blockTimeMs: millis(ms) })).toBe(passed);
  });

  test.prop([recoveryHoldOf, recoveryHoldOf, scannedOf])(
    "raised twice is passed only when both are",
    (one, other, scanned) => {
      expect(isRecoveryHoldPassed(longerRecoveryHold(one, other), scanned)).toBe(
        isRecoveryHoldPassed(one, scanned) && isRecoveryHoldPassed(other, scanned),
      );
    },
  );

  it("is explained to people", () => {
    expect(whyOnRecoveryHold({ raised: undefined, databaseChanged: false })).toBeUndefined();
    expect(whyOnRecoveryHold({ raised: undefined, databaseChanged: true })).toContain("restored, copied");
    expect(whyOnRecoveryHold({ raised: recoveryHold, databaseChanged: false })).toBe(
      "until the ledger has read every block from 10 to one later than 1970-01-01 00:00:05 UTC: restored",
    );
  });
});

import { describe, expect, it } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { LEDGER_AGE_MS_MAX, livenessProblem, type LivenessFacts } from "./liveness.ts";

const NOW = 1_800_000_000_000;
const OVERDUE_MS_MAX = 1_800_000;
const well: LivenessFacts = {
  cursor: { blockTimeMs: millis(NOW - 60_000) },
  recoveryHold: { raised: undefined, databaseChanged: false },
  paymentsOn: true,
  payerLeads: true,
  oldestUnpaidMs: millis(NOW - 60_000),
};
const silence = (change: Partial<LivenessFacts>) =>
  livenessProblem({ ...well, ...change }, { nowMs: NOW, overdueMsMax: OVERDUE_MS_MAX });

describe("the liveness ping", () => {
  it("beats while payments get on, and while nothing is due", () => {
    expect(silence({})).toBeUndefined();
    expect(silence({ oldestUnpaidMs: undefined })).toBeUndefined();
    expect(silence({ oldestUnpaidMs: millis(NOW + 86_400_000) })).toBeUndefined();
  });

  it.each([
    ["no_block_yet", { cursor: undefined }],
    ["ledger_behind", { cursor: { blockTimeMs: millis(NOW - LEDGER_AGE_MS_MAX - 1) } }],
    ["recovery_hold", { recoveryHold: { raised: undefined, databaseChanged: true } }],
    ["payments_off", { paymentsOn: false }],
    ["payer_away", { payerLeads: false }],
    ["payout_overdue", { oldestUnpaidMs: millis(NOW - 60_000 - OVERDUE_MS_MAX - 1) }],
  ] as const)("is silent and says %s", (reason, change) => {
    expect(silence(change)).toBe(reason);
  });

  it("is not silent a moment before", () => {
    expect(silence({ cursor: { blockTimeMs: millis(NOW - LEDGER_AGE_MS_MAX) } })).toBeUndefined();
    expect(silence({ oldestUnpaidMs: millis(NOW - 60_000 - OVERDUE_MS_MAX) })).toBeUndefined();
  });

  it("does not compare clocks where the chain's time runs at a rate of its own", () => {
    const signs = { ...well, cursor: { blockTimeMs: millis(0) }, oldestUnpaidMs: undefined };
    expect(livenessProblem(signs, { nowMs: undefined, overdueMsMax: OVERDUE_MS_MAX })).toBeUndefined();
    expect(livenessProblem(signs, { nowMs: NOW, overdueMsMax: OVERDUE_MS_MAX })).toBe("ledger_behind");
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import type { OpenPayout } from "../ledger/ledger.ts";
import type { PaymentLane, PayoutId } from "../rules/payout.ts";
import { DuePayouts } from "./due-payouts.ts";
import { RecentlySent } from "./recently-sent.ts";

let clock: ManualClock;
let ledger: Record<PaymentLane, OpenPayout[]>;
let due: DuePayouts;
beforeEach(() => {
  clock = new ManualClock(1_000_000);
  ledger = { programme: [], returns: [] };
  due = new DuePayouts(
    {
      open: async ({ lane, after, limit, untouched }) => {
        expect(untouched).toBe(true);
        return ledger[lane].filter(({ dueMs }) => after === undefined || dueMs > after.dueMs).slice(0, limit);
      },
    },
    clock,
  );
});

const id = (n: number) => `payout-${n}` as PayoutId;
const owe = (n: number, lane: PaymentLane = "programme"): void =>
  void ledger[lane].push({ id: id(n), dueMs: millis(n), status: "due" });

describe("payouts that are due", () => {
  it("come in pages, oldest first, and from the beginning when all have come", async () => {
    for (let n = 1; n <= 5; n++) owe(n);
    expect(await due.next(2)).toEqual([id(1), id(2)]);
    expect(await due.next(2)).toEqual([id(3), id(4)]);
    expect(await due.next(2)).toEqual([id(5)]);
    expect(await due.next(2)).toEqual([id(1), id(2)]);
  });

  it("are what the programme owes before what strangers get back", async () => {
    owe(1, "returns");
    owe(2, "returns");
    for (let n = 3; n <= 5; n++) owe(n);
    expect(await due.next(2)).toEqual([id(3), id(4)]);
    expect(await due.next(2)).toEqual([id(5), id(1)]);
  });

  it("are left alone for a while when none of them could go", async () => {
    owe(1);
    expect(await due.next(2)).toEqual([id(1)]);
    due.rest();
    expect(await due.next(2)).toEqual([]);
    clock.advance(5_000);
    expect(await due.next(2)).toEqual([id(1)]);
    due.rest();
    due.goOn();
    expect(await due.next(2)).toEqual([id(1)]);
  });
});

describe("what was sent a moment ago", () => {
  it("is remembered for five seconds, and not when the clock was set back", () => {
    const sent = new RecentlySent(clock);
    sent.add(id(1));
    expect(sent.has(id(1))).toBe(true);
    expect(sent.has(id(2))).toBe(false);
    clock.advance(5_001);
    expect(sent.has(id(1))).toBe(false);
    sent.add(id(2));
    expect([sent.has(id(1)), sent.has(id(2))]).toEqual([false, true]);
    clock.advance(-60_000);
    expect(sent.has(id(2))).toBe(false);
  });
});

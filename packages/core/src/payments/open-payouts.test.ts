import { beforeEach, describe, expect, it } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import type { OpenPayout } from "../ledger/ledger.ts";
import type { PayoutId } from "../rules/payout.ts";
import { JOB_GRACE_MS, OpenPayouts } from "./open-payouts.ts";

let clock: ManualClock;
let ledger: OpenPayout[];
let junk: OpenPayout[];
let open: OpenPayouts;
beforeEach(() => {
  clock = new ManualClock(1_000_000);
  ledger = [];
  junk = [];
  open = new OpenPayouts(
    {
      open: async ({ lane, after, limit }) =>
        (lane === "programme" ? ledger : junk)
          .filter(({ dueMs }) => after === undefined || dueMs > after.dueMs)
          .slice(0, limit),
    },
    clock,
  );
});

const id = (n: number) => `payout-${n}` as PayoutId;
const owe = (n: number, status: OpenPayout["status"] = "due"): void =>
  void ledger.push({ id: id(n), dueMs: millis(n), status });
/** All pages, once. */
async function overdue(): Promise<readonly PayoutId[]> {
  const found: PayoutId[] = [];
  for (;;) {
    const page = await open.look();
    found.push(...page.overdue);
    if (page.isLast) return found;
  }
}

/** Jobs as the scheduler makes them for a debt that is frozen, say. @returns the seconds at which the queue seemed not to be served */
async function forAnHour(): Promise<readonly number[]> {
  const unserved: number[] = [];
  let [nextS, gapS] = [0, 10];
  for (let nowS = 0; nowS <= 3_600; nowS += 5) {
    if (nowS >= nextS) {
      open.jobCame(id(1), true);
      nextS = nowS + gapS;
      gapS = Math.min(160, gapS * 2);
    }
    for (const late of await overdue()) open.handled(late);
    if (!open.isQueueServed) unserved.push(nowS);
    clock.advance(5_000);
  }
  return unserved;
}

describe("a payout that is open in the ledger", () => {
  it("is left to its job for half a minute, and then not", async () => {
    owe(1);
    expect(await overdue()).toEqual([]);
    clock.advance(JOB_GRACE_MS);
    expect(await overdue()).toEqual([]);
    clock.advance(1);
    expect(await overdue()).toEqual([id(1)]);
    expect(open.isQueueServed).toBe(false);
  });

  it("is left alone after it was handled, for as long again", async () => {
    owe(1);
    await overdue();
    clock.advance(JOB_GRACE_MS + 1);
    open.handled(id(1));
    expect(await overdue()).toEqual([]);
    clock.advance(JOB_GRACE_MS + 1);
    expect(await overdue()).toEqual([id(1)]);
  });

  it("waits for its turn while jobs of others come, and not for ever", async () => {
    owe(1);
    for (let n = 2; n <= 20; n++) owe(n);
    await overdue();
    for (let n = 2; n <= 11; n++) {
      clock.advance(11_000);
      open.jobCame(id(n), true);
      expect(await overdue()).not.toContain(id(1));
    }
    clock.advance(11_000);
    expect(await overdue()).toContain(id(1));
  });

  it("is found on every page", async () => {
    for (let n = 1; n <= 450; n++) owe(n);
    await overdue();
    clock.advance(JOB_GRACE_MS + 1);
    expect(await overdue()).toHaveLength(450);
  });

  it.each(["sent", "waiting_funds"] as const)("and %s is less urgent", async (status) => {
    owe(1, status);
    await overdue();
    clock.advance(JOB_GRACE_MS + 1);
    expect(await overdue()).toEqual([]);
    clock.advance(600_000);
    expect(await overdue()).toEqual([id(1)]);
  });
});

describe("what the programme owes", () => {
  it("is looked at each time, however much strangers are to be given back", async () => {
    for (let n = 1; n <= 2_000; n++) junk.push({ id: id(n), dueMs: millis(n), status: "due" });
    await overdue();
    owe(9_999);
    await open.look();
    clock.advance(JOB_GRACE_MS + 1);
    const look = await open.look();
    expect(look.overdue).toEqual([id(9_999)]);
    expect(look.returns).toHaveLength(200);
    expect(look.isLast).toBe(false);
  });
});

describe("a queue is not served", () => {
  it("by one job that comes again and again, nor by jobs for what is not open", async () => {
    owe(1);
    owe(2);
    await overdue();
    for (let n = 0; n < 10; n++) {
      clock.advance(4_000);
      open.jobCame(id(1), true);
      open.jobCame(id(99), false);
      await overdue();
    }
    expect(open.isQueueServed).toBe(false);
    expect(await overdue()).toEqual([id(2)]);
  });

  it("when the jobs of a debt that could not go stop coming", async () => {
    owe(1);
    await forAnHour();
    clock.advance(480_001);
    await overdue();
    expect(open.isQueueServed).toBe(false);
    open.jobCame(id(1), true);
    expect(open.isQueueServed).toBe(true);
  });

  it("but it is while the jobs of a debt that cannot go become rare", async () => {
    owe(1);
    expect(await forAnHour()).toEqual([]);
  });

  it("when nothing is open it is", async () => {
    clock.advance(JOB_GRACE_MS * 10);
    await overdue();
    expect(open.isQueueServed).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { operation } from "@stakebts/testkit/given";
import type { NewJob } from "../queue/queue.ts";
import type { PayoutId } from "../rules/payout.ts";
import { groupPayouts, jobForPayout, jobForTransfer, PAYOUTS_PER_JOB } from "./jobs.ts";

const payoutId = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}` as PayoutId;
const jobs = (from: number, to: number, lane: "programme" | "returns" = "programme") =>
  Array.from({ length: to - from + 1 }, (_, i) => jobForPayout(payoutId(from + i), "owed", lane));
const named = (job: NewJob) =>
  job.kind === "payout.pay" ? [job.data.payoutId, ...(job.data.also ?? [])] : [];

describe("the jobs of many payouts", () => {
  it("become few, and name every payout in its order", () => {
    const grouped = groupPayouts(jobs(1, 2 * PAYOUTS_PER_JOB + 1));
    expect(grouped.map((job) => named(job).length)).toEqual([PAYOUTS_PER_JOB, PAYOUTS_PER_JOB, 1]);
    expect(grouped.flatMap(named)).toEqual(jobs(1, 2 * PAYOUTS_PER_JOB + 1).flatMap(named));
  });

  it("stay apart when some come after all others, or something else stands between them", () => {
    const transfer = jobForTransfer(operation(7));
    const grouped = groupPayouts([...jobs(1, 2), ...jobs(3, 4, "returns"), transfer, ...jobs(5, 6)]);
    expect(grouped.map(named)).toEqual([
      [payoutId(1), payoutId(2)],
      [payoutId(3), payoutId(4)],
      [],
      [payoutId(5), payoutId(6)],
    ]);
    expect(grouped[1]).toMatchObject({ data: { later: true } });
    expect(grouped[2]).toBe(transfer);
  });

  it("have the same id when they are put again, and another one when there are more of them", () => {
    const [once] = groupPayouts(jobs(1, 3));
    expect(groupPayouts(jobs(1, 3))[0]?.id).toBe(once?.id);
    expect(groupPayouts(jobs(1, 4))[0]?.id).not.toBe(once?.id);
  });

  it("of one payout is as it was", () => {
    const [one] = jobs(1, 1);
    expect(groupPayouts(jobs(1, 1))).toEqual([one]);
  });
});

import { describe, expect, it } from "vitest";
import { runSeed } from "./run-seed.ts";
import type { Safeguard } from "./safeguards.ts";

// More of them: test/long/simulator.long.test.ts, and `npm run sim`.
const SEEDS = 80;

describe("the simulator", () => {
  it("finds nothing wrong in the first simulations", { timeout: 120_000 }, async () => {
    let payments = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runSeed(seed);
      expect(result.wrong, `seed ${seed}`).toEqual([]);
      payments += result.payments;
    }
    expect(payments).toBeGreaterThan(10 * SEEDS);
  });

  it("runs the same simulation for the same seed, to the last event, and another one for another", async () => {
    const [first, again, other] = [await runSeed(7), await runSeed(7), await runSeed(8)];
    expect(again).toEqual(first);
    expect(other.traceHash).not.toBe(first.traceHash);
  });
});

// An auditor that finds nothing may be blind. Without a safeguard he has to see what it is there for.
describe.each<[Safeguard, RegExp, number]>([
  ["save-then-send", /paid twice|contradicted/u, 400],
  ["one-live", /paid twice/u, 20],
  ["epoch", /signed by a payer that is over/u, 100],
  ["recovery-hold", /paid twice/u, 400],
  ["due-first", /the rules owe|paid and not owed/u, 300],
  ["repeat-nonrepeatable", /asked twice/u, 200],
  ["final-blocks", /the rules owe|paid twice|disagrees/u, 100],
  ["own-look", /is due/u, 20],
  ["memo-key", /the rules owe|paid and not owed|incoming \S+ is (?:refunded|kept)/u, 60],
  ["common-cause", /failed for a cause that concerns everyone/u, 60],
  ["authority-check", /signed without authority/u, 60],
  ["key-kept", /spend\.unexplained/u, 20],
])("without %s", (without, finding, seeds) => {
  it("what it prevents is found", { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++)
      if ((await runSeed(seed, { without })).wrong.some((what) => finding.test(what))) return;
    expect.fail(`nothing was noticed in ${seeds} simulations`);
  });
});

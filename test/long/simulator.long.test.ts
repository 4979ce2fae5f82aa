import { runSeed } from "@stakebts/testkit/simulator/run-seed";
import { expect, it } from "vitest";

it("the simulator finds nothing wrong in a few hundred simulations", async () => {
  let payments = 0;
  for (let seed = 41; seed <= 480; seed++) {
    const result = await runSeed(seed);
    expect(result.wrong, `seed ${seed}`).toEqual([]);
    payments += result.payments;
  }
  expect(payments).toBeGreaterThan(4_000);
});

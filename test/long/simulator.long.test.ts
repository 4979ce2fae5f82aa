import { runSeed } from "@stakebts/testkit/simulator/run-seed";
import { expect, it } from "vitest";

it("the simulator finds nothing wrong in a hundred simulations more", { timeout: 600_000 }, async () => {
  let payments = 0;
  for (let seed = 13; seed <= 120; seed++) {
    const result = await runSeed(seed);
    expect(result.wrong, `seed ${seed}`).toEqual([]);
    payments += result.payments;
  }
  expect(payments).toBeGreaterThan(2_000);
});

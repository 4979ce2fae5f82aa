import { describe, expect, it } from "vitest";
import { BREAKS } from "../../chaos/breaks.ts";
import { type ChaosResult, isSound, runChaos, summary } from "../../chaos/run.ts";

// A few rounds of `npm run chaos`, and of what it must notice. Another seed each time: a test that fails says which.

const MINUTES_MS = 60_000;
const seed = Date.now() % 1_000_000;

async function chaos(options: { rounds: number; faultsMs: number; without?: string }) {
  const { without: name, rounds, faultsMs } = options;
  const without = BREAKS.find((each) => each.name === name);
  const said: string[] = [`seed ${seed}`];
  const result = await runChaos({
    rounds,
    seed,
    faultsMs,
    calmMs: 90_000,
    without,
    log: (line) => said.push(line),
  });
  return { result, said: [...said, summary(result)].join("\n") };
}

const wrong = ({ paidTwice, lost, stuck, wrong: other }: ChaosResult) => ({ paidTwice, lost, stuck, other });

describe("real processes when everything goes wrong at once", () => {
  it(
    "pay everybody exactly once",
    async () => {
      const { result, said } = await chaos({ rounds: 2, faultsMs: 6_000 });
      expect(wrong(result), said).toEqual({ paidTwice: 0, lost: 0, stuck: 0, other: 0 });
      expect(result.payouts, said).toBeGreaterThan(20);
    },
    5 * MINUTES_MS,
  );

  for (const without of ["save-then-send", "dead-too-early"])
    it(
      `are caught paying twice without ${without}`,
      async () => {
        const { result, said } = await chaos({ rounds: 3, faultsMs: 4_000, without });
        expect(isSound(result), said).toBe(false);
        expect(result.paidTwice, said).toBeGreaterThan(0);
      },
      5 * MINUTES_MS,
    );
});

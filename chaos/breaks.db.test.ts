import { describe, expect } from "vitest";
import { BREAKS } from "./breaks.ts";
import { takeAway } from "./chaos-database.ts";
import { mutatedWorkers } from "./mutated-workers.ts";
import { test } from "@stakebts/testkit/database";

// Whoever moves a safeguard moves its break too, and hears of it here and not when somebody runs them.
describe("a break of npm run chaos finds its safeguard", () => {
  for (const without of BREAKS)
    test(`for ${without.name}`, async ({ databaseUrl }) => {
      expect(() => mutatedWorkers(without.patches).remove()).not.toThrow();
      await takeAway(databaseUrl, without);
    });
});

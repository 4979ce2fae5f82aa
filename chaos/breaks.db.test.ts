import { describe, expect } from "vitest";
import { BREAKS } from "./breaks.ts";
import { takeAway } from "./take-away.ts";
import { patchedText } from "../scripts/bundle.ts";
import { test } from "@stakebts/testkit/database";

// A safeguard that is moved takes its break with it: a break that no longer fits fails here, not when it is run.
describe("a break of npm run chaos finds its safeguard", () => {
  for (const without of BREAKS)
    test(`for ${without.name}`, async ({ databaseUrl }) => {
      for (const { file } of without.patches) expect(() => patchedText(file, without.patches)).not.toThrow();
      await takeAway(databaseUrl, without);
    });
});

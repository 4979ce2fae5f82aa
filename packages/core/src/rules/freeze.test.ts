import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import {
  type Freeze,
  FREEZE_LEVELS,
  FREEZE_SOURCES,
  levelOf,
  stopsAccepting,
  stopsPaying,
  whyAcceptsNothing,
  whyPaysNothing,
} from "./freeze.ts";

const freezes = fc.array(
  fc.record({
    source: fc.constantFrom(...FREEZE_SOURCES),
    level: fc.constantFrom(...FREEZE_LEVELS),
    reason: fc.string({ minLength: 1 }),
  }),
);

describe("freezes", () => {
  it("stop what their level says", () => {
    expect(FREEZE_LEVELS.map((level) => [level, stopsPaying(level), stopsAccepting(level)])).toEqual([
      ["pay-nothing", true, false],
      ["accept-nothing", false, true],
      ["all", true, true],
    ]);
  });

  test.prop([freezes])("together stop all that one of them stops, and name it", (all) => {
    const level = levelOf(all);
    const [pays, accepts] = [all.some((f) => stopsPaying(f.level)), all.some((f) => stopsAccepting(f.level))];
    expect(level !== undefined && stopsPaying(level)).toBe(pays);
    expect(level !== undefined && stopsAccepting(level)).toBe(accepts);
    for (const freeze of all as readonly Freeze[]) {
      if (stopsPaying(freeze.level)) expect(whyPaysNothing(all)).toContain(freeze.reason);
      if (stopsAccepting(freeze.level)) expect(whyAcceptsNothing(all)).toContain(freeze.reason);
    }
  });
});

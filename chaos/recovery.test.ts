import { describe, expect, it } from "vitest";
import { replacedOnce } from "../scripts/bundle.ts";
import { Recovery } from "./recovery.ts";

describe("recovery", () => {
  it("is the time from the end of a fault to the first payment of something that was due then", () => {
    const recovery = new Recovery();
    recovery.faultEnded(1_000, new Set(["a", "b"]));
    recovery.saw(1_500, new Set(["a", "b", "c"]));
    recovery.saw(2_500, new Set(["b", "c"]));
    recovery.saw(9_000, new Set());
    expect([50, 95].map((percent) => recovery.percentileMs(percent))).toEqual([1_500, 1_500]);
  });

  it("is nothing where nothing was due", () => {
    const recovery = new Recovery();
    recovery.faultEnded(1_000, new Set());
    recovery.saw(2_000, new Set());
    expect(recovery.percentileMs(50)).toBeUndefined();
  });

  it("is told as percentiles", () => {
    const recovery = new Recovery();
    for (let took = 1; took <= 100; took++) {
      recovery.faultEnded(0, new Set(["a"]));
      recovery.saw(took, new Set());
    }
    expect([50, 95, 100].map((percent) => recovery.percentileMs(percent))).toEqual([50, 95, 100]);
  });
});

describe("a mutation", () => {
  it("replaces its text, dollar signs and all", () => {
    expect(replacedOnce("a b c", { of: "x.js", find: "b", replace: "$& $1" })).toBe("a $& $1 c");
  });

  it("is refused where its text is not there, or is there twice", () => {
    for (const text of ["a c", "b b"])
      expect(() => replacedOnce(text, { of: "x.js", find: "b", replace: "" })).toThrow(
        /x\.js holds the text/u,
      );
  });
});

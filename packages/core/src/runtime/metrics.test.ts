import { describe, expect, it } from "vitest";
import type { Log } from "@stakebts/kernel/log";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { Metrics } from "./metrics.ts";

const given = () => {
  const clock = new ManualClock(1_000_000);
  const warnings: string[] = [];
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (event) => void warnings.push(event),
    error: () => {},
  };
  return { clock, warnings, metrics: new Metrics({ clock, log }) };
};
const FAMILIES = {
  stakebts_depth: { help: "how deep" },
  stakebts_things: { help: "how many", labels: ["kind"] },
} as const;

describe("what is read when a client scrapes", () => {
  it("is exported as it was read", async () => {
    const { metrics } = given();
    metrics.source("well", FAMILIES, async () => ({
      stakebts_depth: 7,
      stakebts_things: [{ labels: { kind: "stone" }, value: 3 }],
    }));
    const text = await metrics.text();
    expect(text).toContain("stakebts_depth 7\n");
    expect(text).toContain('stakebts_things{kind="stone"} 3\n');
    expect(text).toContain('stakebts_source_up{source="well"} 1\n');
  });

  it("is not exported at all when it cannot be read: neither the old value nor a 0", async () => {
    const { clock, metrics, warnings } = given();
    let fails = false;
    metrics.source("well", FAMILIES, async () => {
      if (fails) throw new Error("dry");
      return { stakebts_depth: 7, stakebts_things: [{ labels: { kind: "stone" }, value: 3 }] };
    });
    await metrics.text();
    fails = true;
    for (let scrape = 0; scrape < 3; scrape++) {
      clock.advance(10_000);
      const text = await metrics.text();
      expect(text).not.toMatch(/^stakebts_(?:depth|things)/mu);
      expect(text).toContain('stakebts_source_up{source="well"} 0\n');
    }
    expect(warnings).toEqual(["metrics.source_unreadable"]);
  });

  it("is not exported while its value is not known", async () => {
    const { metrics } = given();
    metrics.source("well", FAMILIES, async () => ({ stakebts_depth: undefined, stakebts_things: [] }));
    expect(await metrics.text()).not.toMatch(/^stakebts_(?:depth|things)/mu);
  });

  it("is read once in ten seconds, however many clients scrape and however often", async () => {
    const { clock, metrics } = given();
    let reads = 0;
    metrics.source("well", FAMILIES, async () => ({ stakebts_depth: ++reads, stakebts_things: [] }));
    await Promise.all(Array.from({ length: 20 }, () => metrics.text()));
    clock.advance(9_999);
    await metrics.text();
    expect(reads).toBe(1);
    clock.advance(1);
    expect(await metrics.text()).toContain("stakebts_depth 2\n");
  });
});

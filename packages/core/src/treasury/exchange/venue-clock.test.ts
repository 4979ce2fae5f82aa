import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { VenueClock } from "./venue-clock.ts";

const HOUR_MS = 3_600_000;

describe("the venue's clock", () => {
  test.prop([fc.array(fc.integer({ min: -5_000, max: 5_000 }), { minLength: 1 })])(
    "gives timestamps that only grow, also when the host's clock goes back",
    (steps) => {
      const host = new ManualClock(1_700_000_000_000);
      const clock = new VenueClock(host);
      let last = 0;
      for (const step of steps) {
        host.advance(step);
        const next = clock.nextTimestampMs();
        expect(next).toBeGreaterThan(last);
        expect(next).toBeGreaterThanOrEqual(host.nowMs());
        last = next;
      }
    },
  );

  it("follows the venue when the host is hours off, and the host when the difference is noise", () => {
    const host = new ManualClock(1_700_000_000_000);
    const clock = new VenueClock(host);
    clock.synchronise({ serverTimeMs: host.nowMs() + 5 * HOUR_MS, askedAtMs: host.nowMs() });
    expect(clock.nextTimestampMs()).toBe(host.nowMs() + 5 * HOUR_MS);
    const other = new VenueClock(host);
    other.synchronise({ serverTimeMs: host.nowMs() - 999, askedAtMs: host.nowMs() });
    expect(other.nextTimestampMs()).toBe(host.nowMs());
  });

  it("does not go on from the timestamps of a host that was hours ahead", () => {
    const host = new ManualClock(1_700_000_000_000);
    const clock = new VenueClock(host);
    const believed = clock.nextTimestampMs();
    clock.believed("answered");
    host.advance(7 * HOUR_MS);
    clock.nextTimestampMs();
    // Rounded down to the second, the venue's time is before the timestamp that it has believed.
    clock.synchronise({ serverTimeMs: believed - 700, askedAtMs: host.nowMs() });
    expect(clock.nextTimestampMs()).toBe(believed + 1);
    host.advance(1_000);
    expect(clock.nextTimestampMs()).toBe(believed + 300);
  });

  it("goes on from a timestamp that was perhaps believed, until the venue doubts it", () => {
    const host = new ManualClock(1_700_000_000_000);
    const clock = new VenueClock(host);
    host.advance(HOUR_MS);
    const perhaps = clock.nextTimestampMs();
    clock.believed("perhaps");
    const venueMs = host.nowMs() - HOUR_MS;
    clock.synchronise({ serverTimeMs: venueMs, askedAtMs: host.nowMs() });
    expect(clock.nextTimestampMs()).toBe(perhaps + 1);
    clock.doubt();
    clock.synchronise({ serverTimeMs: venueMs, askedAtMs: host.nowMs() });
    expect(clock.nextTimestampMs()).toBe(venueMs);
  });

  it("is asked for at first, after an hour, when the host's clock was set, and when it is doubted", () => {
    const host = new ManualClock(1_700_000_000_000);
    const clock = new VenueClock(host);
    const synchronise = () => clock.synchronise({ serverTimeMs: host.nowMs(), askedAtMs: host.nowMs() });
    expect(clock.isStale()).toBe(true);
    synchronise();
    expect(clock.isStale()).toBe(false);
    host.advance(HOUR_MS + 1);
    expect(clock.isStale()).toBe(true);
    synchronise();
    host.advance(-2 * HOUR_MS);
    expect(clock.isStale()).toBe(true);
    synchronise();
    clock.doubt();
    expect(clock.isStale()).toBe(true);
  });
});

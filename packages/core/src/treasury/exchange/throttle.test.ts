import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { Throttle } from "./throttle.ts";

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % MINUTE_MS);

/** How long the throttle stays quiet from now on. */
async function quietMs(throttle: Throttle, clock: ManualClock): Promise<number> {
  const fromMs = clock.nowMs();
  while (!(await throttle.turn())) clock.advance(100);
  return clock.nowMs() - fromMs;
}

describe("the throttle", () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 100 })])(
    "lets no more calls through in any minute than allowed",
    async (pauses) => {
      const clock = new ManualClock(START_MS);
      const throttle = new Throttle({ clock, callsPerMinute: 5 });
      const times: number[] = [];
      for (const pause of pauses) {
        clock.advance(pause);
        expect(await throttle.turn()).toBe(true);
        times.push(clock.nowMs());
      }
      for (const [i, time] of times.entries()) {
        const fiveBefore = times[i - 5];
        if (fiveBefore !== undefined) expect(time - fiveBefore).toBeGreaterThanOrEqual(MINUTE_MS);
      }
    },
  );

  it("leaves a venue alone that has complained: for the rest of its minute", async () => {
    const clock = new ManualClock(START_MS + 20_000);
    const throttle = new Throttle({ clock, callsPerMinute: 60 });
    throttle.complained(clock.nowMs());
    expect(await quietMs(throttle, clock)).toBe(40_000);
  });

  it("leaves it alone for twice as long with each further complaint, up to a quarter of an hour", async () => {
    const clock = new ManualClock(START_MS);
    const throttle = new Throttle({ clock, callsPerMinute: 60 });
    const waits: number[] = [];
    for (let complaint = 0; complaint < 12; complaint++) {
      clock.advance(MINUTE_MS - 1 - (clock.nowMs() % MINUTE_MS)); // the end of a minute: what is left of it is nothing
      throttle.complained(clock.nowMs());
      waits.push(await quietMs(throttle, clock));
    }
    expect(waits).toEqual(
      [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900].map((seconds) => seconds * 1_000),
    );
    throttle.contented();
    clock.advance(MINUTE_MS - 1 - (clock.nowMs() % MINUTE_MS));
    throttle.complained(clock.nowMs());
    expect(await quietMs(throttle, clock)).toBe(2_000);
  });

  it("is not stuck for hours by a clock that was set back", async () => {
    const clock = new ManualClock(START_MS);
    const throttle = new Throttle({ clock, callsPerMinute: 1 });
    expect(await throttle.turn()).toBe(true);
    throttle.complained(clock.nowMs());
    clock.advance(-10 * 60 * MINUTE_MS);
    expect(await throttle.turn()).toBe(true);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRequestPace, type RequestPace } from "./request-pace.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A client that asks as fast as it may, one question in two milliseconds at most, a node that takes so many in any second. */
async function ask(pace: RequestPace, { perSecond, seconds }: { perSecond: number; seconds: number }) {
  let [answered, refused] = [0, 0];
  let times: number[] = [];
  let isOver = false;
  const client = (async () => {
    while (!isOver) {
      await pace.turn();
      const now = performance.now();
      times = times.filter((time) => time > now - 1_000);
      times.push(now);
      if (times.length > perSecond) {
        refused++;
        pace.limited();
      } else {
        answered++;
        pace.answered();
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  await vi.advanceTimersByTimeAsync(seconds * 1_000);
  isOver = true;
  await vi.advanceTimersByTimeAsync(10_000);
  await client;
  return { answered, refused };
}

describe("the pace at which a node is asked", () => {
  it.each([3, 5, 20, 50, 100])("is found, for one that takes %i requests in a second", async (perSecond) => {
    const pace = createRequestPace();
    const seconds = 120;
    const { answered, refused } = await ask(pace, { perSecond, seconds });
    expect(answered).toBeGreaterThan(perSecond * seconds * 0.55);
    expect(refused).toBeLessThan(seconds / 5);
  });

  it("is as fast as requests come, for one that takes all", async () => {
    const pace = createRequestPace();
    const { answered } = await ask(pace, { perSecond: Infinity, seconds: 10 });
    expect(pace.perSecond).toBeUndefined();
    expect(answered).toBeGreaterThan(4_500);
  });

  it("grows again when the node takes more", async () => {
    const pace = createRequestPace();
    await ask(pace, { perSecond: 20, seconds: 10 });
    expect(pace.perSecond).toBeLessThan(21);
    await ask(pace, { perSecond: 200, seconds: 120 });
    expect(pace.perSecond).toBeGreaterThan(60);
  });

  it("is never more than is set, and less where the node takes less", async () => {
    const pace = createRequestPace(40);
    const { answered } = await ask(pace, { perSecond: Infinity, seconds: 10 });
    expect(answered).toBeLessThan(41 * 20);
    expect(pace.perSecond).toBe(40);
    await ask(pace, { perSecond: 10, seconds: 10 });
    expect(pace.perSecond).toBeLessThan(11);
  });

  it("is not changed by a node that goes away while it is asked little", async () => {
    const pace = createRequestPace();
    for (let i = 0; i < 5; i++) await pace.turn();
    pace.answered();
    expect(pace.limited()).toBe(false);
    expect(pace.perSecond).toBeUndefined();
  });
});

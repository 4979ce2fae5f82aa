import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startDeadline } from "./deadline.ts";

/** The clock goes on without the timers getting their turn. */
function holdUp(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
  const real = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => real + ms);
}

describe("a deadline", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => vi.useRealTimers().restoreAllMocks());

  it("comes when the time is over, and not before", () => {
    const reached = vi.fn();
    startDeadline(5_000, reached);
    vi.advanceTimersByTime(4_990);
    expect(reached).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20);
    expect(reached).toHaveBeenCalledOnce();
  });

  it("does not come when it was cancelled", () => {
    const reached = vi.fn();
    const deadline = startDeadline(1_000, reached);
    vi.advanceTimersByTime(600);
    deadline.cancel();
    vi.advanceTimersByTime(10_000);
    expect(reached).not.toHaveBeenCalled();
  });

  it("does not count the time in which this process was held up", () => {
    const reached = vi.fn();
    startDeadline(5_000, reached);
    vi.advanceTimersByTime(1_000);
    holdUp(60_000);
    vi.advanceTimersByTime(250); // the tick that comes a minute late
    expect(reached).not.toHaveBeenCalled();
  });
});

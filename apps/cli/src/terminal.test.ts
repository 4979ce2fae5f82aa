import { describe, expect, it } from "vitest";
import { progressLine, progressOf } from "./terminal.ts";

const at = (done: number, total: number, elapsedMs: number) =>
  progressLine("blocks", { done, total, elapsedMs });

describe("progress", () => {
  it("says how far, how fast and how long", () => {
    expect(at(12_000, 50_000, 15_000)).toBe("blocks: 12000 of 50000 (24 %), 800/s, 48 s left");
    expect(at(1_000, 1_000_000, 1_000_000)).toBe("blocks: 1000 of 1000000 (0 %), 1.0/s, 12 days left");
    expect(at(100, 400, 60_000)).toBe("blocks: 100 of 400 (25 %), 1.7/s, 3 min left");
  });

  it("never divides by nothing", () => {
    expect(at(0, 10, 0)).toBe("blocks: 0 of 10 (0 %), 0.0/s");
    expect(at(0, 0, 0)).toBe("blocks: 0 of 0 (100 %), 0.0/s");
  });

  it("is a line now and then in a file, and one line in its own place on a terminal", () => {
    const run = (isTerminal: boolean) => {
      let nowMs = 0;
      const lines: string[] = [];
      const say = (line: string): void => void lines.push(line);
      const terminal = { note: say, rewrite: isTerminal ? say : undefined };
      const { onProgress, end } = progressOf({ terminal, clock: { nowMs: () => nowMs } }, "blocks");
      for (let done = 0; done <= 250; done++) {
        nowMs = done * 100;
        onProgress(done, 250);
      }
      end();
      return lines;
    };
    expect(run(false)).toHaveLength(2);
    expect(run(true).length).toBeGreaterThan(100);
    expect(run(true).at(-1)).toBe("");
  });
});

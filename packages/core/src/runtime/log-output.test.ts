import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LogOutput, logOutputOn } from "./log-output.ts";

/** A pipe that holds so many bytes until a reader takes them. */
class Pipe {
  taken = "";
  #room: number;
  problem: string | undefined;

  constructor(room = Infinity) {
    this.#room = room;
  }

  readonly write = (bytes: Uint8Array): number => {
    if (this.problem !== undefined) throw Object.assign(new Error(this.problem), { code: this.problem });
    if (this.#room === 0) throw Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
    const part = bytes.subarray(0, this.#room);
    this.#room -= part.length;
    this.taken += Buffer.from(part).toString();
    return part.length;
  };

  makeRoom(room: number): void {
    this.#room = room;
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const lines = (output: LogOutput, count: number, line = "0123456789\n"): void => {
  for (let n = 0; n < count; n++) output.write(line);
};

describe("a log whose reader", () => {
  it("reads is written at once", () => {
    const pipe = new Pipe();
    lines(logOutputOn(pipe.write), 2);
    expect(pipe.taken).toBe("0123456789\n0123456789\n");
  });

  it("is slow keeps nothing waiting, and is whole and in order when it has read", () => {
    const pipe = new Pipe(5);
    const output = logOutputOn(pipe.write);
    for (let n = 0; n < 100; n++) output.write(`line ${n}\n`);
    expect(pipe.taken).toBe("line ");
    pipe.makeRoom(Infinity);
    vi.runAllTimers();
    expect(pipe.taken).toBe(Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(""));
  });

  it("does not read at all costs a few megabytes, and says later how many lines were dropped", () => {
    const pipe = new Pipe(0);
    const output = logOutputOn(pipe.write);
    const line = `${"x".repeat(1023)}\n`;
    lines(output, 5_000, line);
    pipe.makeRoom(Infinity);
    vi.runOnlyPendingTimers();
    expect(pipe.taken.startsWith(line.repeat(4_096))).toBe(true);
    const last: unknown = JSON.parse(pipe.taken.slice(4_096 * 1_024));
    expect(last).toMatchObject({ event: "log.lines_dropped", lines: 904 });
  });

  it("is gone is forgotten", () => {
    const pipe = new Pipe(0);
    const output = logOutputOn(pipe.write);
    lines(output, 3);
    pipe.problem = "EPIPE";
    vi.runOnlyPendingTimers();
    lines(output, 3);
    output.flush();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is a full disk gets what waited when there is room again", () => {
    const pipe = new Pipe();
    const output = logOutputOn(pipe.write);
    pipe.problem = "ENOSPC";
    lines(output, 1);
    pipe.problem = undefined;
    vi.runOnlyPendingTimers();
    expect(pipe.taken).toBe("0123456789\n");
  });

  it("does not read holds up the end of a process for half a second, and no longer", () => {
    const output = logOutputOn(new Pipe(0).write);
    lines(output, 1);
    const startMs = performance.now();
    output.flush();
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });
});

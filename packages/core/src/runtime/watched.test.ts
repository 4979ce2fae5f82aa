import { describe, expect, it } from "vitest";
import { type Call, watched } from "./watched.ts";

class Port {
  readonly #answer = 7;
  readonly part = {
    ask: () => Promise.resolve(this.#answer),
    fail: () => Promise.reject(new Error("no")),
  };

  now(): number {
    return this.#answer;
  }
}

describe("a port that is watched", () => {
  it("tells of the calls of its methods and of those of its parts, and answers as before", async () => {
    const told: [string, unknown][] = [];
    const tell = (name: string) => (call: Call) => void told.push([name, call.answer]);
    const port = watched(new Port(), {
      now: tell("now"),
      part: { ask: tell("ask"), fail: tell("fail") },
    });
    expect(port.now()).toBe(7);
    expect(await port.part.ask()).toBe(7);
    await expect(port.part.fail()).rejects.toThrow("no");
    expect(told).toEqual([
      ["now", 7],
      ["ask", 7],
      ["fail", undefined],
    ]);
  });

  it("lets calls through of which nothing is to be told", async () => {
    const port = watched(new Port(), { part: {} });
    expect(port.now()).toBe(7);
    expect(await port.part.ask()).toBe(7);
  });
});

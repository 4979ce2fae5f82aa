import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inTurns } from "./step-turns.ts";

describe("a step of the payer", () => {
  it("is begun when the one before it has saved, and sends when that one has heard", async () => {
    const said: string[] = [];
    const answers: (() => void)[] = [];
    const begin = inTurns(async (name: string, turn) => {
      said.push(`${name} begins`);
      await setImmediate();
      said.push(`${name} saves`);
      turn.saved(1);
      await turn.before;
      said.push(`${name} sends`);
      await new Promise<void>((resolve) => answers.push(resolve));
      return name;
    });
    const steps = ["a", "b", "c"].map(begin);
    for (let heard = 0; heard < 3;) {
      await setImmediate();
      const answer = answers[heard];
      if (answer === undefined || said.length < [4, 7, 9][heard]!) continue;
      answer();
      heard++;
    }
    expect(await Promise.all(steps.map(({ done }) => done))).toEqual(["a", "b", "c"]);
    expect(said.indexOf("b begins")).toBeGreaterThan(said.indexOf("a saves"));
    expect(said.indexOf("b begins")).toBeLessThan(said.indexOf("b sends"));
    expect(said.filter((what) => what.endsWith("sends"))).toEqual(["a sends", "b sends", "c sends"]);
  });

  it("is begun also when the one before it failed, before or after it has saved", async () => {
    const begin = inTurns(async (fails: "early" | "late" | "never", turn) => {
      if (fails === "early") throw new Error("early");
      turn.saved(1);
      await turn.before;
      if (fails === "late") throw new Error("late");
      return fails;
    });
    const [early, late, never] = [begin("early"), begin("late"), begin("never")];
    await expect(early.done).rejects.toThrow("early");
    await expect(late.done).rejects.toThrow("late");
    expect(await never.done).toBe("never");
    expect(await early.saved).toBe(0);
    expect(await late.saved).toBe(1);
  });
});

import { expect, it } from "vitest";
import { Progress } from "./progress.ts";
import { endWhenStuck } from "./stuck-loops.ts";

it("ends a process whose loop never comes back, and says which; not one that was late once", async () => {
  let nowMs = 0;
  const progress = new Progress({ nowMs: () => nowMs });
  progress.expect("pay", 100);
  let looks = 0;
  const looked = {
    stuck: () => {
      looks += 1;
      // Late at the second look alone, and from the fifth for good.
      nowMs = looks === 2 || looks >= 5 ? 200 : 0;
      return progress.stuck();
    },
  };
  const loops = await new Promise((resolve) => {
    endWhenStuck(looked, resolve, { lookMs: 1, looksMax: 3 });
  });
  expect({ loops, looks }).toEqual({ loops: ["pay"], looks: 7 });
});

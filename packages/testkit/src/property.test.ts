import { expect, it } from "vitest";
import { fc, test } from "./property.ts";

const seen: [number, string][] = [];
test.prop([fc.nat(), fc.string()], { seed: 42, numRuns: 7 })("a property", (number, text) => {
  seen.push([number, text]);
});

it("is asked of so many values, and its title names the seed", ({ task }) => {
  expect(seen).toHaveLength(7);
  expect(task.file.tasks.map(({ name }) => name)).toContain("a property (with seed=42)");
});

import { describe, expect, it } from "vitest";
import { type Finding, findingAt, inputAt, runInput } from "./fuzz.ts";
import type { Breakage } from "./target.ts";
import { TARGETS } from "./targets/index.ts";

const SEED = 7;
/** For all targets together, shared out by weight. Time is not judged here: others share this machine. */
const INPUTS = 20_000;
const WEIGHTS = TARGETS.reduce((sum, { weight }) => sum + weight, 0);

async function findings(
  name: string,
  { inputs, broken }: { readonly inputs: number; readonly broken?: Breakage },
): Promise<readonly Finding[]> {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const open = await target.open({ broken });
  try {
    for (let index = 0; index < inputs; index++) {
      const input = inputAt(open, name, SEED, index);
      const { error } = await runInput(open, input, { measured: false });
      if (error !== undefined) return [await findingAt(open, { index, input, error })];
    }
    return [];
  } finally {
    await open.close?.();
  }
}

describe("hostile input", () => {
  it.each(TARGETS.map(({ name, about, weight }) => ({ name, about, weight })))(
    "$name: $about",
    { timeout: 180_000 },
    async ({ name, weight }) => {
      expect(await findings(name, { inputs: Math.ceil((INPUTS * weight) / WEIGHTS) })).toEqual([]);
    },
  );

  it("is the same for the same seed and index, and another for another", () => {
    for (const target of TARGETS) {
      if (target.name !== "memo") continue;
      const open = target.open({ broken: undefined });
      if (open instanceof Promise) throw new Error("opened at once");
      const inputs = [inputAt(open, "memo", 1, 5), inputAt(open, "memo", 1, 5), inputAt(open, "memo", 1, 6)];
      expect(inputs[1]).toEqual(inputs[0]);
      expect(inputs[2]).not.toEqual(inputs[0]);
    }
  });
});

// Fuzzing that finds nothing may be blind. With a bug put in it has to see it.
describe.each<[Breakage, string, RegExp]>([
  ["surrogate", "memo", /URIError/u],
  ["skipped-operation", "block", /shares came in and \d+ are recorded/u],
  ["negative-amount", "block", /a transfer of an amount that no column takes/u],
  ["echoed-secret", "settings", /it has told a/u],
])("with the bug %s", (broken, name, what) => {
  it("it is found", { timeout: 180_000 }, async () => {
    const [found] = await findings(name, { inputs: 20_000, broken });
    expect(found?.what).toMatch(what);
  });
});

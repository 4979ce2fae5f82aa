import * as fc from "fast-check";
import { test as base } from "vitest";

// `@fast-check/vitest` gives a test the same `prop`, and one to each combination of `skip`, `only`, `concurrent` and the others
// when it is loaded, which takes seconds in each process that runs tests.

/**
 * A test that a property holds for all values of the arbitraries, given to it in their order. The title names the seed with which
 * a failure comes back: `{ seed }` as a parameter. Hooks run once for the test, not for each of the values.
 */
const prop =
  <Values extends [unknown, ...unknown[]]>(
    arbitraries: { readonly [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
    parameters: fc.Parameters<Values> = {},
  ) =>
  (name: string, holds: (...values: Values) => unknown, timeoutMs?: number): void => {
    const seed =
      parameters.seed ?? fc.readConfigureGlobal().seed ?? Math.trunc(Math.random() * 2 ** 32) - 2 ** 31;
    base(
      `${name} (with seed=${seed})`,
      async () => {
        const property = fc.asyncProperty(
          ...arbitraries,
          async (...values: Values) => (await holds(...values)) as boolean | undefined,
        );
        await fc.assert(property, { ...parameters, seed });
      },
      timeoutMs,
    );
  };

export { fc };
export const test = Object.assign(base.extend({}), { prop });

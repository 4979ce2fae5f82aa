import { isDeepStrictEqual } from "node:util";
import type { ChainUnderTest } from "./chain-under-test.ts";

export type CheckResult =
  | { readonly type: "pass"; readonly found?: string | undefined }
  | { readonly type: "differs"; readonly found: string; readonly expected: string }
  | { readonly type: "skipped"; readonly reason: string };

/** One statement about the node, as a sentence. */
export interface ChainCheck {
  readonly name: string;
  run(test: ChainUnderTest): Promise<CheckResult>;
}

export const pass = (found?: string): CheckResult => ({ type: "pass", found });
export const skipped = (reason: string): CheckResult => ({ type: "skipped", reason });

export const differs = (found: unknown, expected: unknown): CheckResult => ({
  type: "differs",
  found: show(found),
  expected: show(expected),
});

/** Only what is expected is shown when it is found: results are read by people. */
export const same = (found: unknown, expected: unknown): CheckResult =>
  isDeepStrictEqual(found, expected) ? pass(show(found)) : differs(found, expected);

function show(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value, (_, item: unknown) =>
    typeof item === "bigint" ? item.toString() : item,
  );
  return (text ?? String(value)).slice(0, 600);
}

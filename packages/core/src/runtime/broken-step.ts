import { AssertionError } from "@stakebts/kernel/assert";
import { StartupError } from "@stakebts/kernel/errors";
import { messageOf } from "./error-facts.ts";

const named = new WeakSet<object>();

/**
 * What a step has ended with that does not pass by itself (passing-trouble.ts) is a broken assumption, and its message names the
 * step, the innermost one. A wrong configuration stays what it is.
 */
export function brokenStep(step: string, error: unknown): Error {
  if (error instanceof StartupError || (error instanceof Error && named.has(error))) return error;
  const broken = new AssertionError(
    `the step "${step}" failed with what does not pass by itself: ${messageOf(error)}`,
  );
  broken.cause = error;
  named.add(broken);
  return broken;
}

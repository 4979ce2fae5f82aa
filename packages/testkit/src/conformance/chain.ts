import type { ChainCheck, CheckResult } from "./chain-check.ts";
import { claimChecks } from "./chain-claims.ts";
import { readingChecks } from "./chain-reading.ts";
import { transferChecks } from "./chain-transfers.ts";
import type { ChainUnderTest } from "./chain-under-test.ts";

export type { ChainCheck, CheckResult } from "./chain-check.ts";
export { type ChainUnderTest, type ChainUnderTestOptions, openChainUnderTest } from "./chain-under-test.ts";

/**
 * Every call the product makes, and every answer it relies on, asked of a node: a real one or devnet. What holds for
 * both is what devnet may be trusted with.
 */
export const chainChecks: readonly ChainCheck[] = [...readingChecks, ...transferChecks, ...claimChecks];

/** An exception is a difference too: it says what no answer should have caused. */
export async function runChainCheck(check: ChainCheck, test: ChainUnderTest): Promise<CheckResult> {
  try {
    return await check.run(test);
  } catch (error) {
    return {
      type: "differs",
      found: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      expected: "an answer",
    };
  }
}

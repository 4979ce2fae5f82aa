import { ChainError, type ChainReader } from "../../ports/chain.ts";
import type { HostClock } from "../../ports/clock.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { databaseProblem } from "../postgres/database-problem.ts";
import { answersWithin } from "./answers-within.ts";

/** Why not, in the words of a message without secrets; `undefined` when all is well. */
export type ReadinessCheck = () => Promise<string | undefined>;

const CHECK_MS_MAX = 4_000;
/** Nodes come and go; a shorter absence is not worth a word. */
const NODE_GONE_MS_MAX = 300_000;

/** Whether a process can do its work now. Different from health: starting it again would not help. */
export class Readiness {
  #checks: Readonly<Record<string, ReadinessCheck>> | undefined;

  /** The process has come so far that these say whether it can work. */
  requires(checks: Readonly<Record<string, ReadinessCheck>>): void {
    this.#checks = checks;
  }

  async problems(): Promise<Readonly<Record<string, string>>> {
    if (this.#checks === undefined) return { start: "the process is starting" };
    const answers = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => {
        const answer = check();
        const inTime = await answersWithin(answer, CHECK_MS_MAX);
        return [name, inTime ? await answer : `no answer within ${CHECK_MS_MAX} ms`] as const;
      }),
    );
    return Object.fromEntries(
      answers.filter((answer): answer is [string, string] => answer[1] !== undefined),
    );
  }
}

/** The ledger's database answers, and has the ledger's tables. */
export const ledgerIsThere =
  (ledger: Pick<Ledger, "payments">): ReadinessCheck =>
  async () => {
    try {
      await ledger.payments();
      return undefined;
    } catch (error) {
      const problem = databaseProblem(error);
      if (problem === undefined) return "the ledger cannot be read";
      return problem.kind === "unavailable" ? "the database does not answer" : problem.message;
    }
  };

/** A node that can be used, now or a few minutes ago. */
export function nodeIsThere(
  { chain, clock }: { chain: Pick<ChainReader, "head">; clock: Pick<HostClock, "nowMs"> },
  goneMsMax = NODE_GONE_MS_MAX,
): ReadinessCheck {
  let goneSinceMs: number | undefined;
  return async () => {
    try {
      await chain.head();
      goneSinceMs = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      goneSinceMs ??= clock.nowMs();
      const goneMs = clock.nowMs() - goneSinceMs;
      return goneMs > goneMsMax ? `no usable node for ${Math.round(goneMs / 1000)} s` : undefined;
    }
  };
}

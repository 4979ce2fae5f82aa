import { answersWithin } from "./answers-within.ts";

/** Why not, in the words of a message without secrets; `undefined` when all is well. */
export type ReadinessCheck = () => Promise<string | undefined>;

const CHECK_MS_MAX = 4_000;

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

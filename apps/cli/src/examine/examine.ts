import type { Context } from "../context.ts";
import { explain } from "../exit.ts";
import { examineChain } from "./chain.ts";
import { examineClock } from "./clock.ts";
import { examineDatabase } from "./database.ts";
import { type Finding, problem } from "./finding.ts";
import { examineTreasury } from "./treasury.ts";
import { examineWork } from "./work.ts";

/** Everything that is looked at, in the order in which trouble is best removed. Each finding is told as it is made. */
export async function examine(
  context: Context,
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const add = (finding: Finding): void => {
    findings.push(finding);
    tell(finding);
  };
  for (const [name, part] of [
    ["database", examineDatabase],
    ["chain", examineChain],
    ["work", examineWork],
    ["treasury", examineTreasury],
    ["clock", examineClock],
  ] as const) {
    try {
      for await (const finding of part(context, findings)) add(finding);
    } catch (error) {
      add(problem(name, explain(error).message, "see above; then run this again"));
    }
  }
  return findings;
}

import { plainText } from "@stakebts/kernel/plain-text";
import type { Command } from "commander";
import type { Context, Run } from "../context.ts";
import { examineChain } from "../examine/chain.ts";
import { examineClock, examineDatabase } from "../examine/database.ts";
import { type Finding, problem } from "../examine/finding.ts";
import { examineTreasury } from "../examine/treasury.ts";
import { examineWork } from "../examine/work.ts";
import { EXIT, explain } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { printJson } from "../print.ts";

const INDENT = " ".repeat(20);

export function addDoctor(program: Command, run: Run): void {
  program
    .command("doctor")
    .description(
      "Is everything as it should be? One line for each thing, and what to do about those that are not.",
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Looked at: database and its migrations, queues, each node, the custodian's account, keys (those in this environment),
how far the ledger is behind the chain, freezes, limits, payouts that wait for a person, the money for the next
24 hours, exchange accounts (with the payer's settings), requests for funds, the audit log, clocks. Exit code 1 if there is a problem.
${examples(["doctor", "before and after every change"], ["doctor --settings payer.env", "with the payer's settings, and so its keys"], ["doctor --json | jq '.[] | select(.state == \"problem\")'", "for a monitor"])}`,
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const { terminal } = context;
        const findings = await examine(context, (finding) => {
          if (options.json) return;
          const style = { ok: "green", problem: "red", skipped: "dim" } as const;
          // A line break of a message stays one; other characters that move a cursor are not let through.
          const [first = "", ...more] = finding.message
            .split(/\r?\n/u)
            .map((line) => plainText(line.trimEnd()));
          terminal.out(
            `${terminal.paint(style[finding.state], finding.state.padEnd(8))} ${finding.name.padEnd(10)} ${first}`,
          );
          for (const line of more) terminal.out(`${INDENT}${line}`);
          if (finding.todo !== undefined) terminal.out(`${INDENT}→ ${finding.todo}`);
        });
        if (options.json) printJson(terminal, findings);
        const problems = findings.filter((finding) => finding.state === "problem").length;
        if (!options.json)
          terminal.out(problems === 0 ? "\nno problem found" : `\n${problems} problem(s) found`);
        return problems === 0 ? EXIT.ok : EXIT.no;
      }),
    );
}

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

import type { Command } from "commander";
import { type Millis, millis } from "@stakebts/kernel/time";
import type { Cursor } from "@stakebts/core/ledger/ledger";
import type { Sum } from "@stakebts/core/ledger/view";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { btsText, printJson, printTable, timeText } from "../print.ts";
import type { Run } from "../run.ts";

/** All business time is chain time: now is the time of the newest block that the ledger knows. */
export const nowOf = (cursor: Cursor | undefined, { clock }: Pick<Context, "clock">): Millis =>
  cursor?.blockTimeMs ?? millis(clock.nowMs());

export function addLiabilities(program: Command, run: Run): void {
  program
    .command("liabilities")
    .description(
      "What is owed: in all, within 30 days, 7 days, 48 and 24 hours, and past due. Each includes what is past due.",
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Counted are rewards and base amounts to come, as if every nominator stays, and payouts that are not confirmed.
${examples(["liabilities", "for people"], ["liabilities --json | jq -r .within24h.amount", "for programs"], ["forecast", "the same by day, with the day on which the money ends"])}`,
    )
    .action(
      run(async (context, options: { json: boolean }) => {
        const { terminal, view, ledger } = context;
        const owed = await view.liabilities(nowOf(await ledger.cursor.read(), context));
        if (options.json) {
          printJson(terminal, owed);
          return EXIT.ok;
        }
        terminal.out(`as of ${timeText(owed.asOfMs)} UTC, the newest block of the ledger\n`);
        const lines: readonly (readonly [string, Sum])[] = [
          ["past due", owed.pastDue],
          ["within 24 h", owed.within24h],
          ["within 48 h", owed.within48h],
          ["within 7 d", owed.within7d],
          ["within 30 d", owed.within30d],
          ["gross", owed.gross],
          ["  of it held or failed", owed.stopped],
          ["paid in the last 48 h", owed.paidLast48h],
          ...(owed.cancelled.count > 0 ? ([["cancelled, rows still open", owed.cancelled]] as const) : []),
        ];
        printTable(
          terminal,
          [
            { head: "DUE", cell: ([name]) => name },
            { head: "PAYMENTS", align: "right", cell: ([, sum]) => String(sum.count) },
            { head: "BTS", align: "right", cell: ([, sum]) => btsText(sum.amount) },
          ],
          lines,
        );
        terminal.out(`\n${owed.nominators} nominator(s) with something to come`);
        return EXIT.ok;
      }),
    );
}

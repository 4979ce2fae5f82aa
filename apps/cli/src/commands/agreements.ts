import { type Command, Option } from "commander";
import { AGREEMENT_STATUSES, type AgreementStatus } from "@stakebts/core/ledger/view";
import { EXIT } from "../exit.ts";
import { examples, jsonOption, limitOption, offsetOption, windowOf } from "../options.ts";
import { btsText, printJson, printRest, printTable, timeText } from "../print.ts";
import type { Run } from "../run.ts";

interface Options {
  readonly nominator?: string;
  readonly status?: AgreementStatus;
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}

export function addAgreements(program: Command, run: Run): void {
  program
    .command("agreements")
    .description("The agreements, newest first, each with what was paid and what is to come.")
    .option("--nominator <account>", "of this account only")
    .addOption(new Option("--status <status>", "in this state only").choices(AGREEMENT_STATUSES))
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
open: the base amount is with the custodian; closing: it is on its way back; stopped: it came back early;
ended: after the full term.
${examples(["agreements --status open", "who has funds with us"], ["agreements --nominator alice --json", "one nominator, for a program"])}`,
    )
    .action(
      run(async ({ terminal, view }, options: Options) => {
        const { nominator, status } = options;
        const page = await view.agreements({ ...windowOf(options), nominator, status });
        if (options.json) {
          printJson(terminal, { total: page.total, agreements: page.items });
          return EXIT.ok;
        }
        if (page.items.length > 0)
          printTable(
            terminal,
            [
              { head: "AGREEMENT", cell: (line) => line.agreement },
              { head: "NOMINATOR", cell: (line) => line.nominator },
              { head: "BTS", align: "right", cell: (line) => btsText(line.amount) },
              { head: "MONTHS", align: "right", cell: (line) => `${line.rewardsPaid}/${line.months}` },
              { head: "START (UTC)", cell: (line) => timeText(line.startMs) },
              { head: "END (UTC)", cell: (line) => timeText(line.endMs) },
              { head: "STATUS", cell: (line) => line.status },
              { head: "PAID", align: "right", cell: (line) => btsText(line.paid) },
              { head: "TO COME", align: "right", cell: (line) => btsText(line.owed) },
              { head: "NEXT (UTC)", cell: (line) => timeText(line.nextDueMs) },
            ],
            page.items,
          );
        printRest(terminal, page.items.length + options.offset, page);
        return EXIT.ok;
      }),
    );
}

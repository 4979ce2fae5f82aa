import type { Command } from "commander";
import { millis } from "@stakebts/kernel/time";
import { type OperationId, operationId } from "@stakebts/kernel/operation-id";
import {
  STAKE_ROW_STATUSES,
  STAKE_ROW_TYPES,
  type StakeRowStatus,
  type StakeRowType,
} from "@stakebts/core/rules/stake-row";
import { EXIT } from "../exit.ts";
import {
  examples,
  jsonOption,
  limitOption,
  listOption,
  offsetOption,
  parseWhen,
  whenOption,
  windowOf,
} from "../options.ts";
import { btsText, printJson, printRest, printTable, timeText } from "../print.ts";
import type { Run } from "../run.ts";
import { nowOf } from "./liabilities.ts";
import { operationOption } from "./operation-option.ts";

interface Options {
  readonly nominator?: string;
  readonly status?: readonly StakeRowStatus[];
  readonly type?: readonly StakeRowType[];
  readonly agreement?: OperationId;
  readonly dueBefore?: string;
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}

export function addStakes(program: Command, run: Run): void {
  program
    .command("stakes")
    .description(
      "The rows of the agreements: each payment that an agreement makes or made. Oldest due first.",
    )
    .option("--nominator <account>", "of this account only")
    .addOption(listOption("--status <list>", "in these states only", STAKE_ROW_STATUSES))
    .addOption(listOption("--type <list>", "of these types only", STAKE_ROW_TYPES))
    .addOption(operationOption("--agreement <block:trx:op>", "of the agreement that this transfer opened"))
    .addOption(whenOption("--due-before <when>", "due before", "future"))
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["stakes --nominator alice --limit 0", "all rows of one nominator"],
        ["stakes --status pending --due-before 7d", "what falls due within a week"],
        ["stakes --agreement 60692861:0:0 --json", "one agreement, for a program"],
      ),
    )
    .action(
      run(async (context, options: Options) => {
        const { terminal, view, ledger } = context;
        const dueBefore = options.dueBefore;
        const page = await view.stakes({
          ...windowOf(options),
          nominator: options.nominator,
          statuses: options.status,
          types: options.type,
          agreement: options.agreement,
          dueBeforeMs:
            dueBefore === undefined
              ? undefined
              : millis(parseWhen(dueBefore, "future", nowOf(await ledger.cursor.read(), context))),
        });
        if (options.json) {
          printJson(terminal, { total: page.total, stakes: page.items });
          return EXIT.ok;
        }
        if (page.items.length > 0)
          printTable(
            terminal,
            [
              { head: "AGREEMENT", cell: (row) => operationId(row.agreement) },
              { head: "NOMINATOR", cell: (row) => row.nominator },
              { head: "TYPE", cell: (row) => (row.number > 0 ? `${row.type} ${row.number}` : row.type) },
              { head: "BTS", align: "right", cell: (row) => btsText(row.amount) },
              { head: "DUE (UTC)", cell: (row) => timeText(row.dueMs) },
              { head: "STATUS", cell: (row) => row.status },
              { head: "BLOCK", align: "right", cell: (row) => String(row.blockProcessed ?? "–") },
            ],
            page.items,
          );
        printRest(terminal, page.items.length + options.offset, page);
        return EXIT.ok;
      }),
    );
}

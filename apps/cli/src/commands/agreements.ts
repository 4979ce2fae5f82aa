import { type Command, Option } from "commander";
import { AGREEMENT_STATUSES, type AgreementStatus } from "@stakebts/core/ledger/view";
import { AGREEMENTS, STAKES } from "@stakebts/core/operators/lists";
import {
  STAKE_ROW_STATUSES,
  STAKE_ROW_TYPES,
  type StakeRowStatus,
  type StakeRowType,
} from "@stakebts/core/rules/stake-row";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import {
  examples,
  futureOf,
  jsonOption,
  limitOption,
  listOption,
  offsetOption,
  operationOption,
  type PageOptions,
  whenOption,
  windowOf,
} from "../options.ts";
import { printList } from "../print.ts";

interface AgreementOptions extends PageOptions {
  readonly nominator?: string;
  readonly status?: AgreementStatus;
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
      run(async ({ terminal, view }, options: AgreementOptions) => {
        const { nominator, status } = options;
        const page = await view.agreements({ ...windowOf(options), nominator, status });
        printList(terminal, { name: "agreements", columns: AGREEMENTS, page }, options);
        return EXIT.ok;
      }),
    );
}

interface StakeOptions extends PageOptions {
  readonly nominator?: string;
  readonly status?: readonly StakeRowStatus[];
  readonly type?: readonly StakeRowType[];
  readonly agreement?: OperationId;
  readonly dueBefore?: string;
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
      run(async (context, options: StakeOptions) => {
        const { terminal, view, ledger } = context;
        const nowMs = context.nowOf(await ledger.cursor.read());
        const page = await view.stakes({
          ...windowOf(options),
          nominator: options.nominator,
          statuses: options.status,
          types: options.type,
          agreement: options.agreement,
          dueBeforeMs: futureOf(options.dueBefore, nowMs),
        });
        printList(terminal, { name: "stakes", columns: STAKES, page }, options);
        return EXIT.ok;
      }),
    );
}

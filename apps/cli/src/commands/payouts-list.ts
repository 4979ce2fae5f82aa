import { type Command, Option } from "commander";
import { millis } from "@stakebts/kernel/time";
import {
  PAYOUT_KINDS,
  PAYOUT_STATUSES,
  type PayoutKind,
  type PayoutStatus,
} from "@stakebts/core/rules/payout";
import type { PayoutLine } from "@stakebts/core/ledger/view";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
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
import { btsText, printJson, printRest, printTable, safeText, timeText } from "../print.ts";
import type { Run } from "../run.ts";
import { nowOf } from "./liabilities.ts";
import { paintStatus } from "./status.ts";

interface Options {
  readonly status?: readonly PayoutStatus[];
  readonly kind?: readonly PayoutKind[];
  readonly payee?: string;
  readonly dueBefore?: string;
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}

export const statusOption = (): Option => listOption("--status <list>", "in these states", PAYOUT_STATUSES);
export const kindOption = (): Option => listOption("--kind <list>", "of these kinds", PAYOUT_KINDS);
export const payeeOption = (): Option => new Option("--payee <account>", "to this account");

export function addPayoutLists(payouts: Command, run: Run): void {
  const withFilters = (command: Command): Command =>
    command
      .addOption(kindOption())
      .addOption(payeeOption())
      .addOption(whenOption("--due-before <when>", "due before", "future"))
      .addOption(limitOption())
      .addOption(offsetOption())
      .addOption(jsonOption());
  withFilters(payouts.command("list"))
    .description("Payouts, the newest debts first.")
    .addOption(statusOption())
    .addHelpText(
      "after",
      examples(
        ["payouts list --status waiting_funds", "what waits for money"],
        ["payouts list --payee alice --limit 0", "everything to one account"],
        ["payouts list --json | jq -r '.payouts[].key'", "for programs"],
      ),
    )
    .action(run(async (context, options: Options) => list(context, options)));
  withFilters(payouts.command("failed"))
    .description(
      "What waits for a person: payouts that failed or are held, each with the reason. Exit code 1 if there are any.",
    )
    .addHelpText(
      "after",
      examples(
        ["payouts failed", "what happened?"],
        ["payouts show <key>", "what happened to one of them, in full"],
        ["payouts requeue --all --status failed", "try them again"],
      ),
    )
    .action(
      run(async (context, options: Options) => {
        const code = await list(context, { ...options, status: ["failed", "held"] });
        const { total } = await context.view.payouts({ statuses: ["failed", "held"], limit: 1 });
        return total > 0 ? EXIT.no : code;
      }),
    );
}

async function list(context: Context, options: Options): Promise<ExitCode> {
  const { terminal, view, ledger } = context;
  const { status, kind, payee, dueBefore } = options;
  const page = await view.payouts({
    ...windowOf(options),
    statuses: status,
    kinds: kind,
    payee,
    dueBeforeMs:
      dueBefore === undefined
        ? undefined
        : millis(parseWhen(dueBefore, "future", nowOf(await ledger.cursor.read(), context))),
  });
  if (options.json) {
    printJson(terminal, { total: page.total, payouts: page.items });
    return EXIT.ok;
  }
  if (page.items.length > 0) printPayouts(context, page.items);
  printRest(terminal, page.items.length + options.offset, page);
  return EXIT.ok;
}

export const printPayouts = ({ terminal }: Context, payouts: readonly PayoutLine[]): void =>
  printTable(
    terminal,
    [
      { head: "KEY", cell: (payout) => payout.key },
      { head: "PAYEE", cell: (payout) => payout.payee },
      { head: "BTS", align: "right", cell: (payout) => btsText(payout.amount) },
      { head: "DUE (UTC)", cell: (payout) => timeText(payout.dueMs) },
      { head: "STATUS", cell: (payout) => paintStatus(terminal.paint, payout.status) },
      { head: "BLOCK", align: "right", cell: (payout) => String(payout.blockProcessed ?? "–") },
      { head: "REASON", cell: (payout) => safeText(payout.reason ?? "") },
    ],
    payouts,
  );

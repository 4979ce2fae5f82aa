import type { Command } from "commander";
import { pathTo } from "@stakebts/core/operators/console-paths";
import type { PayoutStory } from "@stakebts/core/ledger/view";
import { ATTEMPTS, PAYOUTS, payoutTone, RECEIPTS } from "@stakebts/core/operators/lists";
import type { PayoutKind, PayoutStatus } from "@stakebts/core/rules/payout";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, timeText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import {
  examples,
  futureOf,
  jsonOption,
  kindOption,
  limitOption,
  offsetOption,
  type PageOptions,
  payeeOption,
  payoutReference,
  type PayoutReference,
  statusOption,
  whenOption,
  windowOf,
} from "../options.ts";
import { factPrinter, paintTone, printJson, printList, printTable } from "../print.ts";
import { addPayoutActions, addPayoutApprove, addPayoutSettle } from "./payouts-act.ts";

export function addPayouts(program: Command, run: Run): void {
  const payouts = program
    .command("payouts")
    .description(
      "The debts of the custodian, each settled by one transfer: look at them, and decide about those that wait for a person.",
    );
  addPayoutLists(payouts, run);
  addPayoutShow(payouts, run);
  addPayoutActions(payouts, run);
  addPayoutApprove(payouts, run);
  addPayoutSettle(payouts, run);
}

interface Options extends PageOptions {
  readonly status?: readonly PayoutStatus[];
  readonly kind?: readonly PayoutKind[];
  readonly payee?: string;
  readonly dueBefore?: string;
}

function addPayoutLists(payouts: Command, run: Run): void {
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
    dueBeforeMs: futureOf(dueBefore, context.nowOf(await ledger.cursor.read())),
  });
  printList(terminal, { name: "payouts", columns: PAYOUTS, page }, options);
  return EXIT.ok;
}

function addPayoutShow(payouts: Command, run: Run): void {
  payouts
    .command("show")
    .argument("<payout>", "key or id", payoutReference)
    .description("Everything that ever happened to one payout: rows, attempts, transfers, receipts.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["payouts show reward:60692861:0:0:1", "by its key"],
        [
          "payouts show reward:60692861:0:0:1 --json | jq -r '.withdrawals[].txid'",
          "the transaction ids of its attempts",
        ],
      ),
    )
    .action(
      run(async (context, reference: PayoutReference, options: { json: boolean }) => {
        const story = await context.view.payout(reference.id);
        if (story === undefined) {
          context.terminal.note(
            `stakebts: there is no payout ${reference.text}; \`stakebts payouts list\` shows those there are`,
          );
          return EXIT.no;
        }
        if (options.json) printJson(context.terminal, story);
        else show(context, story);
        return EXIT.ok;
      }),
    );
}

function show(context: Context, story: PayoutStory): void {
  const { terminal } = context;
  const line = factPrinter(terminal, 10);
  line("payout", story.key);
  line("page", context.linkTo(pathTo.payout(story.key)));
  line("id", story.id);
  line("pays", `${btsText(story.amount)} to ${story.payee}`);
  line("due", `${timeText(story.dueMs)} UTC`);
  line("status", paintTone(terminal, payoutTone(story.status), story.status));
  if (story.reason !== undefined) line("reason", plainText(story.reason));
  for (const { approver, reason } of story.approvals)
    line("approved", plainText(`by ${approver}: ${reason}`));
  if (story.waitingSinceMs !== undefined)
    line("waiting", `for funds since ${timeText(story.waitingSinceMs)} UTC`);
  if (story.processedMs !== undefined)
    line("paid", `${timeText(story.processedMs)} UTC in block ${story.blockProcessed}`);
  line("memo", plainText(story.memo));
  for (const row of story.rows) line("row", `${row.id} is ${row.status}, becomes ${row.settlesAs}`);
  for (const payment of story.payments)
    line(
      "transfer",
      `${payment.operation}${payment.txid === undefined ? "" : `, transaction ${payment.txid}`}`,
    );
  if (story.withdrawals.length > 0) {
    terminal.out("");
    printTable(terminal, ATTEMPTS, story.withdrawals);
  }
  if (story.receipts.length > 0) {
    terminal.out("");
    const { written, event, details } = RECEIPTS;
    printTable(terminal, { written, event, details }, story.receipts);
  }
}

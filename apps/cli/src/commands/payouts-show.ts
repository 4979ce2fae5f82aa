import type { Command } from "commander";
import type { PayoutStory } from "@stakebts/core/ledger/view";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { examples, jsonOption } from "../options.ts";
import { btsText, printJson, printTable, safeText, sharesText, timeText } from "../print.ts";
import type { Run } from "../run.ts";
import { payoutReference, type PayoutReference } from "./payout-reference.ts";
import { detailsText } from "./receipts.ts";
import { paintStatus } from "./status.ts";

export function addPayoutShow(payouts: Command, run: Run): void {
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

function show({ terminal }: Context, story: PayoutStory): void {
  const { paint } = terminal;
  const line = (name: string, text: string) => terminal.out(`${paint("bold", name.padEnd(10))} ${text}`);
  line("payout", story.key);
  line("id", story.id);
  line("pays", `${btsText(story.amount)} BTS to ${story.payee}`);
  line("due", `${timeText(story.dueMs)} UTC`);
  line("status", paintStatus(paint, story.status));
  if (story.reason !== undefined) line("reason", safeText(story.reason));
  for (const { approver, reason } of story.approvals) line("approved", safeText(`by ${approver}: ${reason}`));
  if (story.waitingSinceMs !== undefined)
    line("waiting", `for funds since ${timeText(story.waitingSinceMs)} UTC`);
  if (story.processedMs !== undefined)
    line("paid", `${timeText(story.processedMs)} UTC in block ${story.blockProcessed}`);
  line("memo", safeText(story.memo));
  for (const row of story.rows) line("row", `${row.id} is ${row.status}, becomes ${row.settlesAs}`);
  for (const payment of story.payments)
    line(
      "transfer",
      `${payment.operation}${payment.txid === undefined ? "" : `, transaction ${payment.txid}`}`,
    );
  if (story.withdrawals.length > 0) {
    terminal.out("");
    printTable(
      terminal,
      [
        { head: "ATTEMPT", cell: (attempt) => attempt.txid },
        { head: "STATUS", cell: (attempt) => attempt.status },
        { head: "SIGNED (UTC)", cell: (attempt) => timeText(attempt.createdAtMs) },
        { head: "EXPIRES (UTC)", cell: (attempt) => timeText(attempt.expirationMs) },
        { head: "FEE", align: "right", cell: (attempt) => sharesText(attempt.feeShares) },
        { head: "FOUND AT", cell: (attempt) => attempt.operation ?? "–" },
      ],
      story.withdrawals,
    );
  }
  if (story.receipts.length > 0) {
    terminal.out("");
    printTable(
      terminal,
      [
        { head: "WRITTEN (UTC)", cell: (receipt) => timeText(receipt.createdAtMs) },
        { head: "EVENT", cell: (receipt) => receipt.event },
        { head: "DETAILS", cell: (receipt) => safeText(detailsText(receipt.details)) },
      ],
      story.receipts,
    );
  }
}

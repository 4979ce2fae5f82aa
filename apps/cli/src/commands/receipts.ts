import type { Command } from "commander";
import { EXIT } from "../exit.ts";
import {
  examples,
  jsonOption,
  limitOption,
  offsetOption,
  parseWhen,
  whenOption,
  windowOf,
} from "../options.ts";
import { jsonText, printJson, printRest, printTable, safeText, timeText } from "../print.ts";
import type { Run } from "../run.ts";

interface Options {
  readonly event?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}

export function addReceipts(program: Command, run: Run): void {
  program
    .command("receipts")
    .description("The audit trail, newest first: what happened, to what, and on whose order.")
    .option("--event <name>", "of this name, or beginning like this: 'payout.*'")
    .option("--subject <key>", "about this payout, transfer (block:trx:op), row or process")
    .addOption(whenOption("--since <when>", "written since", "past"))
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["receipts --event 'payout.*' --since 48h", "what became of payouts lately"],
        ["receipts --subject reward:60692861:0:0:1", "everything about one payout"],
        ["receipts --event payments.switched_off", "who stopped payments, when and why"],
      ),
    )
    .action(
      run(async ({ terminal, view, clock }, options: Options) => {
        const { event, subject, since } = options;
        const sinceMs = since === undefined ? undefined : parseWhen(since, "past", clock.nowMs());
        const page = await view.receipts({ ...windowOf(options), event, subject, sinceMs });
        if (options.json) {
          printJson(terminal, { total: page.total, receipts: page.items });
          return EXIT.ok;
        }
        if (page.items.length > 0)
          printTable(
            terminal,
            [
              { head: "WRITTEN (UTC)", cell: (receipt) => timeText(receipt.createdAtMs) },
              { head: "EVENT", cell: (receipt) => receipt.event },
              { head: "SUBJECT", cell: (receipt) => receipt.subject },
              { head: "DETAILS", cell: (receipt) => safeText(detailsText(receipt.details)) },
            ],
            page.items,
          );
        printRest(terminal, page.items.length + options.offset, page);
        return EXIT.ok;
      }),
    );
}

export const detailsText = (details: Readonly<Record<string, unknown>>): string =>
  Object.entries(details)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : jsonText(value)}`)
    .join(" ");

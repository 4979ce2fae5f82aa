import type { Command } from "commander";
import { resume, setAside } from "@stakebts/core/operators/set-aside";
import { plainText } from "@stakebts/kernel/plain-text";
import { operatorAction } from "../ask.ts";
import type { Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { type ActionOptions, actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import { addRecordTransfer } from "./record-transfer.ts";

const COMMANDS = {
  "set-aside": {
    act: setAside,
    description: "Let the others go on past a transfer that cannot be answered.",
    help: `
It stays what it is and is answered in its turn, as of its own block, when it is resumed. What depends on it waits with it:
later stops of its sender, and what falls due to him after those. An event that is due and cannot become a payout is set aside
by the id of its row; \`stakebts receipts --event event.unanswerable\` names both.
${examples(["transfers set-aside 61234567:3:0 --reason 'the database refuses its row'", "the others are answered"], ["status", "shows what is set aside"])}`,
  },
  resume: {
    act: resume,
    description: "Answer a transfer that was set aside.",
    help: examples([
      "transfers resume 61234567:3:0 --reason 'mended by version 1.0.1'",
      "it is answered next",
    ]),
  },
} as const;

export function addTransfers(program: Command, run: Run): void {
  const transfers = program
    .command("transfers")
    .description("Transfers that cannot be answered, or that no node reports.");
  addRecordTransfer(transfers, run);
  for (const [name, { act, description, help }] of Object.entries(COMMANDS))
    transfers
      .command(name)
      .argument("<event>", "the transfer as block:trx:op, or the id of a stake row")
      .description(description)
      .addOption(reasonOption())
      .addOption(actorOption())
      .addOption(jsonOption())
      .addHelpText("after", help)
      .action(
        run(async (context, event: string, options: ActionOptions) => {
          const answer = await act(context, { event, action: await operatorAction(context, options) });
          if (options.json) printJson(context.terminal, answer);
          else context.terminal.out(plainText(`${answer.event} ${answer.message}`));
          return answer.result === "refused" ? EXIT.no : EXIT.ok;
        }),
      );
}

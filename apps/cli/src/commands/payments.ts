import type { Command } from "commander";
import { stopsPaying } from "@stakebts/core/rules/freeze";
import { switchPayments } from "@stakebts/core/limits/switch-payments";
import { EXIT } from "../exit.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson, safeText } from "../print.ts";
import type { Run } from "../run.ts";
import { sayWhatIsLeft } from "./freeze.ts";
import { operatorAction } from "./operator-action.ts";

interface Options {
  readonly reason?: string;
  readonly actor?: string;
  readonly json: boolean;
}

export function addPayments(program: Command, run: Run): void {
  const payments = program
    .command("payments")
    .description(
      "The switch for all payments. Off stops every new one at once; nothing is lost while it is off.",
    );
  for (const word of ["on", "off"] as const) {
    const on = word === "on";
    payments
      .command(word)
      .description(
        on
          ? "Let payments go on. What is due is paid, oldest first."
          : "Stop every new payment. What is signed already still reaches the chain.",
      )
      .addOption(reasonOption())
      .addOption(actorOption())
      .addOption(jsonOption())
      .addHelpText(
        "after",
        on
          ? examples([
              "payments on --reason 'compared with the chain, all is well'",
              "after a drill or an alert",
            ])
          : examples(["payments off --reason 'strange transfer 60692861:0:0'", "and then look in peace"]),
      )
      .action(
        run(async (context, options: Options) => {
          const { terminal } = context;
          const action = await operatorAction(context, options);
          const { changed, before } = await switchPayments(context, { on, action });
          if (options.json) printJson(terminal, { payments: word, changed, before });
          else if (!changed)
            terminal.out(
              before.on
                ? "payments are on already: nothing was changed"
                : safeText(`payments are off already: ${before.reason}`),
            );
          else if (before.on)
            terminal.out("payments are off: no payer signs anything until `stakebts payments on`");
          else terminal.out(safeText(`payments are on again; they were off because: ${before.reason}`));
          if (on && !options.json) {
            const { freezes, processFreezes } = await context.view.status();
            const left = [...freezes, ...processFreezes].filter(({ level }) => stopsPaying(level));
            sayWhatIsLeft(context, left);
          }
          return EXIT.ok;
        }),
      );
  }
}

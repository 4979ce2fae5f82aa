import { Argument, type Command } from "commander";
import { freezeAll, unfreeze } from "@stakebts/core/limits/freeze";
import { switchPayments } from "@stakebts/core/limits/switch-payments";
import {
  FREEZE_LEVELS,
  type FreezeLevel,
  freezeText,
  type OpenFreeze,
  stopsPaying,
} from "@stakebts/core/rules/freeze";
import { plainText } from "@stakebts/kernel/plain-text";
import { operatorAction } from "../ask.ts";
import type { Context, Run } from "../context.ts";
import { EXIT } from "../exit.ts";
import { type ActionOptions, actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";

const LEVELS = `
pay-nothing     no payer signs anything new; nominations are answered
accept-nothing  nominations are written down and not answered; payments go on
all             both
What is frozen is late, never lost: it goes on by itself, in order, when the freeze ends.`;

export function addFreeze(program: Command, run: Run): void {
  program
    .command("freeze")
    .addArgument(new Argument("[level]", "what stops").choices(FREEZE_LEVELS).default("all"))
    .description("The kill switch: stop payments, nominations or both, at once and for every process.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `${LEVELS}
${examples(["freeze --reason 'a key may be stolen'", "stop everything"], ["freeze accept-nothing --reason 'the programme is full'", "open no more agreements"])}`,
    )
    .action(
      run(async (context, level: FreezeLevel, options: ActionOptions) => {
        const action = await operatorAction(context, options);
        const answer = await freezeAll(context, { level, action });
        if (options.json) printJson(context.terminal, answer);
        else {
          context.terminal.out(
            answer.changed ? `frozen: ${level}` : "that is frozen already: nothing was changed",
          );
          for (const freeze of answer.after) context.terminal.out(`  ${plainText(freezeText(freeze))}`);
        }
        return EXIT.ok;
      }),
    );
}

export function addUnfreeze(program: Command, run: Run): void {
  program
    .command("unfreeze")
    .addArgument(new Argument("[level]", "what goes on").choices(FREEZE_LEVELS).default("all"))
    .description(
      "End freezes: those of operators, managers, and processes in doubt. One of an environment or a file ends where it was made.",
    )
    .addOption(reasonOption())
    .addOption(actorOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        ["unfreeze --reason 'compared with the chain, all is well'", "let everything go on"],
        ["unfreeze accept-nothing --reason 'places are free'", "answer nominations again"],
      ),
    )
    .action(
      run(async (context, level: FreezeLevel, options: ActionOptions) => {
        const action = await operatorAction(context, options);
        const answer = await unfreeze(context, { level, action });
        const { processFreezes } = await context.view.status();
        if (options.json) printJson(context.terminal, { ...answer, processFreezes });
        else {
          context.terminal.out(answer.changed ? "unfrozen; it was:" : "nothing of that was frozen here");
          if (answer.changed)
            for (const freeze of answer.before) context.terminal.out(`  ${plainText(freezeText(freeze))}`);
          sayWhatIsLeft(context, [...answer.after, ...processFreezes]);
        }
        return EXIT.ok;
      }),
    );
}

/** A person who ends one of several freezes has to hear of the others. */
function sayWhatIsLeft({ terminal }: Context, freezes: readonly OpenFreeze[]): void {
  if (freezes.length === 0) return;
  terminal.out(terminal.paint("red", "still frozen:"));
  for (const freeze of freezes) terminal.out(`  ${plainText(freezeText(freeze))}`);
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
          : examples([
              "payments off --reason 'strange transfer 60692861:0:0'",
              "and then look without haste",
            ]),
      )
      .action(
        run(async (context, options: ActionOptions) => {
          const { terminal } = context;
          const action = await operatorAction(context, options);
          const { changed, before } = await switchPayments(context, { on, action });
          if (options.json) printJson(terminal, { payments: word, changed, before });
          else if (!changed)
            terminal.out(
              before.on
                ? "payments are on already: nothing was changed"
                : plainText(`payments are off already: ${before.reason}`),
            );
          else if (before.on)
            terminal.out("payments are off: no payer signs anything until `stakebts payments on`");
          else terminal.out(plainText(`payments are on again; they were off because: ${before.reason}`));
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

import { Argument, type Command } from "commander";
import { FREEZE_LEVELS, type FreezeLevel, freezeText, type OpenFreeze } from "@stakebts/core/rules/freeze";
import { freezeAll, unfreeze } from "@stakebts/core/limits/freeze";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson, safeText } from "../print.ts";
import type { Run } from "../run.ts";
import { operatorAction } from "./operator-action.ts";

interface Options {
  readonly reason?: string;
  readonly actor?: string;
  readonly json: boolean;
}

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
      run(async (context, level: FreezeLevel, options: Options) => {
        const action = await operatorAction(context, options);
        const answer = await freezeAll(context, { level, action });
        if (options.json) printJson(context.terminal, answer);
        else {
          context.terminal.out(
            answer.changed ? `frozen: ${level}` : "that is frozen already: nothing was changed",
          );
          for (const freeze of answer.after) context.terminal.out(`  ${safeText(freezeText(freeze))}`);
        }
        return EXIT.ok;
      }),
    );
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
      run(async (context, level: FreezeLevel, options: Options) => {
        const action = await operatorAction(context, options);
        const answer = await unfreeze(context, { level, action });
        const { processFreezes } = await context.view.status();
        if (options.json) printJson(context.terminal, { ...answer, processFreezes });
        else {
          context.terminal.out(answer.changed ? "unfrozen; it was:" : "nothing of that was frozen here");
          if (answer.changed)
            for (const freeze of answer.before) context.terminal.out(`  ${safeText(freezeText(freeze))}`);
          sayWhatIsLeft(context, [...answer.after, ...processFreezes]);
        }
        return EXIT.ok;
      }),
    );
}

/** Whoever ends one of several has to hear of the others. */
export function sayWhatIsLeft({ terminal }: Context, freezes: readonly OpenFreeze[]): void {
  if (freezes.length === 0) return;
  terminal.out(terminal.paint("red", "still frozen:"));
  for (const freeze of freezes) terminal.out(`  ${safeText(freezeText(freeze))}`);
}

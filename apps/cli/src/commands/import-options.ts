import { type Command, InvalidArgumentError, Option } from "commander";
import { type Millis, millis } from "@stakebts/kernel/time";
import { ImportRefused, needPaymentsOff } from "@stakebts/core/imports/import-refused";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { actorOption, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import { isConfirmed, operatorAction } from "./operator-action.ts";

// What every import asks and is asked.

export interface ImportOptions {
  readonly reason?: string;
  readonly actor?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json: boolean;
}

export const addImportOptions = (command: Command): Command =>
  command
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "show the plan, and do nothing")
    .option("-y, --yes", "do not ask")
    .addOption(jsonOption());

/** `2021-06-30,2021-07-31`, or `none`. */
export const daysOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string): readonly Millis[] => {
    if (text === "none") return [];
    return text.split(",").map((day) => {
      const ms = /^\d{4}-\d{2}-\d{2}$/u.test(day.trim()) ? Date.parse(day.trim()) : Number.NaN;
      if (Number.isNaN(ms))
        throw new InvalidArgumentError('Expected days such as 2021-06-30,2021-07-31 (UTC), or "none".');
      return millis(ms);
    });
  });

/** Who and why; and a refusal before anything is read if payments are on. A dry run needs neither. */
export async function beginImport(
  context: Context,
  options: ImportOptions,
): Promise<OperatorAction | undefined> {
  if (options.dryRun === true) {
    const { on } = (await context.ledger.control.read()).payments;
    if (on)
      context.terminal.note("payments are on: the import itself will need `stakebts payments off` first");
    return undefined;
  }
  const action = await operatorAction(context, options);
  await context.ledger.transaction(needPaymentsOff);
  return action;
}

export interface Import {
  /** For programs. */
  readonly plan: unknown;
  /** For people, before the question. */
  readonly say: () => void;
  /** Why it will not be done as it stands; `undefined` when it can be. */
  readonly refusal?: ImportRefused | undefined;
  /** `undefined`: there is nothing to do. */
  readonly question: string | undefined;
  readonly apply: (
    action: OperatorAction,
  ) => Promise<{ readonly outcome: unknown; readonly say: () => void }>;
}

/** Plan, question, work, outcome: the same way through every import. */
export async function carryOutImport(
  context: Context,
  options: ImportOptions,
  action: OperatorAction | undefined,
  { plan, say, refusal, question, apply }: Import,
): Promise<ExitCode> {
  const { terminal } = context;
  if (!options.json) say();
  if (refusal !== undefined || question === undefined || action === undefined) {
    const refused = refusal === undefined ? undefined : { message: refusal.message, todo: refusal.todo };
    if (options.json) printJson(terminal, { plan, refused, outcome: undefined });
    if (refusal !== undefined) terminal.note(`stakebts: ${refusal.message}\n→ ${refusal.todo}`);
    else if (question === undefined) terminal.note("nothing to do: all of it is in the ledger");
    else terminal.note("nothing was done: this was a dry run");
    return refusal === undefined ? EXIT.ok : EXIT.no;
  }
  if (!(await isConfirmed(context, options.yes === true, question))) {
    terminal.note("nothing was done");
    return EXIT.no;
  }
  const done = await apply(action);
  if (options.json) printJson(terminal, { plan, action: action.id, outcome: done.outcome });
  else done.say();
  return EXIT.ok;
}

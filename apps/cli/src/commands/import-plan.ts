import { type Command, InvalidArgumentError, Option } from "commander";
import { ImportRefused, needPaymentsOff } from "@stakebts/core/imports/import-refused";
import type { PlannedAgreement } from "@stakebts/core/imports/write-agreements";
import type { OperatorAction } from "@stakebts/core/ledger/operator-action";
import { column, type Columns } from "@stakebts/core/operators/columns";
import { operationId } from "@stakebts/kernel/operation-id";
import { dayText } from "@stakebts/kernel/text";
import { type Millis, millis } from "@stakebts/kernel/time";
import { isConfirmed, operatorAction } from "../ask.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { actorOption, jsonOption, reasonOption } from "../options.ts";
import { printJson, printTable } from "../print.ts";
import type { Terminal } from "../terminal.ts";

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

const SHOWN_MAX = 100;

const monthsPaid = ({ offered }: PlannedAgreement) =>
  offered.rows
    .filter((row) => row.type === "reward" && row.status === "paid")
    .map(({ number, settlement }) => ({ number, paidMs: settlement?.processedMs }));

/** `1 on 2021-06-30, 2 on 2021-07-31` */
export const monthsPaidText = (
  months: readonly { readonly number: number; readonly paidMs: number | undefined }[],
): string =>
  months
    .map(({ number, paidMs }) => `${number} on ${paidMs === undefined ? "?" : dayText(paidMs)}`)
    .join(", ");

const stateOf = ({ acquaintance }: PlannedAgreement): string => {
  switch (acquaintance.type) {
    case "new":
      return "new";
    case "same_place":
      return "in the ledger";
    case "duplicate":
      return `in the ledger as ${acquaintance.of}`;
    case "taken":
      return "its place is taken";
  }
};

export const newOnes = (planned: readonly PlannedAgreement[]): readonly PlannedAgreement[] =>
  planned.filter(({ acquaintance }) => acquaintance.type === "new");

export const overdueOf = (planned: readonly PlannedAgreement[]): { rows: number; amount: bigint } =>
  newOnes(planned).reduce(
    (sum, { overdue }) => ({ rows: sum.rows + overdue.rows, amount: sum.amount + overdue.amount }),
    { rows: 0, amount: 0n },
  );

export const agreementJson = (planned: PlannedAgreement): unknown => {
  const { agreement, undecided } = planned.offered;
  return {
    agreement: operationId(agreement.operation),
    nominator: agreement.nominator,
    amount: agreement.amount,
    months: agreement.months,
    startMs: agreement.startMs,
    state: stateOf(planned),
    monthsPaid: monthsPaid(planned),
    overdue: planned.overdue,
    undecided: undecided.map(({ key, amount }) => ({ payout: key, amount })),
  };
};

const PLANNED = {
  nominator: column.text("Nominator", ({ offered }) => offered.agreement.nominator),
  amount: column.number("BTS", ({ offered }) => offered.agreement.amount),
  months: column.number("Months", ({ offered }) => offered.agreement.months),
  start: column.time("Start (UTC)", ({ offered }) => offered.agreement.startMs),
  monthsPaid: column.text("Months paid", (one) => monthsPaidText(monthsPaid(one)) || "none"),
  overdue: column.number("Owed at once", ({ overdue }) => overdue.amount),
  state: column.text("State", stateOf),
} as const satisfies Columns<PlannedAgreement>;

export function printAgreements(terminal: Terminal, planned: readonly PlannedAgreement[]): void {
  printTable(terminal, PLANNED, planned.slice(0, SHOWN_MAX));
  if (planned.length > SHOWN_MAX)
    terminal.note(`${SHOWN_MAX} of ${planned.length}; --dry-run --json shows all`);
}

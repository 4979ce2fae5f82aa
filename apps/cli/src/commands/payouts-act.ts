import type { Command } from "commander";
import type { OperatorAction, PayoutAnswer } from "@stakebts/core/ledger/operator-action";
import { approvePayout } from "@stakebts/core/limits/approve-payout";
import { cancelPayout } from "@stakebts/core/operators/cancel-payout";
import { pathTo } from "@stakebts/core/operators/console-paths";
import { holdPayout } from "@stakebts/core/operators/hold-payout";
import { type CaughtUp, ledgerCaughtUp } from "@stakebts/core/operators/payment-evidence";
import { requeuePayout } from "@stakebts/core/operators/requeue-payout";
import { settlePayout } from "@stakebts/core/operators/settle-payout";
import {
  IN_FLIGHT_STATUSES,
  PAYABLE_STATUSES,
  type PayoutKind,
  type PayoutStatus,
} from "@stakebts/core/rules/payout";
import { assert } from "@stakebts/kernel/assert";
import { type OperationId, operationPosition } from "@stakebts/kernel/operation-id";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText } from "@stakebts/kernel/text";
import { DRY_RUN, isConfirmed, operatorAction } from "../ask.ts";
import type { Context, Run } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import {
  type ActionOptions,
  actorOption,
  examples,
  jsonOption,
  kindOption,
  operationOption,
  payeeOption,
  payoutReference,
  type PayoutReference,
  reasonOption,
  statusOption,
} from "../options.ts";
import { printJson } from "../print.ts";

type Verb = "requeue" | "release" | "hold" | "cancel";

interface Options extends ActionOptions {
  readonly all?: boolean;
  readonly status?: readonly PayoutStatus[];
  readonly kind?: readonly PayoutKind[];
  readonly payee?: string;
  readonly despite?: OperationId;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** The ingester is a block or two behind the chain; it gets this long to be no further behind than that. */
const CATCH_UP_MS_MAX = 15_000;

interface Act {
  readonly description: string;
  readonly help: string;
  readonly examples: readonly (readonly [string, string])[];
  /** What `--all` means without `--status`; `undefined`: it has to be said. */
  readonly allStatuses: readonly PayoutStatus[] | undefined;
  /** Looks at the chain, and therefore needs a node. */
  readonly looks: boolean;
}

const ACTS: Readonly<Record<Verb, Act>> = {
  requeue: {
    description: "Give failed or held payouts back to the payer, for one more attempt each.",
    help: `It looks first: a payout that turns out to be paid is confirmed and not paid again; one whose withdrawal is alive is
left alone; while the ledger is behind the chain nothing is requeued. It may be repeated at any time, also while a
payer runs: each payout is paid once.`,
    examples: [
      ["payouts requeue refund:60692861:0:0 --reason 'account exists now'", "one"],
      ["payouts requeue --all --status failed --dry-run", "what would happen?"],
      ["payouts requeue --all --status failed --reason 'funds arrived' --yes", "all that failed"],
    ],
    allStatuses: ["failed"],
    looks: true,
  },
  release: {
    description: "Give held payouts back to the payer.",
    help: "Like requeue, for held payouts only.",
    examples: [
      ["payouts release reward:60692861:0:0:1 --reason 'checked, correct'", "one"],
      ["payouts release --all --payee alice --reason 'checked' --yes", "all that are held for one account"],
    ],
    allStatuses: ["held"],
    looks: true,
  },
  hold: {
    description: "Keep payouts from being paid until they are released.",
    help: "What is signed already cannot be held: it may reach the chain. `stakebts payments off` stops everything.",
    examples: [
      ["payouts hold reward:60692861:0:0:1 --reason 'is this the right account?'", "one"],
      [
        "payouts hold --all --payee alice --reason 'asked by the nominator' --yes",
        "all that are open for one account",
      ],
    ],
    allStatuses: PAYABLE_STATUSES,
    looks: false,
  },
  cancel: {
    description: "Take payouts back for good, with proof that nothing was sent.",
    help: `Refused unless every withdrawal of the payout is dead and the chain holds no transfer for it. This is final: a
cancelled payout is never paid; to keep it for later, hold it. Its rows go back to pending: those of a reward or a base
amount stay open until a stop settles them, those of a stop are due on their own day again.`,
    examples: [
      ["payouts cancel refund:60692861:0:0 --reason 'paid by hand, transfer 60700000:0:0'", "one"],
      ["payouts cancel refund:60692861:0:0 --dry-run", "may it be cancelled?"],
    ],
    allStatuses: undefined,
    looks: true,
  },
};

export function addPayoutActions(payouts: Command, run: Run): void {
  for (const verb of Object.keys(ACTS) as Verb[]) {
    const act = ACTS[verb];
    const command = payouts
      .command(verb)
      .argument("[payout...]", "keys or ids", (text: string, before: PayoutReference[] | undefined) => [
        ...(before ?? []),
        payoutReference(text),
      ])
      .description(act.description)
      .option("--all", "all that the filters leave")
      .addOption(statusOption())
      .addOption(kindOption())
      .addOption(payeeOption())
      .addOption(reasonOption())
      .addOption(actorOption())
      .option("--dry-run", "say what would happen, and do nothing")
      .option("-y, --yes", "do not ask before acting on several")
      .addOption(jsonOption())
      .addHelpText("after", `\n${act.help}\n${examples(...act.examples)}`);
    if (act.looks)
      command.addOption(
        operationOption(
          "--despite <block:trx:op>",
          "although this transfer names the payout and pays something else: you have looked at it",
        ),
      );
    command.action(
      run(async (context, given: readonly PayoutReference[] | undefined, options: Options) =>
        carryOut(context, verb, given ?? [], options),
      ),
    );
  }
}

async function carryOut(
  context: Context,
  verb: Verb,
  given: readonly PayoutReference[],
  options: Options,
): Promise<ExitCode> {
  const payouts = await chosen(context, verb, given, options);
  if (payouts.length === 0) {
    if (options.json) printJson(context.terminal, { answers: [] });
    context.terminal.note("nothing to do: no payout fits");
    return EXIT.ok;
  }
  const dryRun = options.dryRun === true;
  const action = dryRun ? DRY_RUN : await operatorAction(context, options);
  const caughtUp: CaughtUp = ACTS[verb].looks
    ? await ledgerCaughtUp(context, CATCH_UP_MS_MAX)
    : { caughtUp: false, reason: "not asked" };
  if (!dryRun && options.all === true) {
    const sum = payouts.reduce((total, { amount }) => total + (amount ?? 0n), 0n);
    const question = `${verb} ${payouts.length} payout(s), ${btsText(sum)} in all?`;
    if (!(await isConfirmed(context, options.yes === true, question))) {
      context.terminal.note("nothing was done");
      return EXIT.no;
    }
  }
  const answers: PayoutAnswer[] = [];
  for (const { reference } of payouts) {
    const more = { dryRun, ...(options.despite === undefined ? {} : { despite: options.despite }) };
    const answer = await actOn(context, verb, { id: reference.id, action, caughtUp, ...more });
    const named = namedAs(reference, answer);
    answers.push(named);
    if (!options.json) say(context, named);
  }
  if (options.json) printJson(context.terminal, { action: dryRun ? undefined : action.id, answers });
  else summarize(context, answers);
  await sayIfPaymentsAreOff(context, verb, answers);
  return answers.some((answer) => answer.result === "refused") ? EXIT.no : EXIT.ok;
}

function actOn(
  context: Context,
  verb: Verb,
  request: {
    readonly id: PayoutReference["id"];
    readonly action: OperatorAction;
    readonly caughtUp: CaughtUp;
    readonly dryRun: boolean;
    readonly despite?: OperationId;
  },
): Promise<PayoutAnswer> {
  const { caughtUp: ledger, ...rest } = request;
  switch (verb) {
    case "requeue":
    case "release":
      return requeuePayout(context, { ...rest, verb, ledger });
    case "cancel":
      return cancelPayout(context, { ...rest, ledger });
    case "hold":
      return holdPayout(context, rest);
  }
}

interface Chosen {
  readonly reference: PayoutReference;
  readonly amount: bigint | undefined;
}

async function chosen(
  context: Context,
  verb: Verb,
  given: readonly PayoutReference[],
  options: Options,
): Promise<readonly Chosen[]> {
  const filtered = options.status !== undefined || options.kind !== undefined || options.payee !== undefined;
  if (options.all !== true) {
    if (filtered)
      throw new UsageError("--status, --kind and --payee choose among --all: add it, or leave them out");
    if (given.length === 0)
      throw new UsageError(`which payouts? \`stakebts payouts ${verb} <key>…\`, or --all with a filter`);
    return [...new Map(given.map((reference) => [reference.id, { reference, amount: undefined }])).values()];
  }
  if (given.length > 0) throw new UsageError("either name payouts or choose --all, not both");
  const statuses = options.status ?? ACTS[verb].allStatuses;
  if (statuses === undefined) throw new UsageError(`which? \`payouts ${verb} --all\` needs --status`);
  if (options.despite !== undefined) throw new UsageError("--despite is about one payout: name it");
  const hopeless = statuses.find((status) => (IN_FLIGHT_STATUSES as readonly string[]).includes(status));
  if (hopeless !== undefined)
    throw new UsageError(`payouts that are ${hopeless} have a live withdrawal: ${verb} is refused for them`);
  const { items } = await context.view.payouts({ statuses, kinds: options.kind, payee: options.payee });
  return items
    .toSorted((a, b) => a.dueMs - b.dueMs)
    .map(({ id, key, amount }) => ({ reference: { text: key, id }, amount }));
}

/** A payout that is not there is called what the operator called it. */
const namedAs = (reference: PayoutReference, answer: PayoutAnswer): PayoutAnswer =>
  answer.status === undefined ? { ...answer, payout: reference.text } : answer;

function say(context: Context, answer: PayoutAnswer): void {
  const { terminal } = context;
  const mark = {
    done: ["green", "done"],
    unchanged: ["dim", "unchanged"],
    refused: ["red", "refused"],
  } as const;
  const [style, word] = mark[answer.result];
  const what =
    answer.amount === undefined
      ? answer.payout
      : `${answer.payout} (${btsText(answer.amount)} to ${answer.payee})`;
  terminal.out(`${terminal.paint(style, word.padEnd(9))} ${plainText(`${what}: ${answer.message}`)}`);
  if (answer.todo !== undefined) terminal.out(`${" ".repeat(10)}→ ${answer.todo}`);
  const link = answer.status === undefined ? undefined : context.linkTo(pathTo.payout(answer.payout));
  if (link !== undefined) terminal.out(`${" ".repeat(10)}${link}`);
}

function summarize({ terminal }: Context, answers: readonly PayoutAnswer[]): void {
  if (answers.length < 2) return;
  const count = (result: PayoutAnswer["result"]) =>
    answers.filter((answer) => answer.result === result).length;
  terminal.out(`\n${count("done")} done, ${count("unchanged")} unchanged, ${count("refused")} refused`);
}

/** A requeued payout that is not paid looks like a broken command. */
async function sayIfPaymentsAreOff(
  { ledger, terminal }: Context,
  verb: Verb,
  answers: readonly PayoutAnswer[],
): Promise<void> {
  if (verb === "hold" || verb === "cancel" || answers.every((answer) => answer.status !== "ready")) return;
  const { payments } = await ledger.control.read();
  if (!payments.on)
    terminal.note(
      plainText(`payments are off (${payments.reason}): nothing is paid until \`stakebts payments on\``),
    );
}

interface TrialOptions extends ActionOptions {
  readonly dryRun?: boolean;
}

export function addPayoutApprove(payouts: Command, run: Run): void {
  payouts
    .command("approve")
    .argument("<payout>", "key or id", payoutReference)
    .description("Let a payout go that a limit holds. One at a time: look at each.")
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "say what would happen, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
It is good for this payee, this amount and every attempt. A person who has requeued or released the payout cannot approve it.
An hour or a day that is full stays full: the payout then waits for room.
${examples(["payouts failed", "what is held, and why"], ["payouts approve base:60692861:0:0 --reason 'agreement compared with the chain'", "then it is paid"])}`,
    )
    .action(
      run(async (context, reference: PayoutReference, options: TrialOptions) => {
        const dryRun = options.dryRun === true;
        const action = dryRun ? DRY_RUN : await operatorAction(context, options);
        const answer = await approvePayout(context, { id: reference.id, action, dryRun });
        const named = namedAs(reference, answer);
        if (options.json) printJson(context.terminal, named);
        else say(context, named);
        return answer.result === "refused" ? EXIT.no : EXIT.ok;
      }),
    );
}

export function addPayoutSettle(payouts: Command, run: Run): void {
  payouts
    .command("settle")
    .argument("<payout>", "key or id", payoutReference)
    .description(
      "Confirm a payout by a transfer on the chain that does not name it: v2.4's, or one made by hand.",
    )
    .addOption(operationOption("--by <block:trx:op>", "the transfer that paid it").makeOptionMandatory())
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "say what would happen, and do nothing")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
The transfer must be the custodian's, to this payee and of this amount, and settles one payout only. It has to be in the
ledger: \`stakebts blocks replay\` reads older blocks. This is final. For what v2.4 left in processing, see docs/imports.md.
${examples(["payouts settle reward:59107000:0:0:2 --by 60700000:3:0 --reason 'v2.4 had sent it'", "it was paid"])}`,
    )
    .action(
      run(async (context, reference: PayoutReference, options: TrialOptions & { by: OperationId }) => {
        const dryRun = options.dryRun === true;
        const action = dryRun ? DRY_RUN : await operatorAction(context, options);
        const by = operationPosition(options.by);
        assert(by !== undefined, "its option was parsed");
        const answer = await settlePayout(context, { id: reference.id, by, action, dryRun });
        const named = namedAs(reference, answer);
        if (options.json)
          printJson(context.terminal, { action: dryRun ? undefined : action.id, answers: [named] });
        else say(context, named);
        return answer.result === "refused" ? EXIT.no : EXIT.ok;
      }),
    );
}

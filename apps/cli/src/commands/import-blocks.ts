import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import {
  blocksIn,
  importMarks,
  needPassedBlocks,
  planBlocks,
  rangesAround,
  readBlocks,
} from "@stakebts/core/imports/import-blocks";
import type { PlannedTransfer } from "@stakebts/core/imports/plan-blocks";
import { column, type Columns } from "@stakebts/core/operators/columns";
import { DAYS_PAID_BY_HAND } from "@stakebts/core/rules/import-mark";
import type { Bts } from "@stakebts/kernel/amount";
import { btsText, NOTHING } from "@stakebts/kernel/text";
import type { Millis } from "@stakebts/kernel/time";
import { type Context, ingestDeps, type Run } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { blockNumber, examples } from "../options.ts";
import { printTable } from "../print.ts";
import { progressOf, type Terminal } from "../terminal.ts";
import { addPassBlock } from "./pass-block.ts";
import {
  addImportOptions,
  beginImport,
  carryOutImport,
  daysOption,
  type ImportOptions,
  monthsPaidText,
} from "./import-plan.ts";

interface Options extends ImportOptions {
  readonly file?: string;
  readonly paidByHand?: readonly Millis[];
}

export function addImportBlocks(parent: Command, run: Run): void {
  addImportOptions(
    parent
      .command("blocks")
      .argument("[blocks]", "block numbers with commas")
      .description(
        "Take over what named blocks hold, each with two before and two after it, as if it had been live.",
      )
      .addOption(
        new Option("--file <file>", "block numbers from a file, with commas, blanks or lines between them"),
      )
      .addOption(
        daysOption(
          "--paid-by-hand <days>",
          "days on which every running agreement was paid its next month by hand; none for none (default: 2021-06-30,2021-07-31,2021-08-31, for blocks up to strict_json_up_to_block of the policy)",
        ),
      ),
  )
    .addHelpText(
      "after",
      `
What is found is taken for answered: no confirmation is sent, and no refund of an invalid request. Agreements owe what is
not marked paid, and a stop returns what it returns live. On each of the days paid by hand every agreement that had begun
was paid its next month, due or not. The plan says which month, which day, and what will be owed at once: look at it.

It needs the settings of ingester and scheduler: STAKEBTS_NODES, STAKEBTS_CUSTODIAN, STAKEBTS_MEMO_KEY and, where they are
set, STAKEBTS_POLICY, STAKEBTS_SKIP_BLOCKS and STAKEBTS_EXCHANGE_ACCOUNTS. Blocks above the cursor are the ingester's.
${examples(["import blocks 59107000,59107001 --dry-run", "the plan"], ["import blocks --file blocks.txt --reason 'first start'", "shows the plan and asks"], ["import blocks 60800000 --paid-by-hand none --reason 'was missing' --yes", "nothing was paid by hand"])}`,
    )
    .action(
      run(async (context, blocks: string | undefined, options: Options) =>
        importNamed(context, blocks, options),
      ),
    );
}

async function importNamed(context: Context, given: string | undefined, options: Options): Promise<ExitCode> {
  const blocks = blockNumbers(given, options.file);
  const action = await beginImport(context, options);
  const deps = await ingestDeps(context);
  const all = rangesAround(blocks);
  const ranges: { from: number; to: number }[] = [];
  for (const range of all)
    ranges.push({ from: range.from, to: (await needPassedBlocks(deps.ledger, range)).to });
  const mark = importMarks(
    options.paidByHand === undefined
      ? { days: DAYS_PAID_BY_HAND, upToBlockNum: deps.policy.strictJsonUpToBlock }
      : { days: options.paidByHand, upToBlockNum: Number.MAX_SAFE_INTEGER },
  );
  const looking = progressOf(context, "blocks");
  const planned = await planBlocks(deps, ranges, mark, looking.onProgress);
  looking.end();
  const fresh = newTransfers(planned);
  return carryOutImport(context, options, action, {
    plan: { blocks: blocksIn(ranges), transfers: planned, new: fresh.length, owedAtOnce: owedBy(planned) },
    say: () => printTransfers(context.terminal, planned),
    question:
      fresh.length === 0
        ? undefined
        : `Add ${fresh.length} transfer(s) and owe ${btsText(owedBy(planned))} at once?`,
    apply: async (by) => {
      const { onProgress, end } = progressOf(context, "blocks");
      const request = { kind: "import", ranges, mark, action: by, finished: new Set<string>() } as const;
      const outcome = await readBlocks(deps, request, onProgress);
      end();
      return {
        outcome,
        say: () => {
          context.terminal.out(`${outcome.transfersAdded} transfer(s) added from ${outcome.blocks} blocks`);
          context.terminal.note("look at them: `stakebts agreements`, `stakebts payouts list --status due`");
        },
      };
    },
  });
}

function blockNumbers(given: string | undefined, file: string | undefined): readonly number[] {
  if ((given === undefined) === (file === undefined))
    throw new UsageError(
      "which blocks? `stakebts import blocks 59107000,59107001`, or --file with such a list",
    );
  const words = (given ?? textOf(file as string))
    .replace(/#.*$/gmu, "")
    .split(/[\s,]+/u)
    .filter((word) => word !== "");
  const wrong = words.find((word) => !/^[1-9][0-9]{0,8}$/u.test(word));
  if (wrong !== undefined || words.length === 0)
    throw new UsageError(
      `expected block numbers with commas, such as 59107000,59107001${wrong === undefined ? "" : `; found "${wrong.slice(0, 40)}"`}`,
    );
  return words.map(Number);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  }
}

interface ReplayOptions extends ImportOptions {
  readonly from: number;
  readonly to?: number;
  readonly again?: boolean;
}

export function addBlocks(program: Command, run: Run): void {
  const blocks = program
    .command("blocks")
    .description(
      "Blocks: read again those that the cursor has passed, or pass one that no node can deliver.",
    );
  addPassBlock(blocks, run);
  addImportOptions(
    blocks
      .command("replay")
      .description(
        "Read old blocks again, and add and answer what the ledger has missed, as if it were live.",
      )
      .addOption(new Option("--from <block>", "the first").argParser(blockNumber).makeOptionMandatory())
      .addOption(new Option("--to <block>", "the last (default: the cursor)").argParser(blockNumber))
      .option("--again", "read those too that an earlier replay has finished with"),
  )
    .addHelpText(
      "after",
      `
What the ledger has stays as it is: no agreement, payout or receipt comes twice. What it has missed is answered now, and
what that owes is owed; a payment that the chain shows already is not made again. Transfers that v2.4 has answered are
recorded and no more (\`import sqlite\`). Payments must be off meanwhile.

Each thousand blocks leave a receipt. After Ctrl-C, or a crash, the same command goes on after the last of them.
STAKEBTS_REPLAY=<block> does the same when the ingester starts. It needs the settings of ingester and scheduler, as
\`import blocks\` does.
${examples(["blocks replay --from 61200000 --to 61210000 --dry-run", "what is missing there?"], ["blocks replay --from 61200000 --reason 'was down, began at current'", "from there to the cursor"])}`,
    )
    .action(run(async (context, options: ReplayOptions) => replay(context, options)));
}

async function replay(context: Context, options: ReplayOptions): Promise<ExitCode> {
  const { terminal } = context;
  if (options.to !== undefined && options.to < options.from)
    throw new UsageError(`--to ${options.to} is before --from ${options.from}`);
  const action = await beginImport(context, options);
  const deps = await ingestDeps(context);
  const asked = { from: options.from, to: options.to ?? options.from };
  const { cursor } = await needPassedBlocks(deps.ledger, asked);
  const range = { from: options.from, to: Math.min(options.to ?? cursor.blockNum, cursor.blockNum) };
  const ranges = [range];
  const asLive = () => undefined;
  // A dry run reads the blocks and says what they hold. Otherwise they are read once, and written as they come.
  const { onProgress, end } = progressOf(context, "blocks");
  const planned = action === undefined ? await planBlocks(deps, ranges, asLive, onProgress) : undefined;
  end();
  const finished =
    options.again === true ? [] : (await context.view.receipts({ event: "blocks.read", own: true })).items;
  return carryOutImport(context, options, action, {
    plan: {
      from: range.from,
      to: range.to,
      blocks: blocksIn(ranges),
      transfers: planned,
      new: planned === undefined ? undefined : newTransfers(planned).length,
      owedAtOnce: planned === undefined ? undefined : owedBy(planned),
    },
    say: () => {
      terminal.out(
        `blocks ${range.from} to ${range.to}: ${blocksIn(ranges)} in all, the cursor is at ${cursor.blockNum}`,
      );
      if (planned !== undefined) printTransfers(terminal, planned);
    },
    question: `Read ${blocksIn(ranges)} block(s) again, and add and answer what is missing?`,
    apply: async (by) => {
      const progress = progressOf(context, "blocks");
      const outcome = await readBlocks(
        deps,
        {
          kind: "replay",
          ranges,
          mark: asLive,
          action: by,
          finished: new Set(
            finished.filter(({ details }) => details["kind"] === "replay").map(({ subject }) => subject),
          ),
        },
        progress.onProgress,
      );
      progress.end();
      return {
        outcome,
        say: () => {
          terminal.out(
            `${outcome.transfersAdded} transfer(s) added from ${outcome.blocks} blocks${outcome.passedOver === 0 ? "" : `; ${outcome.passedOver} of them were read before and passed over (--again reads them)`}`,
          );
          if (outcome.transfersAdded > 0)
            terminal.note("look at what is owed now: `stakebts payouts list --status due`");
        },
      };
    },
  });
}

const SHOWN_MAX = 200;

const newTransfers = (planned: readonly PlannedTransfer[]): readonly PlannedTransfer[] =>
  planned.filter(({ known }) => !known);

const owedBy = (planned: readonly PlannedTransfer[]): bigint =>
  planned.reduce((sum: bigint, { owedAtOnce }: { owedAtOnce: Bts }) => sum + owedAtOnce, 0n);

const PLANNED = {
  transfer: column.id("Transfer", ({ operation }) => operation),
  time: column.time("Time (UTC)", ({ timeMs }) => timeMs),
  account: column.text(
    "Account",
    ({ direction, account }) => `${direction === "in" ? "from" : "to"} ${account}`,
  ),
  amount: column.shares("Amount", ({ amount }) => amount),
  outcome: column.text("Outcome", ({ known, outcome }) =>
    known ? "in the ledger" : (outcome ?? "recorded"),
  ),
  monthsPaid: column.text("Months paid", ({ monthsPaid }) => monthsPaidText(monthsPaid) || NOTHING),
  owed: column.number("Owed at once", ({ owedAtOnce }) => owedAtOnce),
  reason: column.text("Why", ({ reason }) => reason),
} as const satisfies Columns<PlannedTransfer>;

function printTransfers(terminal: Terminal, planned: readonly PlannedTransfer[]): void {
  if (planned.length === 0) {
    terminal.out("no transfer of the custodian is in these blocks");
    return;
  }
  printTable(terminal, PLANNED, planned.slice(0, SHOWN_MAX));
  if (planned.length > SHOWN_MAX)
    terminal.note(`${SHOWN_MAX} of ${planned.length}; --dry-run --json shows all`);
  terminal.out("");
  terminal.out(
    `${newTransfers(planned).length} new transfer(s), ${planned.length - newTransfers(planned).length} in the ledger already; owed at once: ${btsText(owedBy(planned))}`,
  );
}

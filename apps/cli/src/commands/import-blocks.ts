import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { DAYS_PAID_BY_HAND } from "@stakebts/core/rules/import-mark";
import type { Millis } from "@stakebts/kernel/time";
import {
  blocksIn,
  importMarks,
  needPassedBlocks,
  planBlocks,
  rangesAround,
  readBlocks,
} from "@stakebts/core/imports/import-blocks";
import type { Context } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { ingestDeps } from "../ingest-deps.ts";
import { examples } from "../options.ts";
import { btsText } from "../print.ts";
import { progressOf } from "../progress.ts";
import type { Run } from "../run.ts";
import {
  addImportOptions,
  beginImport,
  carryOutImport,
  daysOption,
  type ImportOptions,
} from "./import-options.ts";
import { newTransfers, owedBy, printTransfers } from "./planned-transfers.ts";

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
        : `Add ${fresh.length} transfer(s) and owe ${btsText(owedBy(planned))} BTS at once?`,
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

import { type Command, InvalidArgumentError, Option } from "commander";
import { blocksIn, needPassedBlocks, planBlocks, readBlocks } from "@stakebts/core/imports/import-blocks";
import type { Context } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { ingestDeps } from "../ingest-deps.ts";
import { examples } from "../options.ts";
import { progressOf } from "../progress.ts";
import type { Run } from "../run.ts";
import { addImportOptions, beginImport, carryOutImport, type ImportOptions } from "./import-options.ts";
import { newTransfers, owedBy, printTransfers } from "./planned-transfers.ts";

interface Options extends ImportOptions {
  readonly from: number;
  readonly to?: number;
  readonly again?: boolean;
}

const blockNumber = (text: string): number => {
  if (!/^[1-9][0-9]{0,8}$/u.test(text)) throw new InvalidArgumentError("Expected a block number.");
  return Number(text);
};

export function addBlocks(program: Command, run: Run): void {
  const blocks = program.command("blocks").description("Blocks that the cursor has passed: read them again.");
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
    .action(run(async (context, options: Options) => replay(context, options)));
}

async function replay(context: Context, options: Options): Promise<ExitCode> {
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
    options.again === true ? [] : (await context.view.receipts({ event: "blocks.read" })).items;
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

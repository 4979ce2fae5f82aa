import { type Command, InvalidArgumentError, Option } from "commander";
import { createWholeLedger } from "@stakebts/core/rebuild/postgres-contents";
import type { LedgerContents } from "@stakebts/core/rebuild/ledger-contents";
import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import { rebuildLedger } from "@stakebts/core/rebuild/rebuild-ledger";
import { RebuildRefused } from "@stakebts/core/rebuild/rebuild-refused";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { ingestDeps } from "../ingest-deps.ts";
import { actorOption, examples, jsonOption, reasonOption } from "../options.ts";
import { btsText, printJson } from "../print.ts";
import { progressOf } from "../progress.ts";
import type { Run } from "../run.ts";
import { isConfirmed, operatorAction } from "./operator-action.ts";
import { compareLedger } from "./rebuild-compare.ts";

interface Options {
  readonly compare?: boolean;
  readonly serious?: boolean;
  readonly from?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly actor?: string;
  readonly json: boolean;
}

const blockNumber = (text: string): number => {
  if (!/^[1-9][0-9]{0,8}$/u.test(text)) throw new InvalidArgumentError("Expected a block number.");
  return Number(text);
};

export function addRebuild(program: Command, run: Run): void {
  program
    .command("rebuild")
    .description("Make the ledger from the chain alone: in the place of a lost one, or to compare.")
    .option("--compare", "make it apart, and print every difference; the ledger is only read")
    .option("--serious", "with --compare: those differences only that nothing explains")
    .addOption(
      new Option(
        "--from <block>",
        "the first block (with --compare: default the first that the ledger has looked into)",
      ).argParser(blockNumber),
    )
    .addOption(reasonOption())
    .addOption(actorOption())
    .option("--dry-run", "show the plan, and do nothing")
    .option("-y, --yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
rebuild fills an empty ledger from the first block that the lost one had looked into (\`rebuild --compare\` names it: keep it
with the keys; so does \`status\`). Imports come first, where there were any. Payments are off until you switch them on, and the recovery hold is up until nothing can be on its way any more.
Interrupted, the same command goes on. A ledger with transfers in it is refused; \`stakebts reset\` puts it aside.

rebuild --compare makes a ledger in a database of its own beside this one (the user must be allowed to create one), by the
same code that ingester and scheduler run, and holds this one against it. Nothing has to stop. A difference is expected when a
person, an import, a failure or another policy of then explains it; any other is a reason to switch payments off.
Agreements keep the terms they were opened under, and those are taken from the ledger.

Both need the settings of ingester and scheduler: STAKEBTS_NODES, STAKEBTS_CUSTODIAN, STAKEBTS_MEMO_KEY with older keys
behind it, and, where they are set, STAKEBTS_POLICY, STAKEBTS_SKIP_BLOCKS, STAKEBTS_EXCHANGE_ACCOUNTS, _RESERVE_ACCOUNT.
Exit code: 0 done, or no difference; 1 differences were found, or it was refused.
${examples(["rebuild --compare", "does the ledger say what the chain says?"], ["rebuild --compare --serious --json", "for a nightly check"], ["rebuild --from 61200000 --dry-run", "how much is there to read?"], ["rebuild --from 61200000 --reason 'the disk was lost'", "into an empty ledger"])}`,
    )
    .action(
      run(async (context, options: Options) => {
        if (options.compare === true) return compareLedger(context, options);
        if (options.serious === true) throw new UsageError("--serious goes with --compare");
        return rebuild(context, options);
      }),
    );
}

async function rebuild(context: Context, options: Options): Promise<ExitCode> {
  const { terminal, view } = context;
  const whole = createWholeLedger({ url: readSettings("database", context.environment).DATABASE_URL });
  const found = await whole.look(async ({ counts, cursor }) => ({ counts, cursor }));
  const begun = await unfinishedRebuild(context);
  // What an import has written may be there, and has to be first (ADR 0011): transfers come from blocks alone.
  if (begun === undefined && found.counts.transfers > 0) throw notEmpty(found);
  const from = options.from ?? begun ?? (found.cursor === undefined ? undefined : found.cursor.blockNum + 1);
  if (from === undefined)
    throw new UsageError(
      "--from: which block was the first that the lost ledger had looked into? `cursor.placed` in an old log, or `rebuild --compare` of before",
    );
  if (begun !== undefined && from !== begun)
    throw new UsageError(`a rebuild from block ${begun} has begun: leave --from out to go on with it`);
  const deps = await ingestDeps(context);
  const newest = lastFinalBlockNum((await deps.chain.head()).irreversibleBlockNum);
  const first = Math.max(from, (found.cursor?.blockNum ?? 0) + 1);
  const plan = { from, next: first, to: newest, blocks: Math.max(0, newest - first + 1) };
  if (!options.json) {
    terminal.out(
      `${begun === undefined ? "" : "goes on: "}blocks ${first} to ${newest}, ${plan.blocks} in all, with the policy file of today`,
    );
    terminal.out(
      `managers' orders in old blocks are ${deps.adminReplay ? "carried out where the chain does not show it" : "recorded only"} (STAKEBTS_ADMIN_REPLAY); payments are off until you switch them on`,
    );
  }
  if (options.dryRun === true) {
    if (options.json) printJson(terminal, { plan, outcome: undefined });
    else terminal.note("nothing was done: this was a dry run");
    return EXIT.ok;
  }
  const action = await operatorAction(context, options);
  if (!(await isConfirmed(context, options.yes === true, `Fill this ledger from ${plan.blocks} block(s)?`))) {
    terminal.note("nothing was done");
    return EXIT.no;
  }
  const progress = progressOf(context, "blocks");
  const startedMs = context.clock.nowMs();
  const read = await rebuildLedger(deps, { fromBlockNum: from, action }, progress.onProgress);
  progress.end();
  const seconds = Math.max(0.001, (context.clock.nowMs() - startedMs) / 1_000);
  const status = await view.status();
  const outcome = {
    ...read,
    blocksPerSecond: Math.round(plan.blocks / seconds),
    agreements: status.agreements,
    payouts: status.payouts,
  };
  if (options.json) printJson(terminal, { plan, action: action.id, outcome });
  else {
    terminal.out(
      `blocks ${read.fromBlockNum} to ${read.toBlockNum} read, ${outcome.blocksPerSecond} a second: ${status.agreements} agreements`,
    );
    for (const { status: name, count, amount } of status.payouts)
      if (count > 0) terminal.out(`  ${count} payouts ${name}, ${btsText(amount)} BTS`);
    terminal.note(`Now:
  1. start ingester and scheduler with STAKEBTS_REPLAY=last
  2. \`stakebts doctor\`; hold or cancel again what a person had decided (\`unmatched payments\` hints at it)
  3. \`stakebts payouts list --status due\` is what will be paid: compare it with your books
  4. start the payer, and \`stakebts payments on --reason '…'\`: it signs nothing before the recovery hold has fallen by itself`);
  }
  return EXIT.ok;
}

const notEmpty = ({ counts, cursor }: Pick<LedgerContents, "counts" | "cursor">): RebuildRefused =>
  new RebuildRefused(
    `this ledger is not empty: ${counts.transfers} transfers, ${counts.payouts} payouts, at block ${cursor?.blockNum ?? 0}`,
    "`stakebts rebuild --compare` only looks; `stakebts reset` puts it aside and begins an empty one",
  );

/** The first block of a rebuild that was interrupted. */
async function unfinishedRebuild({ view }: Context): Promise<number | undefined> {
  const { items } = await view.receipts({ event: "rebuild.*", limit: 1 });
  const [last] = items;
  return last?.event === "rebuild.started" ? Number(last.subject) : undefined;
}

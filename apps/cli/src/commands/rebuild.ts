import { type Command, Option } from "commander";
import { withScratchLedger } from "@stakebts/core/backups/server";
import { checkReceipt } from "@stakebts/core/ledger/nightly-checks";
import { lastFinalBlockNum } from "@stakebts/core/ledger/ingest-blocks";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { compareWithChain } from "@stakebts/core/rebuild/compare-with-chain";
import type { Comparison, Difference } from "@stakebts/core/rebuild/difference";
import type { LedgerContents } from "@stakebts/core/rebuild/ledger-contents";
import { createWholeLedger } from "@stakebts/core/rebuild/postgres-contents";
import { rebuildLedger, RebuildRefused } from "@stakebts/core/rebuild/rebuild-ledger";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, jsonText } from "@stakebts/kernel/text";
import { isConfirmed, operatorAction } from "../ask.ts";
import { readSettings } from "../config.ts";
import { type Context, ingestDeps, type Run, writeDown } from "../context.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { actorOption, blockNumber, examples, jsonOption, reasonOption } from "../options.ts";
import { printJson } from "../print.ts";
import { progressOf } from "../terminal.ts";
import { schemaFolder } from "../installation.ts";

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

export function addRebuild(program: Command, run: Run): void {
  program
    .command("rebuild")
    .description("Make the ledger from the chain alone: in the place of a lost one, or to compare.")
    .option("--compare", "make it apart, and print every difference; of the ledger nothing is changed")
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
Agreements keep the terms they were opened under, and those are taken from the ledger. How it ended is a receipt: \`compare.passed\`,
or \`compare.differs\`, of which operators are notified.

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
      if (count > 0) terminal.out(`  ${count} payouts ${name}, ${btsText(amount)}`);
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
  const { items } = await view.receipts({ event: "rebuild.*", own: true, limit: 1 });
  const [last] = items;
  return last?.event === "rebuild.started" ? Number(last.subject) : undefined;
}

/** Connections to the ledger that is made: reading blocks and applying events take turns. */
const CONNECTIONS = 2;

/** Prints differences as they are found, one a line, and sums up. */
async function compareLedger(context: Context, options: Options): Promise<ExitCode> {
  const { terminal } = context;
  const { DATABASE_URL: url } = readSettings("database", context.environment);
  const shown = ({ cause }: Difference): boolean => options.serious !== true || cause === undefined;
  const comparison = await withScratchLedger(url, schemaFolder(), async (scratchUrl) => {
    const ledger = createPostgresLedger({ url: scratchUrl, max: CONNECTIONS });
    const progress = progressOf(context, "blocks");
    try {
      return await compareWithChain(
        {
          ...(await ingestDeps(context, ledger)),
          clock: context.clock,
          ledger: createWholeLedger({ url }),
          passedBlocks: context.ledger.passedBlocks,
          memoKeysSeen: context.ledger.memoKeys,
          scratch: { ledger, whole: createWholeLedger({ url: scratchUrl }) },
        },
        options.from,
        (difference) => {
          if (shown(difference))
            terminal.out(options.json ? jsonText({ difference }) : inWords(context, difference));
        },
        progress.onProgress,
      );
    } finally {
      progress.end();
      await ledger.close();
    }
  });
  if (options.json) terminal.out(jsonText({ comparison }));
  else sumUp(context, comparison);
  const { serious, fromBlockNum, toBlockNum } = comparison;
  // A part of the ledger that is right says nothing of the rest.
  if (options.from === undefined || serious > 0)
    await writeDown(
      context,
      checkReceipt("compare", {
        found: serious,
        details: { fromBlockNum, toBlockNum },
        todo: "`stakebts payments off`, then `stakebts rebuild --compare --serious` names each: docs/runbook.md, A serious difference",
      }),
    );
  const expected = Object.values(comparison.expected).reduce((sum, count) => sum + count, 0);
  return serious + (options.serious === true ? 0 : expected) === 0 ? EXIT.ok : EXIT.no;
}

function inWords({ terminal }: Context, { about, subject, cause, message, todo }: Difference): string {
  const kind = cause === undefined ? terminal.paint("red", "ALERT".padEnd(9)) : cause.padEnd(9);
  const line = `${kind} ${about} ${subject}: ${message}`;
  return plainText(todo === undefined ? line : `${line} → ${todo}`);
}

function sumUp({ terminal }: Context, comparison: Comparison): void {
  const { fromBlockNum, toBlockNum, compared, olderAgreements, keptTerms, serious, expected } = comparison;
  terminal.out(
    `blocks ${fromBlockNum} to ${toBlockNum}: ${compared.transfers} transfers, ${compared.agreements} agreements, ${compared.rows} rows, ${compared.payouts} payouts compared`,
  );
  if (olderAgreements > 0)
    terminal.out(`${olderAgreements} agreements are older than that, and not compared`);
  if (keptTerms > 0)
    terminal.out(
      `${keptTerms} agreements keep terms that today's policy file does not have: a rebuild would need the file of then`,
    );
  const causes = Object.entries(expected).map(([cause, count]) => `${count} ${cause}`);
  if (causes.length > 0) terminal.out(`expected: ${causes.join(", ")}`);
  terminal.out(
    serious === 0
      ? terminal.paint("green", "nothing alarming: the ledger says what the chain says")
      : terminal.paint(
          "red",
          `${serious} alarming: \`stakebts payments off --reason '…'\`, then look at each`,
        ),
  );
}

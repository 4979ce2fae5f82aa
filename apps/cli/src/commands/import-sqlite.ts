import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { ImportRefused } from "@stakebts/core/imports/import-refused";
import { importV24, readV24Receipts, rowsThatWentOn } from "@stakebts/core/imports/import-v24";
import { readV24Stakes, type V24Row, type V24Stakes } from "@stakebts/core/imports/v24-stakes";
import { planAgreements, type PlannedAgreement } from "@stakebts/core/imports/write-agreements";
import type { Cursor, NewReceipt } from "@stakebts/core/ledger/ledger";
import type { NewStakeRow } from "@stakebts/core/rules/stake-row";
import { plainText } from "@stakebts/kernel/plain-text";
import { btsText, jsonText } from "@stakebts/kernel/text";
import type { Context, Run } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { blockNumber, examples } from "../options.ts";
import { progressOf } from "../terminal.ts";
import {
  addImportOptions,
  agreementJson,
  beginImport,
  carryOutImport,
  type ImportOptions,
  newOnes,
  overdueOf,
  printAgreements,
} from "./import-plan.ts";

interface Options extends ImportOptions {
  readonly acceptDifferences?: boolean;
  readonly answeredUpTo?: number;
  readonly paid?: readonly string[];
}

const ROW = /^(?:reward|base_amount|penalty):\d{1,10}:\d{1,10}:\d{1,10}:\d{1,10}$/u;
const SHOWN_MAX = 50;

export function addImportSqlite(parent: Command, run: Run): void {
  addImportOptions(
    parent
      .command("sqlite")
      .argument("<file>", "the database of v2.4, stake_bitshares.db")
      .description(
        "Take over the database of stakeBTS v2.4: every row of stakes with its status, and every receipt.",
      )
      .addOption(
        new Option(
          "--paid <rows>",
          "rows in processing that the chain shows to be paid, with commas",
        ).argParser((text: string) => {
          const rows = text.split(",").map((row) => row.trim());
          if (!rows.every((row) => ROW.test(row)))
            throw new InvalidArgumentError(
              "Expected rows as the plan names them, such as reward:1:59107000:0:0.",
            );
          return rows;
        }),
      )
      .addOption(
        new Option(
          "--answered-up-to <block>",
          "the last block of which v2.4 has answered every transfer (default: what its table says)",
        ).argParser(blockNumber),
      )
      .option("--accept-differences", "import although the plan names differences: you have looked at them"),
  )
    .addHelpText(
      "after",
      `
End v2.4 first. The file is only read. Rows that v2.4 left in processing may be paid and may not: look on the chain, name
those that are with --paid; the others become payouts that are held, and wait for \`stakebts payouts release\` or \`cancel\`.
v2.4 wrote "paid" before it sent anything: the plan lists such rows that no block confirms.

No transfer up to v2.4's last block is answered a second time, whichever blocks are replayed. Into an empty ledger the cursor is
placed at that block, if STAKEBTS_NODES is set; then the ingester goes on from there.
${examples(["import sqlite stake_bitshares.db --dry-run", "the plan"], ["import sqlite stake_bitshares.db --reason 'first start'", "shows the plan and asks"], ["import sqlite stake_bitshares.db --paid reward:1:59107000:0:0 --reason 'seen on chain' --yes", "one of them was paid"])}`,
    )
    .action(run(async (context, file: string, options: Options) => importDatabase(context, file, options)));
}

async function importDatabase(context: Context, file: string, options: Options): Promise<ExitCode> {
  const database = await readV24Database(file);
  const action = await beginImport(context, options);
  const { terminal, ledger, policy } = context;
  const stakes = readV24Stakes(database.stakes, policy.policy.terms, new Set(options.paid));
  const cursor = await ledger.cursor.read();
  const planned = await planAgreements(context, stakes.agreements, context.nowOf(cursor));
  const processedElsewhereUpToBlockNum = options.answeredUpTo ?? database.blockNum ?? 0;
  const differences = [
    ...stakes.differences,
    ...stakes.leftOut.map(({ row, why }) => ({ at: `left out ${rowText(row)}`, what: why })),
    ...(await rowsThatWentOn(context, planned)).map(({ id, status }) => ({
      at: id,
      what: `is ${status} here and pending in the ledger: v2.4 went on after the first import, and what it paid would be paid again. Hold the payout when it falls due`,
    })),
    ...(await cursorDifferences(context, cursor, processedElsewhereUpToBlockNum)),
  ];
  const receipts = readV24Receipts(database.receipts);
  const fresh = newOnes(planned);
  const undecided = fresh.flatMap(({ offered }) => offered.undecided);
  const placesCursor = cursor === undefined && context.hasChain && processedElsewhereUpToBlockNum > 0;
  const advice = cursorAdvice(cursor, processedElsewhereUpToBlockNum, placesCursor);
  const newReceipts = await countNew(context, [...receipts, ...stakes.leftOut.map(leftOutReceipt)]);
  const isAccepted = differences.length === 0 || options.acceptDifferences === true;
  return carryOutImport(context, options, action, {
    plan: {
      file: basename(file),
      rows: database.stakes.length,
      agreements: planned.map(agreementJson),
      new: fresh.length,
      receipts: { all: receipts.length, new: newReceipts },
      statuses: countStatuses(database),
      undecided: undecided.map(({ key, payee, amount }) => ({ payout: key, payee, amount })),
      toCheck: stakes.toCheck.map(({ id, nominator, amount }) => ({ row: id, nominator, amount })),
      differences,
      owedAtOnce: overdueOf(planned),
      processedElsewhereUpToBlock: processedElsewhereUpToBlockNum,
      cursor: advice,
    },
    say: () => sayPlan(context, { database, stakes, planned, differences, newReceipts, advice }),
    refusal: isAccepted
      ? undefined
      : new ImportRefused(
          `${differences.length} difference(s) between this database and what v2.4 writes`,
          "look at each; if they are as they should be, repeat this with --accept-differences",
        ),
    question:
      fresh.length === 0 && newReceipts === 0
        ? undefined
        : `Import ${fresh.length} agreement(s) and ${newReceipts} receipt(s)?`,
    apply: async (by) => {
      const { onProgress, end } = progressOf(context, "agreements and receipts");
      const outcome = await importV24(
        {
          ledger,
          ...(placesCursor ? { chain: context.chain, custodianId: (await context.custodian()).id } : {}),
        },
        {
          source: basename(file),
          agreements: stakes.agreements,
          receipts,
          leftOut: stakes.leftOut.map(leftOutReceipt),
          processedElsewhereUpToBlockNum,
        },
        by,
        onProgress,
      );
      end();
      return {
        outcome,
        say: () => {
          terminal.out(
            `${outcome.agreements} agreement(s) with ${outcome.rows} rows and ${outcome.receipts} receipt(s) imported; ${outcome.held} payout(s) held`,
          );
          if (outcome.held > 0)
            terminal.note("`stakebts payouts list --status held` shows what waits for your decision");
          terminal.note(
            outcome.cursorPlaced
              ? `the cursor is at block ${processedElsewhereUpToBlockNum}: start the ingester with STAKEBTS_REPLAY=last`
              : advice,
          );
        },
      };
    },
  });
}

interface Difference {
  readonly at: string;
  readonly what: string;
}

/** Blocks that both have answered, or for which neither is known to have. */
async function cursorDifferences(
  { ledger }: Context,
  cursor: Cursor | undefined,
  processedElsewhereUpToBlockNum: number,
): Promise<readonly Difference[]> {
  if (processedElsewhereUpToBlockNum === 0)
    return [
      {
        at: "block_num",
        what: "does not say up to which block v2.4 has answered transfers: give --answered-up-to, else a replay answers them again",
      },
    ];
  const { processedElsewhereUpToBlockNum: known } = await ledger.control.read();
  if (
    cursor === undefined ||
    cursor.blockNum < cursor.scannedFromBlockNum ||
    cursor.scannedFromBlockNum > processedElsewhereUpToBlockNum ||
    known >= processedElsewhereUpToBlockNum
  )
    return [];
  return [
    {
      at: `blocks ${cursor.scannedFromBlockNum} to ${Math.min(cursor.blockNum, processedElsewhereUpToBlockNum)}`,
      what: "were answered by v2.4 and by this ledger: what was refunded or confirmed by both was sent twice",
    },
  ];
}

function cursorAdvice(
  cursor: Cursor | undefined,
  processedElsewhereUpTo: number,
  placesCursor: boolean,
): string {
  if (processedElsewhereUpTo === 0) return "v2.4 does not say where it stopped";
  const next = processedElsewhereUpTo + 1;
  if (placesCursor)
    return `v2.4 stopped at block ${processedElsewhereUpTo}: the cursor will be placed there; start the ingester with STAKEBTS_REPLAY=last`;
  if (cursor === undefined)
    return `v2.4 stopped at block ${processedElsewhereUpTo}: start the ingester for the first time with STAKEBTS_REPLAY=${next}, so that no transfer is lost`;
  if (cursor.scannedFromBlockNum > next)
    return `v2.4 stopped at block ${processedElsewhereUpTo} and this ledger began at ${cursor.scannedFromBlockNum}: the blocks between were not read; \`stakebts blocks replay --from ${next} --to ${cursor.scannedFromBlockNum - 1}\` does`;
  if (cursor.blockNum < processedElsewhereUpTo)
    return `v2.4 stopped at block ${processedElsewhereUpTo}, and the ingester is at ${cursor.blockNum}: up to there it records, from there on it answers`;
  return `v2.4 stopped at block ${processedElsewhereUpTo}, and this ledger has read everything after it`;
}

/** Receipts are known by their names: how many of these the ledger does not have. */
async function countNew({ view }: Context, receipts: readonly NewReceipt[]): Promise<number> {
  const known = new Set<string>();
  for (const event of ["v24.receipt", "v24.row_left_out"])
    for (const { subject } of (await view.receipts({ event, own: true })).items) known.add(subject);
  return receipts.filter(({ subject }) => !known.has(subject)).length;
}

const rowText = (row: V24Row): string => plainText(jsonText(row)).slice(0, 300);

/** A row that has no place in the ledger is kept as text. */
const leftOutReceipt = ({ row, why }: V24Stakes["leftOut"][number]): NewReceipt => ({
  event: "v24.row_left_out",
  subject: `v24:${["type", "number", "block_start", "trx_idx", "ops_idx", "nominator"].map((name) => String(row[name])).join(":")}`,
  details: { why, row: jsonText(row).slice(0, 2_000) },
});

const countStatuses = ({ stakes }: V24Database): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of stakes) counts[String(status)] = (counts[String(status)] ?? 0) + 1;
  return counts;
};

function sayPlan(
  { terminal }: Context,
  found: {
    readonly database: V24Database;
    readonly stakes: V24Stakes;
    readonly planned: readonly PlannedAgreement[];
    readonly differences: readonly Difference[];
    readonly newReceipts: number;
    readonly advice: string;
  },
): void {
  const { database, stakes, planned, differences, newReceipts, advice } = found;
  const fresh = newOnes(planned);
  const section = (head: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    terminal.out("");
    terminal.out(terminal.paint("bold", `${head} (${lines.length})`));
    for (const line of lines.slice(0, SHOWN_MAX)) terminal.out(`  ${plainText(line)}`);
    if (lines.length > SHOWN_MAX)
      terminal.out(`  … and ${lines.length - SHOWN_MAX} more; --dry-run --json shows all`);
  };
  printAgreements(terminal, planned);
  section(
    "In processing: may be paid, may not. Look on the chain; --paid names those that are, the others will be held",
    fresh.flatMap(({ offered }) => offered.rows.filter(({ status }) => status === "processing")).map(lineOf),
  );
  section(
    "Paid, says v2.4, and no block confirms it (months paid by hand are among them): compare them with the chain",
    stakes.toCheck.map(lineOf),
  );
  section(
    "Differences",
    differences.map(({ at, what }) => `${at}: ${what}`),
  );
  const overdue = overdueOf(planned);
  terminal.out("");
  terminal.out(
    `${database.stakes.length} rows: ${Object.entries(countStatuses(database))
      .map(([status, count]) => `${count} ${status}`)
      .join(", ")}`,
  );
  terminal.out(
    `${fresh.length} new agreement(s), ${planned.length - fresh.length} in the ledger already; ${newReceipts} new receipt(s) of ${database.receipts.length}`,
  );
  terminal.out(`owed at once: ${overdue.rows} payment(s), ${btsText(overdue.amount)}`);
  terminal.out(advice);
}

const lineOf = ({ id, nominator, amount }: NewStakeRow): string => `${id}  ${nominator}  ${btsText(amount)}`;

interface V24Database {
  readonly stakes: readonly V24Row[];
  readonly receipts: readonly V24Row[];
  /** Of `block_num` or `block`, whichever there is; `undefined` when neither says. */
  readonly blockNum: number | undefined;
}

/** Bytes 18 and 19 of a SQLite file: 1 for a rollback journal, 2 for a write-ahead log. */
const FILE_FORMAT_AT = [18, 19];
const WRITE_AHEAD = 2;
const HEADER = "SQLite format 3\0";

/**
 * The tables of a database of v2.4, from a copy in memory: the file is read and never opened for writing.
 * Errors: UsageError for what is wrong with the file, with what to do.
 */
async function readV24Database(path: string): Promise<V24Database> {
  const bytes = bytesOf(path);
  if (bytes.subarray(0, HEADER.length).toString("latin1") !== HEADER)
    throw new UsageError(`${path} is not a SQLite database`);
  for (const tail of ["-wal", "-journal"])
    if (existsSync(path + tail) && statSync(path + tail).size > 0)
      throw new UsageError(
        `${path}${tail} lies beside it: v2.4 is running, or its last writes have not reached the database. End v2.4, then \`sqlite3 ${path} .tables\`, which takes them in`,
      );
  // What was written last stands in the log until it is taken in. A copy of the file alone lacks it, and nothing in it tells.
  if (FILE_FORMAT_AT.some((at) => bytes[at] === WRITE_AHEAD) && !existsSync(`${path}-wal`))
    throw new UsageError(
      `${path} is a database with a write-ahead log, and ${path}-wal is not beside it: a copy of the file alone lacks what was written last. ` +
        `Where v2.4 ran, after it has ended: \`sqlite3 ${basename(path)} 'PRAGMA journal_mode = DELETE'\`, then copy the file again`,
    );
  // A database with a write-ahead log that is empty is a plain one but for this mark, and memory has no such log.
  for (const at of FILE_FORMAT_AT) bytes[at] = 1;
  // SQLite as WebAssembly: nothing to compile, and loaded only here.
  const { default: initSqlJs } = await import("sql.js");
  const sqlite = await initSqlJs();
  const database = new sqlite.Database(bytes);
  try {
    const read = (sql: string): readonly V24Row[] => {
      const statement = database.prepare(sql);
      const rows: V24Row[] = [];
      while (statement.step()) rows.push(statement.getAsObject());
      statement.free();
      return rows;
    };
    const tables = new Set(
      read("SELECT name FROM sqlite_master WHERE type = 'table'").map((row) => row["name"]),
    );
    if (!tables.has("stakes"))
      throw new UsageError(`${path} has no table "stakes": it is no database of stakeBTS v2.4`);
    const blockNums = [
      ...(tables.has("block_num") ? read("SELECT block_num AS block FROM block_num") : []),
      ...(tables.has("block") ? read("SELECT block FROM block") : []),
    ].flatMap(({ block }) =>
      typeof block === "number" && Number.isInteger(block) && block > 0 ? [block] : [],
    );
    return {
      stakes: read("SELECT * FROM stakes ORDER BY rowid"),
      receipts: tables.has("receipts") ? read("SELECT * FROM receipts ORDER BY rowid") : [],
      blockNum: blockNums.length === 0 ? undefined : Math.max(...blockNums),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `${path} cannot be read as a database of v2.4: ${(error as Error).message}; \`sqlite3 ${path} 'PRAGMA integrity_check'\` says more`,
    );
  } finally {
    database.close();
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path} (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  }
}

import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { StartupError } from "@stakebts/kernel/errors";
import { type BackupResult, backupsIn, makeBackup, requirePgTools } from "@stakebts/core/backups/make-backup";
import { createLog } from "@stakebts/core/runtime/logger";
import {
  backupTime,
  DEFAULT_RETENTION,
  parseRetention,
  type Retention,
} from "@stakebts/core/backups/retention";
import type { NewReceipt } from "@stakebts/core/ledger/ledger";
import { readSettings } from "../config.ts";
import { type Context, type Run, writeDown } from "../context.ts";
import { EXIT, type ExitCode, explain } from "../exit.ts";
import { examples, jsonOption, parseWhen } from "../options.ts";
import { printJson } from "../print.ts";

interface Options {
  readonly dir: string;
  readonly keep: Retention;
  readonly verify: boolean;
  readonly every?: number;
  readonly json: boolean;
}

const EVERY_MS_MIN = 60_000;

function every(text: string): number {
  const ms = /^\d{1,6}[mhd]$/u.test(text) ? -parseWhen(text, "past", 0) : 0;
  if (ms < EVERY_MS_MIN)
    throw new InvalidArgumentError("Expected a span of a minute or more, such as 4h or 1d.");
  return ms;
}

function keep(text: string): Retention {
  const retention = parseRetention(text);
  if (retention === undefined)
    throw new InvalidArgumentError("Expected hours, days and months to keep, such as 48h,30d,12m.");
  return retention;
}

export function addBackup(program: Command, run: Run): void {
  program
    .command("backup")
    .description("Write the ledger into a file, see that it can be restored, and let old ones go by a rule.")
    .addOption(
      new Option("--dir <folder>", "where backups are; made if it is missing")
        .env("STAKEBTS_BACKUP_DIR")
        .default("backups"),
    )
    .addOption(
      new Option("--keep <rule>", "all of the last hours, one a day, one a month; the newest always stays")
        .argParser(keep)
        .default(DEFAULT_RETENTION, "48h,30d,12m"),
    )
    .option("--verify", "restore it into a database made for that, and compare every table", true)
    .option("--no-verify", "do not: the database's user may not create databases")
    .addOption(
      new Option("--every <span>", "go on, and make one whenever the last is so old: 4h").argParser(every),
    )
    .addOption(jsonOption().conflicts("every"))
    .addHelpText(
      "after",
      `
Needs pg_dump of the server's version or a newer one: STAKEBTS_PG_DUMP, the path, /usr/lib/postgresql are looked into.
Queues are not in it, they fill again by themselves. Keys are not in it either: they are not in the database.
${examples(["backup --dir /var/backups/stakebts", "one backup, now"], ["backup --dir /backups --every 4h", "as a service: SIGTERM ends it"], ["restore /backups/stakebts-….dump", "the way back"])}`,
    )
    .action(
      run((context, options: Options) =>
        options.every === undefined ? once(context, options) : goOn(context, options, options.every),
      ),
    );
}

async function once(context: Context, options: Options): Promise<ExitCode> {
  const result = await backup(context, options);
  if (options.json) printJson(context.terminal, result);
  else if (!result.made) context.terminal.note(`stakebts: no backup was made: ${result.reason}`);
  else {
    const { path, manifest, removed } = result;
    context.terminal.out(
      `made ${path}, ${manifest.bytes} bytes, ${manifest.verified ? "verified" : "not verified"}`,
    );
    for (const name of removed) context.terminal.out(`removed ${name}`);
  }
  return result.made ? EXIT.ok : EXIT.no;
}

/** One whenever the newest is old enough. What goes wrong is said, written down and tried again; SIGTERM ends it. */
async function goOn(context: Context, options: Options, everyMs: number): Promise<ExitCode> {
  // What no later attempt could cure ends it at once, with 78.
  const { DATABASE_URL: databaseUrl } = readSettings("database", context.environment);
  await requirePgTools(databaseUrl, context.environment).catch((error: unknown) => {
    // A database that is away now may be there when a backup is due.
    if (error instanceof StartupError) throw error;
  });
  const log = createLog({ process: "backup", level: "info" });
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end);
  let failures = 0;
  try {
    while (!stop.signal.aborted) {
      const waitMs = await untilDue(context, options.dir, everyMs);
      if (waitMs > 0) {
        await context.clock.sleep(Math.min(waitMs, everyMs), stop.signal);
        continue;
      }
      const problem = await backup(context, options).then(
        (result) => (result.made ? undefined : result.reason),
        (error: unknown) => explain(error).message,
      );
      failures = problem === undefined ? 0 : failures + 1;
      if (problem === undefined) log.info("backup.made", { dir: options.dir });
      else {
        log.error("backup.failed", {
          message: problem,
          todo: "`stakebts backup` says more; it is tried again",
        });
        await context.clock.sleep(Math.min(everyMs, EVERY_MS_MIN * failures), stop.signal);
      }
    }
  } finally {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, end);
  }
  return EXIT.ok;
}

async function untilDue(context: Context, dir: string, everyMs: number): Promise<number> {
  const times = (await backupsIn(resolve(dir))).map((name) => backupTime(name) ?? 0);
  return Math.max(0, ...times) + everyMs - context.clock.nowMs();
}

/** Makes one, and writes down that it was made or why not. */
async function backup(context: Context, { dir, keep: retention, verify }: Options): Promise<BackupResult> {
  const { DATABASE_URL: databaseUrl } = readSettings("database", context.environment);
  const { environment } = context;
  try {
    const result = await makeBackup({
      databaseUrl,
      dir: resolve(dir),
      retention,
      verify,
      nowMs: context.clock.nowMs(),
      environment,
    });
    await writeDown(
      context,
      result.made
        ? {
            event: "backup.made",
            subject: result.manifest.file,
            details: {
              bytes: result.manifest.bytes,
              sha256: result.manifest.sha256,
              verified: result.manifest.verified,
              removed: result.removed.length,
            },
          }
        : failed(result.reason),
    );
    return result;
  } catch (error) {
    // The receipt is worth a try; what is wrong may be the database itself.
    await writeDown(context, failed(explain(error).message)).catch(() => undefined);
    throw error;
  }
}

const failed = (reason: string): NewReceipt => ({
  event: "backup.failed",
  subject: "backup",
  details: { reason: reason.slice(0, 500) },
});

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { StartupError } from "@stakebts/kernel/errors";

/** Programs of PostgreSQL that this machine has. */
export interface PgTools {
  readonly dump: string;
  readonly restore: string;
  /**
   * The `psql` through which a restore has to go, because the server is too old for what `pg_restore` says to it.
   * `undefined`: it may say it itself.
   */
  readonly psql: string | undefined;
  /** As `pg_dump` says it: `15.18`. */
  readonly version: string;
}

export const majorOf = ({ version }: Pick<PgTools, "version">): number => Number.parseInt(version, 10);

type Environment = Readonly<Record<string, string | undefined>>;

/** Debian and systems made from it keep each version in a folder of its own, no matter what is on the path. */
const VERSIONS = "/usr/lib/postgresql";

/** From this version on `pg_restore` makes a setting (`transaction_timeout`) that older servers refuse, and ends. */
const SETS_UNKNOWN_FROM = 17;

/**
 * Looks for the programs for a server of this version: where STAKEBTS_PG_DUMP says, on the path, in the folders of the
 * distribution. Those of the server's own version are best, then the next newer ones: older ones cannot read it.
 * @param dumpMajor of the `pg_dump` that made the file that is to be read: older ones than that cannot. When that is
 *   not known, the newest are tried
 * Errors: StartupError that says what to install.
 */
export async function findPgTools(
  environment: Environment,
  serverMajor: number,
  dumpMajor: number | "unknown" = serverMajor,
): Promise<PgTools> {
  const needed = dumpMajor === "unknown" ? serverMajor : Math.max(serverMajor, dumpMajor);
  const found = (
    await Promise.all(
      candidates(environment).map(async (dump) => ({ dump, version: (await versionOf(dump)) ?? "" })),
    )
  ).filter(({ version }) => version !== "");
  const fitting = found
    .map((tool) => ({ ...tool, major: majorOf(tool) }))
    .filter(({ dump, major }) => major >= needed && existsSync(join(dirname(dump), "pg_restore")))
    .toSorted((a, b) => (dumpMajor === "unknown" ? b.major - a.major : a.major - b.major));
  const refusals = found.map(({ dump, version }) => `${dump} is of version ${version}`);
  for (const { dump, version, major } of fitting) {
    const [restore, psql] = ["pg_restore", "psql"].map((name) => join(dirname(dump), name)) as [
      string,
      string,
    ];
    if (major < SETS_UNKNOWN_FROM || serverMajor >= SETS_UNKNOWN_FROM)
      return { dump, restore, psql: undefined, version };
    if (existsSync(psql)) return { dump, restore, psql, version };
    refusals.push(`${dump} needs psql beside it, to restore into a server of version ${serverMajor}`);
  }
  throw new StartupError(
    `no pg_dump for a server of version ${serverMajor}${needed > serverMajor ? ` and a dump of version ${needed}` : ""}` +
      `${refusals.length > 0 ? ` (${refusals.join("; ")})` : ""}: ` +
      `install the package postgresql-client-${needed} (Debian, Ubuntu; newer ones than the distribution's are at ` +
      `https://apt.postgresql.org), or name the program in STAKEBTS_PG_DUMP`,
  );
}

function candidates(environment: Environment): readonly string[] {
  const named = environment["STAKEBTS_PG_DUMP"]?.trim();
  if (named) return [named];
  const onPath = (environment["PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).filter((name) => /^\d+$/u.test(name)) : [];
  versions.sort((a, b) => Number(b) - Number(a));
  return [...onPath, ...versions.map((version) => join(VERSIONS, version, "bin"))]
    .map((folder) => join(folder, "pg_dump"))
    .filter((path) => existsSync(path));
}

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { out } = await runTool(program, ["--version"], {});
    return /\b(\d+(?:\.\d+)?)/u.exec(out)?.[1];
  } catch (error) {
    if (error instanceof ToolFailed) return undefined;
    throw error;
  }
}

/** A program of PostgreSQL ended with an error, or could not be started. */
export class ToolFailed extends Error {
  override readonly name = "ToolFailed";
}

/**
 * Runs one of them to its end.
 * @param stdout where its output goes, a file's descriptor; without it the output is returned
 */
export function runTool(
  program: string,
  args: readonly string[],
  { environment = {}, stdout }: { environment?: Environment; stdout?: number },
): Promise<{ readonly out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { LC_ALL: "C", PGAPPNAME: "stakebts-backup", ...environment },
      stdio: ["ignore", stdout ?? "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (err = (err + chunk.toString()).slice(-4_000)));
    child.once("error", (error) => reject(new ToolFailed(`${program}: ${error.message}`, { cause: error })));
    child.once("close", (code, signal) => {
      if (code === 0) resolve({ out });
      else
        reject(new ToolFailed(`${program} ended with ${code ?? signal}: ${err.trim() || "it says nothing"}`));
    });
  });
}

/** More than stands before the first data in a script of `pg_restore`. */
const PREAMBLE_BYTES = 16_384;

/**
 * Restores through `psql`, without the setting that a server of an older version refuses. All or nothing.
 * Errors: ToolFailed, with what either of the two says.
 */
export async function restoreThroughPsql(
  { restore, psql, path }: { readonly restore: string; readonly psql: string; readonly path: string },
  options: readonly string[],
  environment: Environment,
): Promise<void> {
  const env = { LC_ALL: "C", PGAPPNAME: "stakebts-backup", ...environment };
  const script = spawn(restore, [...options, "--file=-", path], { env, stdio: ["ignore", "pipe", "pipe"] });
  const reader = spawn(
    psql,
    ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--output=/dev/null"],
    { env, stdio: ["pipe", "ignore", "pipe"] },
  );
  const ends = [outcomeOf(restore, script), outcomeOf(psql, reader)];
  const streamed = pipeline(script.stdout, withoutUnknownSetting, reader.stdin).catch(() => undefined);
  const [problems] = await Promise.all([Promise.all(ends), streamed]);
  // The one that reads knows what is wrong; the other then finds its pipe closed.
  const problem = problems[1] ?? problems[0];
  if (problem !== undefined) throw new ToolFailed(problem);
}

/** `undefined` when it has ended well. */
function outcomeOf(program: string, child: ChildProcess): Promise<string | undefined> {
  let err = "";
  child.stderr?.on("data", (chunk: Buffer) => (err = (err + chunk.toString()).slice(-4_000)));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`${program}: ${error.message}`));
    child.once("close", (code, signal) =>
      resolve(
        code === 0
          ? undefined
          : `${program} ended with ${code ?? signal}: ${err.trim() || "it says nothing"}`,
      ),
    );
  });
}

/** The line is looked for before the first data alone: after that it could be words in the data. */
async function* withoutUnknownSetting(script: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let preamble: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of script) {
    if (preamble === undefined) yield chunk;
    else {
      preamble = Buffer.concat([preamble, chunk]);
      if (preamble.length < PREAMBLE_BYTES) continue;
      yield withoutLine(preamble);
      preamble = undefined;
    }
  }
  if (preamble !== undefined) yield withoutLine(preamble);
}

function withoutLine(preamble: Buffer): Buffer {
  const text = preamble.toString("latin1");
  const data = /^COPY /mu.exec(text)?.index ?? text.length;
  return Buffer.from(
    text.slice(0, data).replace(/^SET transaction_timeout = 0;\r?\n/mu, "") + text.slice(data),
    "latin1",
  );
}

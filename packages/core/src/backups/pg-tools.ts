import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { StartupError } from "@stakebts/kernel/errors";

/** Programs of PostgreSQL that this machine has. */
export interface PgTools {
  readonly dump: string;
  readonly restore: string;
  /** As `pg_dump` says it: `15.18`. */
  readonly version: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Debian and systems made from it keep each version in a folder of its own, no matter what is on the path. */
const VERSIONS = "/usr/lib/postgresql";

/**
 * Looks for a `pg_dump` that can read a server of this version: where STAKEBTS_PG_DUMP says, on the path, in the folders
 * of the distribution (newest first). A dump is readable by servers of its own version and later ones only.
 * Errors: StartupError that says what to install.
 */
export async function findPgTools(environment: Environment, serverMajor: number): Promise<PgTools> {
  const found: string[] = [];
  for (const dump of candidates(environment)) {
    const version = await versionOf(dump);
    if (version === undefined) continue;
    const restore = join(dirname(dump), "pg_restore");
    if (Number.parseInt(version, 10) >= serverMajor && existsSync(restore)) return { dump, restore, version };
    found.push(`${dump} is of version ${version}`);
  }
  throw new StartupError(
    `no pg_dump for a server of version ${serverMajor}${found.length > 0 ? ` (${found.join("; ")})` : ""}: ` +
      `install the package postgresql-client-${serverMajor} (Debian, Ubuntu; newer ones than the distribution's are at ` +
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

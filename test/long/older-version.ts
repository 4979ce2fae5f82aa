import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "../..");

/** Is this commit here? Not in a clone without its history. */
export const isInHistory = (commit: string): Promise<boolean> =>
  run("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: repository }).then(
    () => true,
    () => false,
  );

/**
 * The workers as they were at a commit, built with the libraries that are installed now.
 * @returns the folder, laid out like this repository, and what removes it
 */
export async function buildOlderVersion(commit: string): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "stakebts-older-"));
  const archive = join(folder, "source.tar");
  await run("git", ["archive", "--output", archive, commit], { cwd: repository });
  await run("tar", ["-xf", archive], { cwd: folder });
  link("node_modules", (name) => name !== "@stakebts");
  mkdirSync(join(folder, "node_modules/@stakebts"));
  for (const name of readdirSync(join(folder, "packages"))) {
    symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@stakebts", name));
    // npm makes such a folder only for what it cannot install at the top.
    const ownLibraries = `packages/${name}/node_modules`;
    if (existsSync(join(repository, ownLibraries))) link(ownLibraries, () => true);
  }
  await run(join(folder, "node_modules/.bin/prisma"), ["generate"], { cwd: folder });
  const apps = ["ingester", "scheduler", "payer"].map((name) => join(folder, "apps", name));
  if (existsSync(join(folder, "scripts/bundle.ts")))
    for (const app of apps)
      await run(join(folder, "node_modules/.bin/tsx"), [join(folder, "scripts/bundle.ts")], { cwd: app });
  else await run(join(folder, "node_modules/.bin/tsc"), ["-b", ...apps], { cwd: folder });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };

  /** Links each entry by itself: the workspaces among them are to be those of the older version. */
  function link(path: string, isWanted: (name: string) => boolean): void {
    const entries = readdirSync(join(repository, path), { withFileTypes: true }).map(({ name }) => name);
    mkdirSync(join(folder, path), { recursive: true });
    for (const name of entries.filter(isWanted))
      symlinkSync(join(repository, path, name), join(folder, path, name));
  }
}

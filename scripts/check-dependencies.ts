import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { auditVerdict } from "./dependencies/audit.ts";
import { type InstalledPackage, licenceProblems } from "./dependencies/licences.ts";
import { type Lock, lockProblems, type Manifest } from "./dependencies/lock-problems.ts";

// Does every installation get the same bytes, may we use them, and does the registry know something bad of them?
// Exit code 1 for a problem. That the registry knows no answer is said, and is no problem of the dependencies.

const root = join(import.meta.dirname, "..");
const read = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), "utf8")) as T;

const lock = read<Lock>("package-lock.json");
const paths = Object.keys(lock.packages);
const folders = paths.filter((path) => !path.includes("node_modules/"));
const manifests = new Map(
  folders.map((folder): [string, Manifest] => [folder, read<Manifest>(join(folder, "package.json"))]),
);
const isInstalled = (path: string): boolean => existsSync(join(root, path, "package.json"));
const installed = paths
  .filter((path) => path.includes("node_modules/") && lock.packages[path]?.link !== true && isInstalled(path))
  .map((path) => read<InstalledPackage>(join(path, "package.json")));

const problems = [...lockProblems(lock, manifests, isInstalled), ...licenceProblems(installed)];

// Of what is shipped. What only builds and tests sees no stranger's input.
const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { cwd: root, encoding: "utf8" });
const verdict = auditVerdict(stdout);
if (verdict.type === "vulnerable")
  problems.push(...verdict.findings.map((finding) => `npm audit: ${finding}`));
if (verdict.type === "clean") for (const remark of verdict.remarks) console.warn(`npm audit: ${remark}`);
if (verdict.type === "no_answer")
  console.warn(
    `\n!! NOT AUDITED: the registry has no answer to "npm audit" (${verdict.reason}).\n!! Whether a dependency has a known weakness is not known from this run.\n`,
  );

for (const problem of problems) console.error(problem);
console.log(
  `${paths.length} places in the lock, ${installed.length} packages installed, ${problems.length} problem(s)`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

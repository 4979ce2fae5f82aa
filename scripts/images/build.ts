import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { docker } from "./docker.ts";
import { readComposeFile } from "../compose/compose-file.ts";

/** The targets of the Dockerfile that are images. */
export const TARGETS = [
  "ingester",
  "scheduler",
  "payer",
  "watcher",
  "console",
  "cli",
  "backup",
  "devnet",
] as const;

/** Base images that are to be taken in the place of those of the Dockerfile. */
const REPLACED = ["NODE_IMAGE", "POSTGRES_IMAGE"] as const;

/** What is passed to every build besides: npm's own name for its settings, and Node's for authorities. */
const SECRETS = { npmrc: "NPM_CONFIG_USERCONFIG", ca: "NODE_EXTRA_CA_CERTS" } as const;

/** The targets share their stages, so that only the first of them takes time. */
export async function buildImages(repository: string, tag: string): Promise<void> {
  const shared = [
    "--build-arg",
    `VERSION=${tag}`,
    "--build-arg",
    `REVISION=${revisionOf(repository)}`,
    ...REPLACED.flatMap((name) => argument(name)),
    ...Object.entries(SECRETS).flatMap(([id, name]) => {
      const path = process.env[name];
      return path && existsSync(path) ? ["--secret", `id=${id},src=${path}`] : [];
    }),
  ];
  for (const target of TARGETS) {
    const startMs = Date.now();
    await docker(
      ["buildx", "build", "--load", "--target", target, "--tag", `stakebts/${target}:${tag}`, ...shared, "."],
      {
        cwd: repository,
      },
    );
    console.log(`stakebts/${target}:${tag}, ${Math.round((Date.now() - startMs) / 1000)} s`);
  }
}

const argument = (name: string): string[] => {
  const value = process.env[name];
  return value ? ["--build-arg", `${name}=${value}`] : [];
};

/** The commit, and whether more than it was built. Empty outside of a checkout. */
export function revisionOf(repository: string): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: repository, encoding: "utf8", stdio: "pipe" }).trim();
    return (
      git("rev-parse", "HEAD") +
      (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "-changed")
    );
  } catch {
    return "";
  }
}

/** The compose file, with an example of `.env`. */
export const composeOf = (repository: string, variables: Readonly<Record<string, string | undefined>>) =>
  readComposeFile(join(repository, "docker-compose.yml"), variables);

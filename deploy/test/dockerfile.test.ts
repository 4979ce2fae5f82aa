import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readComposeFile, readVariables } from "../../scripts/compose/compose-file.ts";

const repository = join(import.meta.dirname, "../..");
const at = (path: string): string => join(repository, path);
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8")) as { packageManager: string };
const compose = readComposeFile(at("docker-compose.yml"), readVariables(at("deploy/compose/dev.env")));

interface Stage {
  readonly from: string;
  readonly steps: readonly (readonly [instruction: string, rest: string])[];
}

const lines = readFileSync(at("Dockerfile"), "utf8")
  .replaceAll(/\\\n\s*/gu, "")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const);
const args = Object.fromEntries(
  lines
    .filter(([instruction]) => instruction === "ARG")
    .map(([, rest]) => rest.split("=") as [string, string]),
);
const stages = new Map<string, Stage & { steps: (readonly [string, string])[] }>();
for (const [instruction, rest] of lines) {
  if (instruction === "ARG") continue;
  if (instruction === "FROM") {
    const [from = "", name = ""] = rest.split(" AS ");
    stages.set(name, { from, steps: [] });
  } else [...stages.values()].at(-1)?.steps.push([instruction, rest]);
}

/** The instructions of a stage after those of the stages that it builds on; of those that replace, the last counts. */
function stepsOf(name: string): readonly (readonly [string, string])[] {
  const stage = stages.get(name);
  return stage === undefined ? [] : [...stepsOf(stage.from), ...stage.steps];
}
const all = (name: string, instruction: string): string[] =>
  stepsOf(name).flatMap(([found, rest]) => (found === instruction ? [rest] : []));
const last = (name: string, instruction: string): string => all(name, instruction).at(-1) ?? "";
const argv = (text: string): string[] => (text === "" ? [] : (JSON.parse(text) as string[]));
const targets = [...new Set([...compose.services.values()].flatMap(({ buildTarget }) => buildTarget ?? []))];

describe("the Dockerfile", () => {
  it("has a target for each image that the compose file builds", () => {
    expect(targets.sort()).toEqual([
      "backup",
      "cli",
      "console",
      "devnet",
      "ingester",
      "payer",
      "scheduler",
      "watcher",
    ]);
    for (const target of targets) expect([...stages.keys()]).toContain(target);
  });

  it.each(targets)("starts %s with the command of the compose file, as nobody, without a shell", (target) => {
    const service = [...compose.services.values()].find(
      (one) => one.buildTarget === target && one.name !== "first-user",
    );
    expect(last(target, "USER")).toBe("10001:10001");
    expect(last(target, "STOPSIGNAL")).toBe("SIGTERM");
    const command = [...argv(last(target, "ENTRYPOINT")), ...argv(last(target, "CMD"))];
    if (target === "cli") expect(command.slice(0, 2)).toEqual(service?.argv.slice(0, 2));
    else if (target === "devnet") expect(command.slice(0, 4)).toEqual(service?.argv.slice(0, 4));
    else expect(command).toEqual(service?.argv);
    expect(last(target, "HEALTHCHECK")).toMatch(
      target === "cli" ? /^NONE$/u : /CMD \["node", "deploy\/image\//u,
    );
  });

  it.each(["ingester", "scheduler", "payer", "watcher", "console"])(
    "listens in %s where the compose file says",
    (target) => {
      const port = compose.services.get(target)?.environment["STAKEBTS_HTTP_PORT"] ?? "";
      expect(last(target, "ENV")).toBe(`STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=${port}`);
      expect(last(target, "EXPOSE").split(" ")).toContain(port);
      expect(last(target, "HEALTHCHECK")).toContain(`http://127.0.0.1:${port}/healthz`);
    },
  );

  it("installs with the npm of package.json, from the manifests of all workspaces", () => {
    expect(all("build", "RUN").join("\n")).toContain(`npm install --global ${manifest.packageManager}`);
    const copied = all("build", "COPY").map((rest) => rest.split(" ")[0]);
    for (const folder of ["apps", "packages"])
      for (const name of readdirSync(at(folder))) expect(copied).toContain(`${folder}/${name}/package.json`);
    // npm wants these too: the workspaces that take the place of packages, and what runs after it.
    expect(copied).toEqual(expect.arrayContaining(["absent", "scripts/prune-packages.mjs"]));
  });

  it("puts together workspaces that exist, from files that exist", () => {
    for (const [name] of stages) {
      for (const rest of all(name, "COPY").filter((text) => !text.startsWith("--from=")))
        for (const source of rest.split(" ").slice(0, -1)) expect(existsSync(at(source)), source).toBe(true);
      for (const [, workspace = ""] of all(name, "RUN").flatMap((text) => [
        ...text.matchAll(/assemble\.sh (\S+)/gu),
      ]))
        expect(existsSync(at(`${workspace}/package.json`)), workspace).toBe(true);
    }
  });

  it("pins its base images, and takes pg_dump of the server's version", () => {
    expect(args["NODE_IMAGE"]).toMatch(/^node:20\.\d+\.\d+-bookworm-slim$/u);
    expect(args["POSTGRES_IMAGE"]).toBe(compose.services.get("postgres")?.image);
    for (const { image, buildTarget } of compose.services.values())
      if (buildTarget === undefined) expect(image).toMatch(/:v?\d+\.\d+/u);
  });

  it("health checks are files of the image", () => {
    for (const target of targets) {
      const [, file] = /"(deploy\/image\/[a-z]+\.mjs)"/u.exec(last(target, "HEALTHCHECK")) ?? [];
      if (file !== undefined) expect(existsSync(at(file))).toBe(true);
    }
  });
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readComposeFile, readVariables } from "../../scripts/compose/compose-file.ts";

const repository = join(import.meta.dirname, "../..");
const at = (path: string): string => join(repository, path);
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8")) as { packageManager: string };
const compose = readComposeFile(at("docker-compose.yml"), {
  ...readVariables(at("deploy/compose/dev.env")),
  COMPOSE_PROJECT_NAME: "stakebts-test",
});

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
    .map(([, rest]) => rest.split(/=(.*)/u) as [string, string]),
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

  it.each(targets)("starts %s as the compose file does, as an unnamed user, without a shell", (target) => {
    const service = [...compose.services.values()].find(
      (one) => one.buildTarget === target && !["first-user", "check-ledger"].includes(one.name),
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
      expect(all(target, "ENV")).toContain(`STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=${port}`);
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

  it("puts together every program in one build, from files that exist", () => {
    for (const [name] of stages)
      for (const rest of all(name, "COPY").filter((text) => !text.startsWith("--from=")))
        for (const source of rest.split(" ").slice(0, -1)) expect(existsSync(at(source)), source).toBe(true);
    const [, programs = ""] = /for program in ([^;]+);/u.exec(last("build", "RUN")) ?? [];
    for (const program of programs.split(" "))
      expect(existsSync(at(`${program}/package.json`)), program).toBe(true);
    const made = programs.split(" ").map((program) => `/images/${program.split("/")[1]}`);
    for (const target of targets) {
      const copied = all(target, "COPY").flatMap((rest) => /^--from=build (\S+) /u.exec(rest)?.[1] ?? []);
      expect(copied, target).toEqual([target === "backup" ? "/images/cli" : `/images/${target}`]);
      expect(made).toContain(copied[0]);
    }
  });

  it("installs before the sources are there: a change of one builds, and installs nothing", () => {
    const steps = stepsOf("build").map(([instruction, rest]) => `${instruction} ${rest}`);
    const place = (text: string) => steps.findIndex((one) => one.includes(text));
    expect(place("npm ci")).toBeLessThan(place("COPY . ."));
    expect(place("COPY . .")).toBeLessThan(place("npm run -s build"));
    expect(steps.filter((one) => one.startsWith("COPY") && one.includes("src"))).toEqual([]);
  });

  it("pulls no frontend, and pins its base images by version and digest, as the compose file does", () => {
    expect(readFileSync(at("Dockerfile"), "utf8")).not.toMatch(/^#\s*syntax=/mu);
    expect(args["NODE_IMAGE"]).toMatch(/^node:\d+\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/u);
    // Of a line with long-term support, which the document names.
    const [, major] = /^node:(\d+)/u.exec(args["NODE_IMAGE"] ?? "") ?? [];
    expect(["24", "26"]).toContain(major);
    expect(readFileSync(at("docs/deploy.md"), "utf8")).toContain(`The images run Node ${major}, `);
    expect(args["POSTGRES_IMAGE"]).toBe(compose.services.get("postgres")?.image);
    const text = readFileSync(at("docker-compose.yml"), "utf8");
    for (const name of ["NODE_IMAGE", "POSTGRES_IMAGE"]) expect(text).toContain(`\${${name}:-${args[name]}}`);
    for (const { image, buildTarget } of compose.services.values())
      if (buildTarget === undefined) expect(image).toMatch(/:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}$/u);
  });

  it("takes settings and authorities of a registry as secrets, which no layer keeps", () => {
    const installing = all("build", "RUN").filter(
      (rest) => rest.includes("npm ci") || rest.includes("npm install"),
    );
    expect(installing).toHaveLength(2);
    for (const rest of installing)
      expect(rest).toMatch(/^--mount=type=secret,id=npmrc,target=\/root\/.npmrc --mount=type=secret,id=ca /u);
  });

  it("says in every image which revision it is of", () => {
    for (const target of targets)
      expect(last(target, "LABEL"), target).toContain('org.opencontainers.image.revision="${REVISION}"');
  });

  it("health checks are files of the image", () => {
    for (const target of targets) {
      const [, file] = /"(deploy\/image\/[a-z]+\.mjs)"/u.exec(last(target, "HEALTHCHECK")) ?? [];
      if (file !== undefined) expect(existsSync(at(file))).toBe(true);
    }
  });
});

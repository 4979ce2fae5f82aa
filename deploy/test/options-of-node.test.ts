import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SHIPPED_FLAGS } from "@stakebts/testkit/worker-process";
import { describe, expect, it } from "vitest";

const repository = join(import.meta.dirname, "../..");

/** The options in `node … apps/<name>/dist/main.js`, however the file writes a list. */
function optionsIn(file: string, name: string): readonly string[] | undefined {
  const words = readFileSync(join(repository, file), "utf8").replaceAll(/["',[\]\s]+/gu, " ");
  const [, options] = new RegExp(`node ((?:--\\S+ )*)apps/${name}/dist/main\\.js`, "u").exec(words) ?? [];
  return options?.split(" ").filter((option) => option !== "");
}

describe("the options of Node", () => {
  it.each(["ingester", "scheduler", "payer", "watcher", "console"])(
    "with which %s starts are those of its script, wherever it is started",
    (name) => {
      const script = optionsIn("package.json", name);
      expect(script).toContain("--liftoff-only");
      for (const file of ["Dockerfile", "docker-compose.yml", `deploy/k8s/base/${name}.yaml`])
        expect(optionsIn(file, name), file).toEqual(script);
    },
  );

  it("of the workers are those that tests and benches start them with", () => {
    for (const name of ["ingester", "scheduler", "payer", "watcher"])
      expect(optionsIn("package.json", name), name).toEqual(SHIPPED_FLAGS);
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BREAKS } from "./breaks.ts";
import { FAULTS } from "./faults.ts";

const DOCUMENT = readFileSync(join(import.meta.dirname, "../docs/chaos.md"), "utf8");

/** What the first column of a section's table names. */
function namesIn(section: string): readonly string[] {
  const [, text = ""] = DOCUMENT.split(`## ${section}\n`);
  const [table = ""] = text.split("\n## ");
  return [...table.matchAll(/^\| (`[^|]*)/gmu)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/gu)].map(([, name = ""]) => name),
  );
}

describe("docs/chaos.md", () => {
  it("names every fault", () => {
    expect(namesIn("Faults").toSorted()).toEqual(FAULTS.map(({ kind }) => kind).toSorted());
  });

  it("names every break", () => {
    expect(namesIn("Breaks").toSorted()).toEqual(BREAKS.map(({ name }) => name).toSorted());
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LOCKS } from "./locks.ts";

const REPOSITORY = join(import.meta.dirname, "../../../..");
const FUNCTIONS = join(REPOSITORY, "prisma/functions");

/** Calls with a number in them. */
const numbersIn = (source: string): number[] =>
  [...source.matchAll(/pg_\w*advisory\w*\(\s*([\d_]+)/gu)].map(([, digits = ""]) =>
    Number(digits.replaceAll("_", "")),
  );

describe("the advisory locks", () => {
  it("have a number each", () => {
    const numbers = Object.values(LOCKS);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("of the functions in SQL are among them", () => {
    const taken = readdirSync(FUNCTIONS).flatMap((name) =>
      numbersIn(readFileSync(join(FUNCTIONS, name), "utf8")),
    );
    expect(taken).not.toEqual([]);
    expect(Object.values(LOCKS)).toEqual(expect.arrayContaining(taken));
  });

  it("stand in no other file as numbers", () => {
    const sources = ["apps", "packages"].flatMap((folder) =>
      readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !/node_modules|dist\/|generated/u.test(name))
        .map((name) => join(folder, name)),
    );
    const own = sources.filter(
      (name) =>
        !/locks(\.test)?\.ts$/u.test(name) &&
        (numbersIn(readFileSync(join(REPOSITORY, name), "utf8")).length > 0 ||
          /\b7_?270_?0\d\d\b|\b72_?707_?369\b/u.test(readFileSync(join(REPOSITORY, name), "utf8"))),
    );
    expect(own).toEqual([]);
  });
});

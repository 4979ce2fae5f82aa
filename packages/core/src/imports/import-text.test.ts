import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { parseAgreementLines } from "./import-text.ts";
import { DEFAULT_POLICY } from "../rules/policy.ts";

const parse = (text: string) => parseAgreementLines(text, DEFAULT_POLICY);

describe("a list of agreements", () => {
  it("is read as v2.4's own example, with tabs, blanks, comments and any line ends", () => {
    const { lines, problems } = parse(
      "\u{FEFF}# old ones\r\n\n    user1233 1623177720000 25000 12 2\r\n\tuser9043\t1623176546500  50000\t3 2 # by hand\n",
    );
    expect(problems).toEqual([]);
    expect(lines).toEqual([
      {
        line: 3,
        nominator: "user1233",
        startMs: 1_623_177_720_000,
        amount: 25_000n,
        months: 12,
        monthsPaid: 2,
      },
      {
        line: 4,
        nominator: "user9043",
        startMs: 1_623_176_546_500,
        amount: 50_000n,
        months: 3,
        monthsPaid: 2,
      },
    ]);
  });

  it.each([
    ["user1 1623177720000 25000 12", /4 field\(s\), expected 5/u],
    ["user1 1623177720000 25000 12 2 9", /6 field\(s\)/u],
    ["User1 1623177720000 25000 12 2", /"User1" is not an account name/u],
    ["user1 1623177720 25000 12 2", /1970-01-19, before BitShares: are these seconds/u],
    ["user1 16231777200000 25000 12 2", /2484-/u],
    ["user1 999999999999999 25000 12 2", /expected ms/u],
    ["user1 soon 25000 12 2", /"soon" is not a number of milliseconds/u],
    ["user1 1623177720000 25000.5 12 2", /"25000.5" is not a number of whole BTS/u],
    ["user1 1623177720000 -25000 12 2", /not a number of whole BTS/u],
    ["user1 1623177720000 25001 12 2", /25,001 BTS is not an accepted amount/u],
    ["user1 1623177720000 25000 4 2", /expected 3, 6, 12/u],
    ["user1 1623177720000 25000 3 4", /expected 0 to 3/u],
    ['STAKES = """', /3 field\(s\)/u],
  ])("names what is wrong with %s", (line, problem) => {
    const found = parse(`# a comment\n${line}\n`);
    expect(found.lines).toEqual([]);
    expect(found.problems).toEqual([{ line: 2, problem: expect.stringMatching(problem) }]);
  });

  it("refuses a line twice, and says which it repeats", () => {
    const line = "user1 1623177720000 25000 12";
    expect(parse(`${line} 2\n${line} 1`).problems).toEqual([
      { line: 2, problem: expect.stringContaining("line 1") },
    ]);
  });

  const field = fc.oneof(
    fc.constantFrom("user1", "1623177720000", "25000", "12", "2", "#", "\t", "-1", "1e9", "９"),
    fc.string(),
  );
  test.prop([fc.array(fc.array(field, { maxLength: 7 }), { maxLength: 5 })])(
    "is never an exception: each line is an agreement, a problem, or nothing",
    (rows) => {
      const text = rows.map((row) => row.join(" ")).join("\n");
      const { lines, problems } = parse(text);
      const numbers = [...lines, ...problems].map(({ line }) => line);
      expect(new Set(numbers).size).toBe(numbers.length);
      for (const { monthsPaid, months } of lines) expect(monthsPaid).toBeLessThanOrEqual(months);
    },
  );
});

import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { MEMO_LENGTH_MAX, parseMemo } from "./memo.ts";
import { type Term, TERMS } from "./policy.ts";
import { ADMIN_REQUESTS, MEMO_REJECTIONS } from "./request.ts";

const STRICT_UP_TO = 60_693_000;
const old = { blockNum: STRICT_UP_TO, strictJsonUpToBlock: STRICT_UP_TO };
const recent = { blockNum: STRICT_UP_TO + 1, strictJsonUpToBlock: STRICT_UP_TO };

const SIX_MONTHS = { type: "open", term: "six_months" } as const;
const UNKNOWN = { type: "invalid", reason: "unknown_type" } as const;
const NOT_JSON = { type: "invalid", reason: "not_json" } as const;

describe("a memo after the strict-JSON limit", () => {
  it.each([
    ["six_months"],
    ["' six_months"],
    ["six_months '"],
    ['"six_months"'],
    ["'six_months'"],
    ['"si x_ mon ths"'],
    ["si x_ mon ths"],
    ["six_months\n"],
    ["\r\n\tsix_months"],
    ["six_\u00a0months\u2028\u{feff}"],
    ["six_months\u0085"],
    ["\"'six_months'\""],
    ["six_months'''"],
    ['{"type":"six_months"}'],
    [' { "type" : "six _months" } '],
    ['{\n\t"type": "six_months"\n}\r\n'],
    ['{"type":"six_months","amount":5,"api":[1],"comment":{"a":null}}'],
    ['{"type":"stop","type":"six_months"}'],
    [String.raw`{"type":"\u0073ix_months"}`],
  ])("%j asks for six months", (text) => expect(parseMemo(text, recent)).toEqual(SIX_MONTHS));

  it.each(Object.keys(TERMS) as Term[])("%s opens an agreement, bare and as JSON", (term) => {
    expect(parseMemo(term, recent)).toEqual({ type: "open", term });
    expect(parseMemo(`{"type":"${term}"}`, recent)).toEqual({ type: "open", term });
  });

  it.each([["stop"], ['"stop"'], ["s t o p\n"], ['{"type":"stop"}'], ['{"type":"stop","amount":25000}']])(
    "%j asks for an early exit",
    (text) => expect(parseMemo(text, recent)).toEqual({ type: "stop" }),
  );

  it.each([
    [""],
    ["   "],
    ["''"],
    ["SIX_MONTHS"],
    ["Six_Months"],
    ["Stop"],
    ["six-months"],
    ["sixmonths"],
    ["six_months."],
    ["six_months,stop"],
    ["`six_months`"],
    ["\u201csix_months\u201d"],
    ["\u200bsix_months"],
    ["six_months\0"],
    ["\u{ff53}\u{ff54}\u{ff4f}\u{ff50}"],
    ["{'type':'six_months'}"],
    ["{type:six_months}"],
    ['{"Type":"six_months"}'],
    ['{"type":"SIX_MONTHS"}'],
    ['{"type":["six_months"]}'],
    ['{"type":{"type":"stop"}}'],
    ['{"type":null}'],
    ["{}"],
    ["[]"],
    ['["six_months"]'],
    ["null"],
    ["0"],
    ["true"],
    ["toString"],
    ["constructor"],
    ["__proto__"],
    ["hasOwnProperty"],
    ['{"__proto__":{"type":"stop"}}'],
    ['{"constructor":{"type":"stop"}}'],
    ["3"],
    ["\ud800"],
    ["😀"],
  ])("%j is no request", (text) => expect(parseMemo(text, recent)).toEqual(UNKNOWN));
});

describe("a memo up to the strict-JSON limit", () => {
  it.each([
    ['{"type":"six_months"}', SIX_MONTHS],
    [' { "type" : "six_ months" }\n', SIX_MONTHS],
    ['{"type":"stop"}', { type: "stop" }],
    ["six_months", NOT_JSON],
    ['"six_months"', NOT_JSON],
    ["'six_months'", NOT_JSON],
    ["{'type':'six_months'}", NOT_JSON],
    ["", NOT_JSON],
    ["null", NOT_JSON],
    ['["six_months"]', NOT_JSON],
    ["{}", UNKNOWN],
    ['{"type":"seven_months"}', UNKNOWN],
  ])("%j", (text, request) => expect(parseMemo(text, old)).toEqual(request));

  it("ends with the limit: the next block may bring bare text", () => {
    const at = (blockNum: number) => parseMemo("stop", { blockNum, strictJsonUpToBlock: 10 }).type;
    expect([at(9), at(10), at(11)]).toEqual(["invalid", "invalid", "stop"]);
  });
});

describe("an admin memo", () => {
  it.each([
    ['{"type":"bmg_to_bittrex","amount":500,"api":1}', { type: "bmg_to_bittrex", amount: 500n, account: 1 }],
    ['{"type":"bittrex_to_bmg","amount":500,"api":3}', { type: "bittrex_to_bmg", amount: 500n, account: 3 }],
    [
      '{"type":"bittrex_to_bmg","amount":"500","api":"2"}',
      { type: "bittrex_to_bmg", amount: 500n, account: 2 },
    ],
    ['{"type":"loan_to_bmg"}', { type: "loan_to_bmg" }],
    ["loan_to_bmg", { type: "loan_to_bmg" }],
    ["bmg_to_bittrex", { type: "bmg_to_bittrex" }],
  ])("%s is understood", (text, request) => expect(parseMemo(text, recent)).toEqual(request));

  const amount = (json: string) => parseMemo(`{"type":"bmg_to_bittrex","amount":${json}}`, recent);
  it.each([
    ["1", 1n],
    ["400.0", 400n],
    ["1e3", 1_000n],
    ['"1 000"', 1_000n],
    ["10000000000", 10_000_000_000n],
  ])("has an amount of %s", (json, bts) =>
    expect(amount(json)).toEqual({ type: "bmg_to_bittrex", amount: bts }),
  );
  it.each([
    ["0"],
    ["-500"],
    ["500.5"],
    ['"500.5"'],
    ['"5e2"'],
    ['"0x1f4"'],
    ['""'],
    ['"\u0661\u0662"'],
    ["null"],
    ["true"],
    ["[500]"],
    ["{}"],
    ["1e300"],
    ["1e999"],
    ["9007199254740993"],
    ["10000000001"],
    ['"99999999999999999999"'],
  ])("has no amount that can be used in %s", (json) =>
    expect(amount(json)).toEqual({ type: "bmg_to_bittrex" }),
  );

  const api = (json: string) => parseMemo(`{"type":"bittrex_to_bmg","api":${json}}`, recent);
  it.each([["0"], ["4"], ["-1"], ["1.5"], ['"01"'], ['""'], ["true"], ["null"], ["[1]"], ['{"toString":1}']])(
    "names no exchange account with %s",
    (json) => expect(api(json)).toEqual({ type: "bittrex_to_bmg" }),
  );
});

const KNOWN_TYPES: readonly string[] = ["open", "stop", ...ADMIN_REQUESTS, "invalid"];

/** Every type, and a key that the memo does not have is missing: no key of a request comes from anywhere but the memo. */
function expectOneRequest(text: string): void {
  for (const at of [old, recent]) {
    const request = parseMemo(text, at);
    expect(KNOWN_TYPES).toContain(request.type);
    if (request.type === "invalid") expect(MEMO_REJECTIONS).toContain(request.reason);
    if (request.type === "open") expect(Object.keys(TERMS)).toContain(request.term);
  }
}

describe("parseMemo is total", () => {
  test.prop([fc.string({ unit: "binary", maxLength: 5_000 })])("for any text", expectOneRequest);
  test.prop([fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })])(
    "for any code units, lone surrogates included",
    (units) => expectOneRequest(String.fromCharCode(...units)),
  );
  test.prop([fc.json({ maxDepth: 5 })])("for any JSON", expectOneRequest);
  test.prop([
    fc.dictionary(
      fc.constantFrom("type", "amount", "api", "__proto__", "constructor", "toString", "toJSON"),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom("stop", "six_months", "bmg_to_bittrex", "__proto__", "toString"),
      ),
    ),
  ])("for any object with the keys of a request and worse", (fields) =>
    expectOneRequest(JSON.stringify(fields)),
  );

  test.prop([
    fc.constantFrom("three_months", "six_months", "twelve_months", "stop", "loan_to_bmg"),
    fc.array(
      fc.tuple(fc.nat({ max: 13 }), fc.constantFrom(" ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "'", '"')),
      { maxLength: 20 },
    ),
  ])("and white space and quotes anywhere change nothing", (type, insertions) => {
    let text = type;
    for (const [at, what] of insertions) text = text.slice(0, at) + what + text.slice(at);
    expect(parseMemo(text, recent)).toEqual(parseMemo(type, recent));
  });

  it("and adds nothing to any object", () => {
    parseMemo(
      '{"__proto__":{"polluted":1},"type":"stop","constructor":{"prototype":{"polluted":1}}}',
      recent,
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("hostile text", () => {
  const filled = (text: string) =>
    text.repeat(Math.ceil(MEMO_LENGTH_MAX / text.length)).slice(0, MEMO_LENGTH_MAX);
  const MEGABYTES = 10 * 2 ** 20;
  const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);
  it.each([
    ["10 MB of letters", "a".repeat(MEGABYTES)],
    ["10 MB of spaces around a request", `${" ".repeat(MEGABYTES)}stop`],
    ["10 MB of JSON", `{"type":"stop","a":"${"x".repeat(MEGABYTES)}"}`],
    ["5 MB of nested arrays", deep("[", "]", MEGABYTES / 4)],
    ["nesting as deep as fits", deep("[", "]", MEMO_LENGTH_MAX / 2)],
    ["objects as deep as fit", filled('{"type":')],
    ["nothing but white space", filled(" ")],
    ["white space between letters", filled("s \n")],
    ["nothing but quotes", filled("\"'")],
    ["nothing but digits", filled("9")],
    ["nothing but NUL", filled("\0")],
    ["nothing but emoji", filled("👩‍👩‍👧‍👦")],
    ["nothing but lone surrogates", filled("\udfff\ud800")],
    ["nothing but backslashes", `"${filled("\\").slice(2)}"`],
    ["an amount of 4000 digits", `{"type":"x","amount":${"9".repeat(4_000)}}`],
  ])("%s is invalid", (_, text) => {
    expect(parseMemo(text, recent).type).toBe("invalid");
  });

  it("is refused by length alone beyond the limit, and read up to it", () => {
    const stopIn = (length: number) => parseMemo("stop".padEnd(length, " "), recent);
    expect(stopIn(MEMO_LENGTH_MAX)).toEqual({ type: "stop" });
    expect(stopIn(MEMO_LENGTH_MAX + 1)).toEqual({ type: "invalid", reason: "too_long" });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@stakebts/testkit/property";
import { afterAll, describe, expect, it } from "vitest";
import { DEFAULT_POLICY, MAINNET_CHAIN_ID } from "../rules/policy.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@stakebts/kernel/time";
import { POLICY_KEYS, type PolicyFile, policyOf, policySetting } from "./policy-file.ts";

const folder = mkdtempSync(join(tmpdir(), "policy-"));
afterAll(() => rmSync(folder, { recursive: true }));
const PATH = join(folder, "policy.yaml");
const TESTNET_CHAIN_ID = "39f5e2ede1f8bc1a3a54a7914414e3779e33193f1f5693510e73cb7a87617447";

function readFile(content: string) {
  writeFileSync(PATH, content);
  return policySetting.safeParse(PATH);
}
function read(content: string): PolicyFile {
  const parsed = readFile(content);
  expect(parsed.error?.issues.map((issue) => issue.message) ?? []).toEqual([]);
  return parsed.data ?? {};
}
const problems = (content: string): string[] =>
  (readFile(content).error?.issues ?? []).map((issue) => issue.message);

const KNOWN =
  "month, reward, penalty, earlier_terms, accepted_amounts, invalid_request_fee, refund_above, confirmation, minimum_balance, max_network_fee, " +
  "funds_wait, admin_transfer_above, top_up_available_above, top_up_fee_left, report_every, strict_json_up_to_block, expiration, max_attempts, support_address, managers, explorer_account, explorer_block, explorer_transaction";

const TEST_NETWORK = "39f5e2ede1f8bc1a3a54a7914414e3779e33193f1f5693510e73cb7a87617447";

describe("a policy file", () => {
  const EVERY_KEY = {
    month: "20s",
    reward: "12.5%",
    penalty: 10,
    earlier_terms: [{ month: "30d", reward: 10, penalty: "12.5%" }],
    accepted_amounts: [100, "200"],
    invalid_request_fee: 1,
    refund_above: 0,
    confirmation: false,
    minimum_balance: 5,
    max_network_fee: 7,
    funds_wait: "90m",
    admin_transfer_above: 10,
    top_up_available_above: 50,
    top_up_fee_left: 2,
    report_every: "1h",
    strict_json_up_to_block: 7,
    expiration: "2 minutes",
    max_attempts: 3,
    support_address: "help@example.org",
    managers: ["manager-a", "manager.b"],
    explorer_account: "https://explorer.example/#/accounts/{account}",
    explorer_block: "https://explorer.example/#/blocks/{block}",
    explorer_transaction: "",
  };
  const UNDERSTOOD = {
    policy: {
      terms: { monthMs: 20_000, rewardBps: 1_250n, penaltyBps: 1_000n },
      earlierTerms: [{ monthMs: 30 * DAY_MS, rewardBps: 1_000n, penaltyBps: 1_250n }],
      acceptedAmounts: [100n, 200n],
      invalidRequestFee: 1n,
      refundAbove: 0n,
      confirmAgreements: false,
      minimumBalance: 5n,
      maxNetworkFee: 7n,
      fundsWaitMs: 90 * MINUTE_MS,
      adminTransferAbove: 10n,
      topUpAvailableAbove: 50n,
      topUpFeeLeft: 2n,
      reportEveryMs: HOUR_MS,
      strictJsonUpToBlock: 7,
      expirationMs: 120_000,
      maxAttempts: 3,
      supportAddress: "help@example.org",
    },
    managers: ["manager-a", "manager.b"],
    explorer: {
      account: "https://explorer.example/#/accounts/{account}",
      block: "https://explorer.example/#/blocks/{block}",
      transaction: undefined,
    },
  };

  it("does not hold payments back for a day after a restore on the main network", () => {
    expect(() => policyOf(read("expiration: 1d"), MAINNET_CHAIN_ID)).toThrow("at most an hour");
    expect(policyOf(read("expiration: 1h"), MAINNET_CHAIN_ID).policy.expirationMs).toBe(HOUR_MS);
    expect(policyOf(read("expiration: 20d"), TEST_NETWORK).policy.expirationMs).toBe(20 * DAY_MS);
  });

  it.each(["month: 367d", "funds_wait: 367d", "report_every: 91d", "expiration: 31d"])(
    "says why a duration may not be so long: %s",
    (line) => expect(problems(line)[0]).toMatch(/at most \d+d\. [A-Z].+/u),
  );

  it("does not take a minute for a month on the main network", () => {
    expect(() => policyOf(read("month: 1m"), MAINNET_CHAIN_ID)).toThrow("at least a day (30d, not 1m)");
    expect(policyOf(read("month: 1d"), MAINNET_CHAIN_ID).policy.terms.monthMs).toBe(DAY_MS);
    expect(policyOf(read("month: 1m"), TEST_NETWORK).policy.terms.monthMs).toBe(MINUTE_MS);
  });

  it("may be JSON", () => {
    expect(policyOf(read(JSON.stringify(EVERY_KEY, null, 2)), TEST_NETWORK)).toEqual(UNDERSTOOD);
  });

  it("may be YAML, and means the same", () => {
    const yaml = `
# A programme for a test network.
month: 20s
reward: 12.5%
penalty: 10
earlier_terms:
  - month: 30d
    reward: 10
    penalty: 12.5%
accepted_amounts:
  - 100
  - "200"
invalid_request_fee: 1
refund_above: 0
confirmation: false
minimum_balance: 5
max_network_fee: 7
funds_wait: 90m
admin_transfer_above: 10
top_up_available_above: 50
top_up_fee_left: 2
report_every: 1h
strict_json_up_to_block: 7
expiration: 2 minutes
max_attempts: 3
support_address: help@example.org
managers: [manager-a, manager.b]
explorer_account: https://explorer.example/#/accounts/{account}
explorer_block: https://explorer.example/#/blocks/{block}
`;
    expect(policyOf(read(yaml), TEST_NETWORK)).toEqual(UNDERSTOOD);
  });

  it.each([
    ["no file", undefined],
    ["an empty file", ""],
    ["a file of comments", "# nothing\n"],
    ["no keys", "{}"],
  ])("of %s leaves every default of the programme", (_, content) => {
    const file = content === undefined ? policySetting.parse(undefined) : read(content);
    expect(policyOf(file, MAINNET_CHAIN_ID)).toEqual({
      policy: DEFAULT_POLICY,
      managers: ["dls.cipher", "escrow.zavod.premik"],
      explorer: { account: undefined, block: undefined, transaction: undefined },
    });
  });

  it("changes what it names and nothing else", () => {
    expect(policyOf(read("reward: 12.5%"), MAINNET_CHAIN_ID).policy).toEqual({
      ...DEFAULT_POLICY,
      terms: { ...DEFAULT_POLICY.terms, rewardBps: 1_250n },
    });
  });

  it("names the terms that held before as a whole", () => {
    const [problem] = problems("earlier_terms: [{ month: 30d, reward: 10% }]");
    expect(problem).toContain("earlier_terms.0.penalty is");
    expect(problem).toContain("expected a percentage");
  });

  it("need not know that only the main network has a past of strict JSON", () => {
    expect(policyOf({}, MAINNET_CHAIN_ID).policy.strictJsonUpToBlock).toBe(60_693_000);
    expect(policyOf({}, TESTNET_CHAIN_ID).policy.strictJsonUpToBlock).toBe(0);
    expect(policyOf(read("strict_json_up_to_block: 9"), TESTNET_CHAIN_ID).policy.strictJsonUpToBlock).toBe(9);
  });

  it("may name no manager at all", () =>
    expect(policyOf(read("managers: []"), MAINNET_CHAIN_ID).managers).toEqual([]));
});

it("the defaults that are documented are those that hold without a file", () => {
  const documented = Object.entries(POLICY_KEYS).map(
    ([key, one]) => `${key}: ${JSON.stringify(one.default)}\n`,
  );
  const file = read(documented.join(""));
  expect(Object.keys(file)).toHaveLength(documented.length);
  expect(policyOf(file, MAINNET_CHAIN_ID)).toEqual(policyOf({}, MAINNET_CHAIN_ID));
});

describe("a percentage", () => {
  it.each([
    ["8%", 800n],
    ["8 %", 800n],
    ["8", 800n],
    ["12.5%", 1_250n],
    ["12.5", 1_250n],
    ["0.05%", 5n],
    ["0%", 0n],
    ["100%", 10_000n],
  ])("%s is exact", (text, percentBps) => expect(read(`reward: ${text}`).reward).toBe(percentBps));

  test.prop([fc.bigInt({ min: 0n, max: 10_000n })])("survives being written down", (percentBps) => {
    const fraction = (percentBps % 100n).toString().padStart(2, "0");
    expect(read(`penalty: ${percentBps / 100n}.${fraction}%`).penalty).toBe(percentBps);
  });

  it.each([
    ["-8%"],
    ["8.125%"],
    ["100.01%"],
    ["800"],
    [".5%"],
    ["8 bps"],
    ["true"],
    ["[8]"],
    ["~"],
    ["8e0%"],
  ])("%s is refused", (text) =>
    expect(problems(`reward: ${text}`)).toEqual([
      expect.stringMatching(
        /^reward is .+: expected a percentage of at most 100 with at most two decimals, such as 8%$/u,
      ),
    ]),
  );
});

describe("a duration", () => {
  it.each([
    ["20s", 20_000],
    ["1s", 1_000],
    ["30d", 30 * DAY_MS],
    ["30 days", 30 * DAY_MS],
    ["12h", 12 * HOUR_MS],
    ["1.5h", 90 * MINUTE_MS],
    ["366d", 366 * DAY_MS],
  ])("month: %s", (text, durationMs) => expect(read(`month: ${text}`).month).toBe(durationMs));

  it.each([
    ["999ms"],
    ["0d"],
    ["-30d"],
    ["30"],
    ["30 fortnights"],
    ["d"],
    ["11y"],
    ["9999999999999999999d"],
    ["[30d]"],
  ])("month: %s is refused", (text) =>
    expect(problems(`month: ${text}`)).toEqual([
      expect.stringMatching(
        /^month is .+: expected a duration such as 30d, 12h or 20s, at least 1s and at most 366d\. .+$/u,
      ),
    ]),
  );

  it("of a transaction is long enough to get into a block", () => {
    expect(problems("expiration: 14s")).toHaveLength(1);
    expect(read("expiration: 15s").expiration).toBe(15_000);
  });
});

describe("an amount", () => {
  it.each([["0"], ["50"], ['"50"'], ["9999999999"]])("minimum_balance: %s", (text) =>
    expect(read(`minimum_balance: ${text}`).minimum_balance).toBe(BigInt(text.replaceAll('"', ""))),
  );
  it.each([["-1"], ["0.5"], ['"0.5"'], ["1e30"], ["50 BTS"], ["99999999999"], ["false"], ["{}"]])(
    "minimum_balance: %s is refused",
    (text) =>
      expect(problems(`minimum_balance: ${text}`)).toEqual([
        expect.stringMatching(/^minimum_balance is .+: expected whole BTS, such as 50$/u),
      ]),
  );
  it("that is accepted is more than nothing: an agreement of 0 BTS cannot be", () => {
    expect(problems("accepted_amounts: [100, 0]")).toEqual([
      "accepted_amounts.1 is 0: expected whole BTS, more than 0, such as 50",
    ]);
    expect(problems("accepted_amounts: []")).toHaveLength(1);
    expect(problems("accepted_amounts: 25000")).toHaveLength(1);
  });
});

describe("a mistake in a policy file", () => {
  it("is told with all others, each with its key, what was found and what is accepted", () => {
    expect(
      problems(`
month: 30
reward: lots
accepted_amounts: [25000, a lot]
confirmation: maybe
strict_json_up_to_block: -1
max_attempts: 0
support_address: ""
managers: [dls.cipher, Not A Name]
funds_wait: {hours: 12}
`),
    ).toEqual([
      "month is 30: expected a duration such as 30d, 12h or 20s, at least 1s and at most 366d. An agreement has up to twelve of them, and a term of decades is a slip of the pen",
      'reward is "lots": expected a percentage of at most 100 with at most two decimals, such as 8%',
      'accepted_amounts.1 is "a lot": expected whole BTS, more than 0, such as 50',
      'confirmation is "maybe": expected true or false',
      "funds_wait is a set of keys: expected a duration such as 30d, 12h or 20s, at least 1s and at most 366d. A payout that waits longer for funds has to be looked at by a person",
      "strict_json_up_to_block is -1: expected a whole number from 0 to 4294967295",
      "max_attempts is 0: expected a whole number from 1 to 1000",
      'support_address is "": expected text',
      'managers.1 is "Not A Name": expected the name of a BitShares account',
    ]);
  });

  it("in a name is told with the names there are", () => {
    expect(problems("rewards: 8%\nPenalty: 15%\nmonth: 30d")).toEqual([
      `rewards, Penalty: no such key; there are ${KNOWN}`,
    ]);
  });

  it("of an explorer's address is told with what has to be in it", () => {
    for (const text of [
      "http://explorer.example/{block}",
      "https://explorer.example/",
      "javascript:{block}",
      "7",
    ])
      expect(problems(`explorer_block: ${JSON.stringify(text)}`)).toEqual([
        expect.stringContaining("expected an https address with {block} in it"),
      ]);
  });

  it.each([
    ["a list", "- 1\n- 2"],
    ["a text", "hello"],
    ["a number", "42"],
  ])("that makes the whole file %s is told without repeating it", (_, content) =>
    expect(problems(content)).toEqual([`the file: expected keys and values; there are ${KNOWN}`]),
  );

  it("of form is told with its place", () => {
    expect(problems("month: 30d\nreward: [8%\n")).toEqual([
      expect.stringMatching(/^it cannot be read as YAML or JSON: .+ at line \d+, column \d+:$/u),
    ]);
    expect(problems('{"month": "30d", "month": "20s"}')).toEqual([expect.stringMatching(/unique/u)]);
  });

  it("of place is told: there is no such file", () => {
    const parsed = policySetting.safeParse(join(folder, "missing.yaml"));
    expect(parsed.error?.issues[0]?.message).toMatch(/^it cannot be read as YAML or JSON: ENOENT/u);
  });

  test.prop([fc.oneof(fc.string({ unit: "binary" }), fc.json())])("is never an exception", (content) => {
    expect(typeof readFile(content).success).toBe("boolean");
  });

  test.prop([fc.dictionary(fc.constantFrom(...KNOWN.split(", "), "__proto__"), fc.jsonValue())])(
    "in any value of any key is never an exception, and names the key",
    (fields) => {
      for (const problem of problems(JSON.stringify(fields))) expect(problem).toMatch(/^(?:\w+|the file)/u);
    },
  );
});

describe("a policy file that is none", () => {
  const quiet = async (content: string): Promise<string[]> => {
    const warnings: unknown[] = [];
    const listen = (warning: unknown) => warnings.push(warning);
    process.on("warning", listen);
    const found = problems(content);
    await new Promise((resolve) => setImmediate(resolve)); // they are told at the next turn
    process.off("warning", listen);
    expect(warnings).toEqual([]);
    return found;
  };

  it.each([
    ["an unknown tag", "month: !secret 30d\n", "Unresolved tag: !secret"],
    ["a directive that does not exist", "%POLICY 1\n---\nmonth: 30d\n", "Unknown directive"],
    ["a key twice", "month: 30d\nmonth: 20s\n", "Map keys must be unique"],
    ["a second document", "month: 30d\n---\nmonth: 20s\n", "multiple documents"],
    ["more nesting than a policy has", "[".repeat(3_000), "more than 500 brackets"],
    ["a list in a list in a list …", "- ".repeat(3_000), "more than 500 brackets"],
    ["more text than a policy has", `# ${"x".repeat(20_000)}`, "more than 16384 characters"],
    ["aliases of aliases of aliases", bomb(), "Excessive alias count"],
  ])("is refused for %s, and nothing else is printed", async (_, content, problem) => {
    expect(await quiet(content)).toEqual([expect.stringContaining(problem)]);
  });

  it("is refused with one line, for a key that is a list", async () => {
    expect(await quiet("? [month]\n: 30d\n")).toEqual([expect.stringContaining("no such key")]);
  });
});

/** Ten of ten of ten … of a word, in a few lines. */
function bomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let n = 1; n < 10; n++)
    lines.push(`a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(", ")}]`);
  return lines.join("\n");
}

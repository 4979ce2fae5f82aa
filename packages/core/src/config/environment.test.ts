import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { StartupError } from "@stakebts/kernel/errors";
import { accountName } from "./account-name.ts";
import { ConfigError, type Environment, readEnvironment, shown } from "./environment.ts";
import { PROCESS_SETTINGS } from "./process-settings.ts";
import { RELATIONS } from "./setting-relations.ts";

const folder = mkdtempSync(join(tmpdir(), "environment-"));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

// Keys of test accounts, made from words that are written in the vectors of the chain adapter.
const WIF = "5KGDzq6ujEJqkQUsp5YFpw21KndFQywaEyzrLPXq5qbz49mB79Q";
const OLDER_WIF = "5JegxYx9pVckh8hA4cEYypaWMe2BT3n9nZLezX5nLqcBNWFWf4J";
const WIF_WITH_A_TYPO = `${WIF.slice(0, -1)}R`;
const DATABASE_URL = "postgresql://stakebts:hunter2@localhost:5432/stakebts";

// Everything that any process reads, at once.
const schema = z
  .object({
    ...PROCESS_SETTINGS.console.shape,
    ...PROCESS_SETTINGS.scheduler.shape,
    ...PROCESS_SETTINGS.payer.shape,
    ...PROCESS_SETTINGS.ingester.shape,
  })
  .check(...RELATIONS.map(({ check }) => check as z.core.$ZodCheck<unknown>));
const GOOD: Environment = {
  DATABASE_URL,
  STAKEBTS_NODES: "wss://node.example.org/ws",
  STAKEBTS_TRUST_ONE_NODE: "on",
  STAKEBTS_ACTIVE_KEY: WIF,
  STAKEBTS_MEMO_KEY: WIF,
  STAKEBTS_PAYMENTS: "off",
};
const read = (environment: Environment) => readEnvironment(schema, { ...GOOD, ...environment });

/** The lines of the message without its heading, one for each problem. */
function problemsOf(environment: Environment, given: z.ZodObject = schema): string[] {
  try {
    readEnvironment(given, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toBeInstanceOf(StartupError);
    const [heading, ...problems] = (error as ConfigError).message.split("\n  ");
    expect(heading).toBe(`The configuration is wrong in ${problems.length} place(s):`);
    return problems;
  }
  return [];
}
const problems = (environment: Environment) => problemsOf({ ...GOOD, ...environment });

describe("the environment", () => {
  it("gives defaults to what may be left out", () => {
    expect(read({})).toEqual({
      ...GOOD,
      STAKEBTS_NODES: ["wss://node.example.org/ws"],
      STAKEBTS_NODE_REQUESTS_AT_ONCE: 128,
      STAKEBTS_BLOCKS_AT_ONCE: 4_000,
      STAKEBTS_CONSOLE_HOST: "127.0.0.1",
      STAKEBTS_CONSOLE_PORT: 8_400,
      STAKEBTS_CUSTODIAN: "bitsharesmanagement.group",
      STAKEBTS_MEMO_KEY: [WIF],
      STAKEBTS_POLICY: {},
      STAKEBTS_REPLAY: "last",
      STAKEBTS_SKIP_BLOCKS: [],
      STAKEBTS_EXCHANGE_ACCOUNTS: ["bittrex-deposit"],
      STAKEBTS_DATABASE_CONNECTIONS: 2,
      STAKEBTS_EXCHANGE: "bittrex",
      STAKEBTS_EXCHANGE_DEPOSIT_ACCOUNT: "bittrex-deposit",
      STAKEBTS_ADMIN_REPLAY: "off",
      STAKEBTS_TREASURY_MS: 5_000,
      STAKEBTS_CLOCK_RATE: 1,
      STAKEBTS_POLL_MS: 1_000,
      STAKEBTS_HEAD_POLL_MS: 200,
      STAKEBTS_RECONCILE_MS: 5_000,
      STAKEBTS_REENQUEUE_MS: 10_000,
      STAKEBTS_LIVENESS_OVERDUE_MS: 1_800_000,
      STAKEBTS_NOTIFY_NAME: "stakebts",
      STAKEBTS_HTTP_HOST: "127.0.0.1",
      LOG_LEVEL: "info",
    });
  });

  it("is understood: lists, numbers and words", () => {
    expect(
      read({
        STAKEBTS_NODES: " ws://a:1 , wss://b/ws,, ",
        STAKEBTS_NODE_QUORUM: "2",
        STAKEBTS_MEMO_KEY: `${WIF}, ${OLDER_WIF}`,
        STAKEBTS_PAYMENTS: "on",
        STAKEBTS_REPLAY: "61000000",
        STAKEBTS_SKIP_BLOCKS: "61000000, 61000001",
        STAKEBTS_CLOCK_RATE: "43200.5",
        REDIS_URL: "redis://localhost:6379",
      }),
    ).toMatchObject({
      STAKEBTS_NODES: ["ws://a:1", "wss://b/ws"],
      STAKEBTS_NODE_QUORUM: 2,
      STAKEBTS_MEMO_KEY: [WIF, OLDER_WIF],
      STAKEBTS_PAYMENTS: "on",
      STAKEBTS_REPLAY: 61_000_000,
      STAKEBTS_SKIP_BLOCKS: [61_000_000, 61_000_001],
      STAKEBTS_CLOCK_RATE: 43_200.5,
      REDIS_URL: "redis://localhost:6379",
    });
  });

  it("names every setting that is missing, at once, and what is accepted", () => {
    expect(problemsOf({})).toEqual([
      "DATABASE_URL is not set: expected postgresql://user:password@host:port/database",
      "STAKEBTS_NODES is not set: expected one or more node addresses, for example wss://node.example.org/ws",
      "STAKEBTS_MEMO_KEY is not set: expected the memo private key of the custodian (WIF); older ones may follow after commas",
      "STAKEBTS_ACTIVE_KEY is not set: expected the active private key of the custodian (WIF, begins with 5)",
      'STAKEBTS_PAYMENTS is not set: expected "on" or "off"; there is no default',
    ]);
  });

  it("treats a setting that is empty or blank as one that is not set", () => {
    expect(problems({ STAKEBTS_PAYMENTS: "", DATABASE_URL: "  " })).toHaveLength(2);
    expect(read({ STAKEBTS_CUSTODIAN: " ", REDIS_URL: "" }).STAKEBTS_CUSTODIAN).toBe(
      "bitsharesmanagement.group",
    );
  });

  it("names every setting that is wrong, at once, with what was found", () => {
    const bad: Environment = {
      REDIS_URL: "http://localhost",
      STAKEBTS_NODES: "https://node.example.org",
      STAKEBTS_NODE_QUORUM: "0",
      STAKEBTS_CUSTODIAN: "Bad Name",
      STAKEBTS_PAYMENTS: "yes",
      STAKEBTS_REPLAY: "latest",
      STAKEBTS_SKIP_BLOCKS: "1,two",
      STAKEBTS_EXCHANGE_ACCOUNTS: "bittrex-deposit,Other",
      STAKEBTS_CLOCK_RATE: "0",
      STAKEBTS_POLL_MS: "5",
      STAKEBTS_RECONCILE_MS: "99999999999",
      LOG_LEVEL: "loud",
    };
    const found = problems(bad);
    expect(found.map((problem) => problem.split(" ", 1).join()).toSorted()).toEqual(
      Object.keys(bad).toSorted(),
    );
    for (const problem of found) {
      const [, name = "", value] = /^(\w+) is (?:"(.*?)"|set, and not shown here): ./u.exec(problem) ?? [];
      expect(value).toBe(name === "REDIS_URL" ? undefined : bad[name]);
    }
  });

  it.each([
    ["STAKEBTS_NODES", ","],
    ["STAKEBTS_NODES", "wss://a nodes.example.org"],
    ["STAKEBTS_NODE_QUORUM", "1.5"],
    ["STAKEBTS_NODE_QUORUM", "-1"],
    ["STAKEBTS_PAYMENTS", "ON"],
    ["STAKEBTS_REPLAY", "-5"],
    ["STAKEBTS_SKIP_BLOCKS", "1-5"],
    ["STAKEBTS_CLOCK_RATE", "1e3"],
    ["STAKEBTS_CLOCK_RATE", "-1"],
    ["STAKEBTS_POLL_MS", "3600001"],
    ["STAKEBTS_POLL_MS", "1s"],
  ])("refuses %s=%s, and nothing else", (name, value) => {
    const found = problems({ [name]: value });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${name} is "${value}": expected `);
  });

  it("has a quorum that the nodes can reach, and that is more than half of them", () => {
    const withQuorum = (nodes: string, quorum: string) =>
      problems({ STAKEBTS_NODES: nodes, STAKEBTS_NODE_QUORUM: quorum, STAKEBTS_TRUST_ONE_NODE: "off" });
    expect(withQuorum("ws://a,ws://b", "2")).toEqual([]);
    expect(withQuorum("ws://a,ws://b,ws://c", "2")).toEqual([]);
    expect(withQuorum("ws://a,ws://b,ws://c", "3")).toEqual([]);
    const tooMany = (quorum: number, count: number) =>
      `STAKEBTS_NODE_QUORUM is "${quorum}": expected at most ${count}, the number of different nodes in STAKEBTS_NODES`;
    expect(withQuorum("ws://a,ws://b", "3")).toEqual([tooMany(3, 2)]);
    expect(withQuorum("ws://a/x,ws://b,wss://A./y?z", "3")).toEqual([tooMany(3, 2)]);
    expect(withQuorum("ws://a,ws://b", "1")).toEqual([
      'STAKEBTS_NODE_QUORUM is "1": expected at least 2, more than half of the 2 nodes in STAKEBTS_NODES',
    ]);
    expect(withQuorum("ws://a,ws://b,ws://c,ws://d", "2")).toEqual([
      'STAKEBTS_NODE_QUORUM is "2": expected at least 3, more than half of the 4 nodes in STAKEBTS_NODES',
    ]);
  });

  it.each(["ws://a", "ws://a,ws://a", "wss://a/ws,WSS://A:443/ws/,ws://user:secret@a./other?key=2"])(
    "has no single node, under any number of names, unless that is allowed: %s",
    (nodes) => {
      const [problem, ...more] = problems({ STAKEBTS_NODES: nodes, STAKEBTS_TRUST_ONE_NODE: "off" });
      expect(more).toEqual([]);
      expect(problem).toContain("expected several different nodes");
      expect(problem).toContain("one that lies could take all funds");
      expect(problem).not.toContain("secret");
      expect(problems({ STAKEBTS_NODES: nodes, STAKEBTS_TRUST_ONE_NODE: "on" })).toEqual([]);
    },
  );

  it("says that the quorum is out of reach together with all other mistakes", () => {
    expect(
      problems({ STAKEBTS_NODE_QUORUM: "2", STAKEBTS_PAYMENTS: "maybe", LOG_LEVEL: "loud" }),
    ).toHaveLength(3);
    expect(problems({ STAKEBTS_NODE_QUORUM: "2", STAKEBTS_NODES: "nowhere" })).toHaveLength(1);
  });

  it("cuts what was found when it is long", () => {
    const [problem] = problems({ LOG_LEVEL: "x".repeat(10_000) });
    expect(problem?.length).toBeLessThan(200);
  });
});

describe("a secret", () => {
  const NEVER = [WIF, WIF_WITH_A_TYPO, "hunter2", OLDER_WIF];
  const expectNoSecretIn = (text: string) => {
    for (const secret of NEVER) expect(text).not.toContain(secret);
  };

  it.each<[string, Environment]>([
    ["a key with a typo", { STAKEBTS_ACTIVE_KEY: WIF_WITH_A_TYPO }],
    ["a list of keys with one typo", { STAKEBTS_MEMO_KEY: `${OLDER_WIF},${WIF_WITH_A_TYPO}` }],
    ["a database of another kind", { DATABASE_URL: "mysql://stakebts:hunter2@localhost/x" }],
    ["a queue of another kind", { REDIS_URL: "http://:hunter2@localhost" }],
    ["the password in an address without its slashes", { STAKEBTS_NODES: "wsme:hunter2@node.example.org" }],
    [
      "a password with a slash in it",
      { STAKEBTS_NODES: "wss://me:hun/ter/hunter2@node.example.org,https://wrong" },
    ],
    ["the path of a node", { STAKEBTS_NODES: "wss://a hunter2" }],
    ["the path of a node", { STAKEBTS_NODES: "wss://node.example.org/hunter2,https://wrong" }],
    ["the query of a node", { STAKEBTS_NODES: "wss://node.example.org?key=hunter2,https://wrong" }],
    ["the path of a node without its slashes", { STAKEBTS_NODES: "wss:node.example.org/hunter2" }],
    ["a node's password", { STAKEBTS_NODES: "wss://me:hunter2@node.example.org,https://wrong" }],
    ["the secret and its file", { STAKEBTS_ACTIVE_KEY: WIF, STAKEBTS_ACTIVE_KEY_FILE: "/nowhere" }],
    ["a secret in place of its file", { STAKEBTS_ACTIVE_KEY: "", STAKEBTS_ACTIVE_KEY_FILE: WIF }],
    [
      "a database in place of its file",
      { DATABASE_URL: "", DATABASE_URL_FILE: "postgresql://stakebts:hunter2@localhost/x" },
    ],
    [
      "a file with a bad key",
      { STAKEBTS_ACTIVE_KEY: "", STAKEBTS_ACTIVE_KEY_FILE: file("bad", WIF_WITH_A_TYPO) },
    ],
    ["a key file as the policy", { STAKEBTS_POLICY: file("key", WIF) }],
    [
      "a damaged file with a secret as the policy",
      { STAKEBTS_POLICY: file("key.yaml", `a: [\n  ${WIF}: {`) },
    ],
  ])("is not in the message about %s", (_, environment) => {
    const found = problems(environment);
    expect(found).toHaveLength(1);
    expectNoSecretIn(found.join());
  });

  it("is hidden when the settings are printed, and the rest is shown as it was understood", () => {
    const printed = shown(
      read({
        STAKEBTS_NODES: "wss://me:hunter2@node.example.org/ws,ws://b,ws://[2001:db8::1]:8090/hunter2",
        STAKEBTS_POLICY: file("policy.yaml", "reward: 9%\nmonth: 20s\n"),
      }),
    );
    expectNoSecretIn(JSON.stringify(printed));
    expect(printed).toMatchObject({
      DATABASE_URL: "(hidden)",
      STAKEBTS_ACTIVE_KEY: "(hidden)",
      STAKEBTS_MEMO_KEY: "(hidden)",
      STAKEBTS_NODES: '["wss://node.example.org","ws://b","ws://[2001:db8::1]:8090"]',
      STAKEBTS_POLICY: '{"month":20000,"reward":"900"}',
      STAKEBTS_PAYMENTS: '"off"',
      STAKEBTS_TRUST_ONE_NODE: '"on"',
    });
    expect(printed).not.toHaveProperty("REDIS_URL");
  });
});

describe("a name that begins with STAKEBTS_ and is no setting", () => {
  it.each([
    ["STAKEBTS_NODE_QOURUM", "STAKEBTS_NODE_QUORUM"],
    ["STAKEBTS_PAYMENT", "STAKEBTS_PAYMENTS"],
    ["STAKEBTS_FREEZE", "STAKEBTS_FREEZE_LEVEL"],
    ["STAKEBTS_ACTIV_KEY_FILE", "STAKEBTS_ACTIVE_KEY_FILE"],
    ["STAKEBTS_EXCHANGE_4_KEY", "STAKEBTS_EXCHANGE_1_KEY"],
    ["STAKEBTS_NOTIFY_SLAK_URL", "STAKEBTS_NOTIFY_SLACK_URL"],
  ])("%s is refused, and %s named", (name, meant) => {
    expect(problems({ [name]: WIF })).toEqual([`${name} is not a setting: did you mean ${meant}?`]);
  });

  it("is refused with where to look when it resembles none, together with all else that is wrong", () => {
    expect(problems({ STAKEBTS_ZZZZZZZZZZZZ: "x", LOG_LEVEL: "loud" })).toEqual([
      "STAKEBTS_ZZZZZZZZZZZZ is not a setting: docs/configuration.md lists all",
      expect.stringContaining("LOG_LEVEL"),
    ]);
    expect(problems({ [`STAKEBTS_${"X".repeat(10_000)}`]: "x" })[0]?.length).toBeLessThan(200);
  });

  it("is passed over while it is empty, and so is what other programs read", () => {
    expect(problems({ STAKEBTS_NODE_QOURUM: " ", NODE_QUORUM: "x", PGUSER: "x" })).toEqual([]);
  });
});

it("a setting that the process does not read is passed over, right or wrong", () => {
  const { STAKEBTS_ACTIVE_KEY: _, ...rest } = GOOD;
  const console = readEnvironment(PROCESS_SETTINGS.console, {
    ...rest,
    STAKEBTS_EXCHANGE: "mtgox",
    STAKEBTS_VERSION: "local",
  });
  expect(console).not.toHaveProperty("STAKEBTS_EXCHANGE");
  expect(console).not.toHaveProperty("STAKEBTS_PAYMENTS");
});

describe("a setting in a file", () => {
  it("is read from NAME_FILE, without the line break at its end", () => {
    const environment = {
      STAKEBTS_ACTIVE_KEY: undefined,
      STAKEBTS_ACTIVE_KEY_FILE: file("active", `${WIF}\n`),
      STAKEBTS_NODES: undefined,
      STAKEBTS_NODES_FILE: file("nodes", "ws://a,\nws://b\n"),
    };
    expect(read(environment)).toMatchObject({
      STAKEBTS_ACTIVE_KEY: WIF,
      STAKEBTS_NODES: ["ws://a", "ws://b"],
    });
  });

  it("is refused beside the setting itself, and that is all that is said about it", () => {
    expect(problems({ STAKEBTS_ACTIVE_KEY_FILE: file("second", WIF) })).toEqual([
      "STAKEBTS_ACTIVE_KEY and STAKEBTS_ACTIVE_KEY_FILE are both set: give one of them",
    ]);
  });

  it("is named with its path when there is no such file, none can be read, or it is empty", () => {
    const missing = join(folder, "missing");
    const empty = file("empty", " \n");
    expect(
      problems({
        STAKEBTS_ACTIVE_KEY: "",
        STAKEBTS_ACTIVE_KEY_FILE: missing,
        STAKEBTS_MEMO_KEY: "",
        STAKEBTS_MEMO_KEY_FILE: folder,
        LOG_LEVEL_FILE: empty,
      }),
    ).toEqual([
      `LOG_LEVEL_FILE: ${empty} is empty`,
      `STAKEBTS_MEMO_KEY_FILE: ${folder} cannot be read (EISDIR)`,
      `STAKEBTS_ACTIVE_KEY_FILE: ${missing} cannot be read (ENOENT)`,
    ]);
  });
});

describe("the name of an account", () => {
  it.each([
    ["a"],
    ["ab"],
    ["a-b"],
    ["a--b"],
    ["a1"],
    ["a.b"],
    ["a.b-c"],
    ["bts-1"],
    ["bitsharesmanagement.group"],
    ["escrow.zavod.premik"],
    ["x".repeat(63)],
  ])("may be %s", (name) => expect(accountName.safeParse(name).success).toBe(true));

  it.each([
    [""],
    ["-ab"],
    ["ab-"],
    ["1ab"],
    ["abc.1ef"],
    ["abc..def"],
    [".abc"],
    ["abc."],
    ["ABC"],
    ["a_b"],
    ["a b"],
    ["a\n"],
    ["1.2.3"],
    ["x".repeat(64)],
  ])("may not be %j", (name) => expect(accountName.safeParse(name).success).toBe(false));
});

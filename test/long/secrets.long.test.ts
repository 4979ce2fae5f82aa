import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { findRedis } from "@stakebts/testkit/redis";
import { wifFromSeed } from "@stakebts/devnet";
import type { WorkerProcess } from "@stakebts/testkit/worker-process";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { type Answer, inProcess, spawned, stakebtsWith } from "../../apps/cli/test/stakebts.ts";
import { filesIn, type Secret, secretKey, secretsIn, secretText } from "../secret-search.ts";
import type { Cluster } from "@stakebts/testkit/cluster";
import { EXCHANGE_KEY, RESERVE_ACCOUNT } from "@stakebts/testkit/cluster-treasury";
import { nodeSettings } from "@stakebts/testkit/process-settings";
import { CUSTODIAN, startStakingCluster } from "../staking-cluster.ts";

// Everything that the processes ever write, wherever they do: searched for every secret that one of them was given.

const [ACTIVE, MEMO, RESERVE] = [`${CUSTODIAN}-active`, `${CUSTODIAN}-memo`, `${RESERVE_ACCOUNT}-active`].map(
  wifFromSeed,
) as [string, string, string];
const random = (): string => randomBytes(18).toString("hex");
const [PASSWORD, TOKEN, DEPOSIT_MEMO] = [random(), random(), random()] as const;
/** What an address of a node may hold beside its host and port, each of it a secret where access is sold. */
const [NODE_USER, NODE_PASSWORD, NODE_PATH, NODE_QUERY] = [random(), random(), random(), random()] as const;
const withSecrets = (url: string): string => {
  const { protocol, host } = new URL(url);
  return `${protocol}//${NODE_USER}:${NODE_PASSWORD}@${host}/${NODE_PATH}/ws?key=${NODE_QUERY}`;
};
/** Those of the chain, and one that is never there. */
const nodeUrls = (): readonly string[] => [...cluster.devnet.urls, "ws://127.0.0.1:1"].map(withSecrets);
const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString("base64")}`;
/** What a nominator wrote to the custodian alone. It is in the ledger, where the rules look at it, and nowhere else. */
const PRIVATE_WORDS = "please send it back, my account number is 4711-0815-2342";

let cluster: Cluster;
let redis: NonNullable<Awaited<ReturnType<typeof findRedis>>> | undefined;
let receiver: Server;
let address: string;
let cookie: string;
const workers: WorkerProcess[] = [];
const ports = new Map<string, string>();
const answers: Record<string, string> = {};
const commands: Answer[] = [];
let keys: readonly Secret[];
let memo: Secret;

const KEY_ALARMS = new Set(["payer.key_not_in_authority", "memo_key.not_configured"]);

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
async function freePort(): Promise<string> {
  const server = createServer();
  const port = await listening(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `${port}`;
}

type Name = Parameters<Cluster["start"]>[0];
async function start(name: Name, more: Record<string, string> = {}): Promise<WorkerProcess> {
  const port = await freePort();
  ports.set(name, port);
  const nodes = name === "scheduler" ? {} : nodeSettings(nodeUrls());
  const worker = cluster.start(name, { STAKEBTS_HTTP_PORT: port, ...nodes, ...more });
  workers.push(worker);
  return worker;
}

/** Each process's own login. */
function urls(): NonNullable<Cluster["database"]["urls"]> {
  if (cluster.database.urls === undefined) throw new Error("this version has logins");
  return cluster.database.urls;
}

async function command(role: "operator" | "backup", ...args: readonly string[]): Promise<Answer> {
  const answer = await stakebtsWith(
    {
      DATABASE_URL: urls()[role],
      ...nodeSettings(nodeUrls()),
      STAKEBTS_CUSTODIAN: CUSTODIAN,
      STAKEBTS_ACTOR: "anna",
      ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    },
    inProcess,
  )(...args);
  commands.push(answer);
  return answer;
}

async function signIn(): Promise<void> {
  const page = await fetch(`${address}/login`);
  const form = await page.text();
  const csrf = /name="csrf"\s+value="([^"]+)"/u.exec(form)?.[1];
  const before = page.headers.getSetCookie().map((one) => one.split(";")[0]);
  const answer = await fetch(`${address}/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: address, cookie: before.join("; ") },
    body: new URLSearchParams({ name: "anna", password: PASSWORD, ...(csrf === undefined ? {} : { csrf }) }),
  });
  cookie =
    answer.headers
      .getSetCookie()
      .find((one) => one.startsWith("stakebts="))
      ?.split(";")[0] ?? "";
  expect(cookie).toMatch(/=.{40}/u);
}

beforeAll(async () => {
  redis = (await findRedis()) ?? undefined;
  let heard = "";
  receiver = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    request.on("end", () => {
      answers["what the receiver of notifications got"] = heard;
      response.end();
    });
  });
  const webhook = `http://127.0.0.1:${await listening(receiver)}/${TOKEN}`;
  cluster = await startStakingCluster({
    installation: installedPostgres,
    exchangeBts: 1_000n,
    reserveBts: 1_000n,
    reserveBy: "key",
    ...(redis === undefined ? {} : { redis: { url: redis.url } }),
  });
  const passwordFile = join(cluster.folder, "..", `stakebts-password-${process.pid}`);
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  expect(
    await command("operator", "users", "add", "anna", "--role", "operator", "--password-file", passwordFile),
  ).toMatchObject({ code: 0 });
  execFileSync("rm", [passwordFile]);

  const ingester = await start("ingester", { STAKEBTS_REPLAY: "1", LOG_LEVEL: "debug" });
  await ingester.waitFor(({ event }) => event === "cursor.placed");
  await start("scheduler", {
    LOG_LEVEL: "debug",
    STAKEBTS_EXCHANGE_1_DEPOSIT_MEMO: DEPOSIT_MEMO,
    STAKEBTS_NOTIFY_WEBHOOK_URL: webhook,
    STAKEBTS_NOTIFY_WEBHOOK_SECRET: WEBHOOK_SECRET,
    // Of another process: it says so, and not what it is.
    STAKEBTS_ACTIVE_KEY: ACTIVE,
  });
  const payer = await start("payer", { LOG_LEVEL: "debug" });
  const page = await start("console", { LOG_LEVEL: "debug" });
  address = String((await page.waitFor(({ event }) => event === "console.listening"))["address"]);
  await signIn();
  await payer.waitFor(({ event }) => event === "payer.leads");

  // A nomination that is paid, and a transfer with private words that is sent back.
  await cluster.send("nominator-1", 25_000n, "three_months");
  await cluster.send("nominator-2", 500n, PRIVATE_WORDS);
  await cluster.until(async () => {
    const paid = await cluster.query(
      "SELECT FROM payout WHERE kind IN ('confirm', 'refund') AND status = 'confirmed'",
    );
    return paid.length === 2;
  }, "one is confirmed and the other has its money back");

  // Processes that die, each in its own way, and some that do not even start.
  payer.kill("SIGABRT" as never);
  await payer.exited;
  const broken: readonly (readonly [Name, Record<string, string>])[] = [
    ["payer", { STAKEBTS_ACTIVE_KEY: `${ACTIVE.slice(0, -1)}1` }],
    ["payer", { STAKEBTS_ACTIVE_KEY: wifFromSeed("another-account") }],
    ["ingester", { STAKEBTS_MEMO_KEY: ACTIVE }],
    [
      "ingester",
      { STAKEBTS_NODES: `wss:/${NODE_USER}:${NODE_PASSWORD}@host/${NODE_PATH},${withSecrets("ws://h")}` },
    ],
    [
      "ingester",
      { STAKEBTS_NODES: `${withSecrets("ws://h")},${withSecrets("wss://H.")}`, STAKEBTS_NODE_QUORUM: "2" },
    ],
    ["ingester", { DATABASE_URL: urls().ingester.replace(/@.*/u, "@127.0.0.1:1/x"), STAKEBTS_POLL_MS: "no" }],
  ];
  const started = broken.map(([name, more]) => cluster.start(name, more));
  workers.push(...started);
  await Promise.all(
    started.map(async (worker) => {
      // With a key that does not fit they run and wait: the account's may have been changed.
      const told = worker.waitFor(({ event }) => KEY_ALARMS.has(String(event)));
      told.then(
        () => worker.kill("SIGTERM"),
        () => undefined,
      );
      await worker.exited;
    }),
  );
  await (await start("payer")).waitFor(({ event }) => event === "payer.leads");
  expect(await command("operator", "payments", "off", "--reason", "the test")).toMatchObject({ code: 0 });
  // What asks for a person, as a payer would say it: nothing went wrong here.
  await cluster.query(
    "INSERT INTO receipt (event, subject, details) VALUES ('payout.failed', 'nominator-1', '{}')",
  );
  await cluster.until(async () => "what the receiver of notifications got" in answers, "operators are told");

  for (const [name, port] of ports)
    for (const path of ["/metrics", "/healthz", "/readyz"])
      answers[`${name} ${path}`] = await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  for (const path of ["/", "/queues", "/queues/api/queues"])
    answers[`console ${path}`] = await (await fetch(`${address}${path}`, { headers: { cookie } })).text();
  for (const args of [
    ["status"],
    ["doctor"],
    ["receipts"],
    ["config", "show"],
    ["config", "check"],
    ["balances"],
    ["payouts", "show", "refund:1:0:0"],
    ["payouts", "list"],
    ["export", "--csv"],
  ])
    await command("operator", ...args);

  const passwords = Object.entries(urls()).map(([role, url]) =>
    secretText(`the password of the ${role}'s login`, new URL(url).password),
  );
  keys = [
    secretKey("the active key", ACTIVE),
    secretKey("the memo key", MEMO),
    secretKey("the reserve's key", RESERVE),
    secretText("the exchange's secret", EXCHANGE_KEY.secret),
    secretText("the exchange's key", EXCHANGE_KEY.key),
    secretText("the deposit memo", DEPOSIT_MEMO),
    secretText("the secret of notifications", WEBHOOK_SECRET),
    secretText("the address of the receiver", TOKEN),
    secretText("the password of a user", PASSWORD),
    secretText("the user of a node", NODE_USER),
    secretText("the password of a node", NODE_PASSWORD),
    secretText("the path of a node", NODE_PATH),
    secretText("the query of a node", NODE_QUERY),
    secretText("the cookie of a user", cookie.split("=")[1] ?? ""),
    ...passwords,
  ];
  memo = secretText("the words of a nominator", PRIVATE_WORDS);
}, 400_000);

afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  receiver?.close();
});

/** The places that hold a secret, and that each of them has something in it that is looked for in the same way. */
function expectNone(
  places: Readonly<Record<string, string | Buffer>>,
  secrets: readonly Secret[],
  witness: string,
): void {
  const found = Object.entries(places).flatMap(([place, content]) =>
    secretsIn(content, secrets).map((secret) => `${place}: ${secret}`),
  );
  expect(found).toEqual([]);
  // A search that finds nothing because it looks at nothing is none.
  const all = Buffer.concat(Object.values(places).map((content) => Buffer.from(content)));
  expect(secretsIn(all, [secretText(witness, witness)])).toEqual([witness]);
}

async function tables(): Promise<Record<string, string>> {
  const session = new pg.Client({ connectionString: cluster.database.url });
  await session.connect();
  const { rows: names } = await session.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'bullmq')",
  );
  const contents: Record<string, string> = {};
  for (const { name } of names) {
    const { rows } = await session.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    contents[name] = rows.map(({ row }) => row).join("\n");
  }
  await session.end();
  return contents;
}

describe("no secret is in", () => {
  it("what the processes said, those included that were killed or could not start", () => {
    const places: Record<string, string> = {};
    workers.forEach(
      ({ name, lines }, n) => (places[`${name} ${n}`] = lines.map((line) => JSON.stringify(line)).join("\n")),
    );
    expect(places["payer 4"]).toContain("process.not_started");
    expect(places["scheduler 1"]).toContain("STAKEBTS_ACTIVE_KEY is given to the scheduler");
    expectNone(places, [...keys, memo], "withdrawal.sent");
  });

  it("what commands printed", () => {
    const places = Object.fromEntries(commands.map(({ out, err }, n) => [`command ${n}`, `${out}\n${err}`]));
    expectNone(places, [...keys, memo], CUSTODIAN);
  });

  it("answers over HTTP, and what operators were told", () => {
    expectNone(answers, [...keys, memo], "nominator-1");
  });

  it("any table of the ledger or of the queues, and the words of a nominator are in one column", async () => {
    const contents = await tables();
    expectNone(contents, keys, "nominator-1");
    const holders = Object.keys(contents).filter(
      (name) => secretsIn(contents[name] ?? "", [memo]).length > 0,
    );
    expect(holders).toEqual(["public.transfer"]);
  });

  it("any file that the server of the database wrote, its log of changes included", async () => {
    await cluster.query("CHECKPOINT");
    const places = Object.fromEntries(filesIn(cluster.folder).map(({ path, content }) => [path, content]));
    expectNone(places, keys, "nominator-1");
  });

  it.skipIf(installedPostgres === undefined)(
    "a backup, which the backup's own login makes and verifies",
    async () => {
      const folder = join(cluster.folder, "backups");
      mkdirSync(folder);
      const pgDump = join(installedPostgres ?? "", "bin/pg_dump");
      const made = await stakebtsWith(
        { DATABASE_URL: urls().backup, STAKEBTS_PG_DUMP: pgDump, STAKEBTS_ACTOR: "backup" },
        spawned,
      )("backup", "--dir", folder);
      expect(made).toMatchObject({ code: 0 });
      const files = filesIn(folder);
      const dump = files.find(({ path }) => path.endsWith(".dump"))?.path ?? "";
      const restore = join(installedPostgres ?? "", "bin/pg_restore");
      const text = execFileSync(restore, ["--file=-", dump], { maxBuffer: 1 << 28 });
      const places = Object.fromEntries(files.map(({ path, content }) => [path, content]));
      expectNone(
        { ...places, "the dump as text": text, "what it said": made.out + made.err },
        keys,
        "nominator-1",
      );
    },
  );

  it("Redis", async ({ skip }) => {
    if (redis === undefined) return skip("there is no Redis here: queues are among the tables");
    const client = new Redis(redis.url);
    const places: Record<string, string> = {};
    for (const key of await client.keys("*")) {
      const dumped = await client.dumpBuffer(key);
      const type = await client.type(key);
      const values = type === "hash" ? JSON.stringify(await client.hgetall(key)) : "";
      places[key] = `${key} ${values} ${(dumped ?? Buffer.alloc(0)).toString("latin1")}`;
    }
    client.disconnect();
    expectNone(places, [...keys, memo], ":payouts:");
  });
});

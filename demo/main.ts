import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { accountFromSeeds } from "@stakebts/devnet";
import { Cluster } from "@stakebts/testkit/cluster";
import pg from "pg";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { hashPassword } from "@stakebts/core/operators/console-access";
import { failOnePayout, holdOnePayout, LARGE, nominateForEver, slowDown, UNLUCKY } from "./after-the-year.ts";
import { ChainAudit } from "./chain-audit.ts";
import { owedByRules, paidOnChain, settle } from "./oracle.ts";
import { DAY_SECONDS, MONTH_SECONDS, SENDINGS, STOP } from "./scenario.ts";
import { bold, cyan, dim, green, grouped, heading, red, say, table } from "./screen.ts";

// The whole job on one machine: a chain, a database, the three workers as processes of their own, and nominators who
// send signed transfers. A year of the chain passes in about a minute. Then the programme goes on, slowly, until Ctrl-C.

const CUSTODIAN = "bitsharesmanagement.group";
const NOMINATORS = [...new Set([...SENDINGS.map((sending) => sending.from), UNLUCKY, LARGE])];
/** A block of the chain stands for 14.4 hours and comes every tenth of a second. */
const SECONDS_PER_BLOCK = 51_840;
const BLOCK_MS = 100;
const SHARES_PER_BTS = 100_000n;
/** Far more than it takes; then something hangs, and the demo says so instead of waiting for ever. */
const DEADLINE_MS = 600_000;

const exitWhenDone = process.argv.includes("--exit");
const startedAtMs = Date.now();
const cleanUps: (() => unknown)[] = [];
let stopping = false;

/** Once, however often it is asked for: Ctrl-C reaches this process by the terminal and by npm. */
const cleanUp = (): Promise<void> => (cleaningUp ??= undoAll());
let cleaningUp: Promise<void> | undefined;

async function undoAll(): Promise<void> {
  stopping = true;
  for (const undo of cleanUps.reverse()) await undo();
}

process.on("SIGINT", () => void cleanUp().then(() => process.exit(exitWhenDone ? 130 : 0)));
process.on("SIGTERM", () => void cleanUp().then(() => process.exit(143)));

async function startCluster() {
  say("starting PostgreSQL from the npm package,");
  say(`and a chain: one block in ${BLOCK_MS} ms, ${SECONDS_PER_BLOCK / 3600} hours from block to block …`);
  const redisUrl = process.env["REDIS_URL"];
  const cluster = await Cluster.start({
    custodian: CUSTODIAN,
    accounts: [
      accountFromSeeds(CUSTODIAN, { balanceBts: 50_000_000n, lifetimeMember: true }),
      ...NOMINATORS.map((name) => accountFromSeeds(name, { balanceBts: 1_000_000n })),
    ],
    chain: {
      blockIntervalMs: BLOCK_MS,
      secondsPerBlock: SECONDS_PER_BLOCK,
      nodes: 3, // a majority of them is believed
      maximumTimeUntilExpirationSeconds: 90 * DAY_SECONDS,
    },
    // The programme's defaults but the life of a signed transaction: three minutes are no time on this chain, and five lives a
    // long one.
    policy: "expiration: 20d\nmax_attempts: 3\n",
    ...(redisUrl === undefined ? {} : { redis: { url: redisUrl } }),
    onLine: (name, line) => {
      if (line.level === "error") say(red(`  ${name}: ${JSON.stringify(line)}`));
    },
  });
  cleanUps.push(() => cluster.stop());
  const workers = await cluster.startWorkers();
  for (const { name, pid, exited } of Object.values(workers)) {
    say(`  ${name.padEnd(9)} runs as process ${pid}`);
    void exited.then((how) => {
      if (how !== 0) say(red(`  ${name} ended: ${how}`));
    });
  }
  const operator = exitWhenDone ? undefined : await startConsole(cluster);
  return { cluster, workers, operator };
}

interface Operator {
  readonly address: string;
  readonly name: string;
  readonly password: string;
}

/** The page for operators, and a user of it: for this run only. */
async function startConsole(cluster: Cluster): Promise<Operator> {
  const [name, password] = ["demo", randomBytes(9).toString("base64url")];
  const access = createPostgresConsoleAccess({ url: cluster.database.url });
  await access.addUser(
    { name, role: "operator", passwordHash: await hashPassword(password) },
    { event: "console.user_added", subject: name, details: { role: "operator", actor: "demo" } },
  );
  await access.close();
  const { address } = await cluster.start("console").waitFor(({ event }) => event === "console.listening");
  say(`  console   ${bold(String(address))}, sign in as ${bold(name)} with ${bold(password)}`);
  return { address: String(address), name, password };
}

/** The receipts as they come: what the cluster itself says it does. */
async function tellReceipts(db: pg.Client, seen: { lastId: bigint }, genesisSeconds: number): Promise<void> {
  const { rows } = await db.query<{
    id: string;
    event: string;
    chain_time_ms: string | null;
    details: Record<string, string>;
  }>("SELECT id, event, chain_time_ms, details FROM receipt WHERE id > $1 ORDER BY id", [seen.lastId]);
  for (const row of rows) {
    seen.lastId = BigInt(row.id);
    const day =
      row.chain_time_ms === null
        ? 0
        : Math.floor((Number(row.chain_time_ms) / 1000 - genesisSeconds) / DAY_SECONDS);
    const when = dim(`day ${String(day).padStart(3)}`);
    const d = row.details;
    const amount =
      d["amountShares"] === undefined ? "" : `${grouped(BigInt(d["amountShares"]) / SHARES_PER_BTS)} BTS`;
    if (row.event === "payout.confirmed")
      say(
        `${when}  ${green("paid")}       ${amount.padStart(12)} → ${d["payee"]}  ${dim(`tx ${d["txid"]?.slice(0, 10)}… irreversible`)}`,
      );
    else if (row.event.startsWith("transfer.") && d["reason"] !== undefined)
      say(`${when}  ${cyan(row.event.slice(9).replace("_", " ").padEnd(18))} ${d["sender"]}: ${d["reason"]}`);
    else if (row.event === "withdrawal.expired") say(`${when}  ${red("expired")}    ${JSON.stringify(d)}`);
    else if (row.event === "row.waived")
      say(`${when}  ${dim(`penalty waived: ${d["nominator"]} stayed to the end`)}`);
  }
}

async function main(): Promise<boolean> {
  heading("StakeBTS: a year of a staking programme in a minute");
  const { cluster, workers, operator } = await startCluster();
  const { url: databaseUrl } = cluster.database;
  const nodeUrl = cluster.devnet.urls[0] as string;
  const audit = await ChainAudit.connect(nodeUrl);
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  cleanUps.push(
    () => db.end(),
    () => audit.close(),
  );
  const send = (from: string, amountBts: bigint, memo?: string) =>
    cluster.send(from, amountBts, memo, { expirationSeconds: 20 * DAY_SECONDS });

  const genesisSeconds = (await audit.head()).timeSeconds;
  heading("Nominators send signed transfers with encrypted memos");
  for (const { from, amountBts, memo, story } of SENDINGS) {
    await send(from, amountBts, memo);
    say(`  ${from} sends ${grouped(amountBts)} BTS  ${dim(JSON.stringify(memo ?? null))}  ${story}`);
  }

  heading("What the cluster makes of it");

  const seen = { lastId: 0n };
  let stopSent = false;
  for (;;) {
    await tellReceipts(db, seen, genesisSeconds);
    const { timeSeconds } = await audit.head();
    if (!stopSent && timeSeconds >= genesisSeconds + STOP.afterSeconds) {
      stopSent = true;
      say(`           ${STOP.from} wants out and sends ${STOP.carriesBts} BTS with the memo "stop"`);
      await send(STOP.from, STOP.carriesBts, "stop");
    }
    if (timeSeconds > genesisSeconds + 12 * MONTH_SECONDS && (await settle(db))) break;
    if (Date.now() - startedAtMs > DEADLINE_MS)
      throw new Error("the year is over and not everything is settled");
    if (Object.values(workers).some((w) => w.lines.at(-1)?.event === "process.broken"))
      throw new Error("a worker is broken");
    await delay(100);
  }
  await tellReceipts(db, seen, genesisSeconds);

  heading("Owed by the rules, and arrived on chain");
  const transfers = await audit.transfers();
  const owed = owedByRules(transfers, CUSTODIAN);
  const paid = paidOnChain(transfers, CUSTODIAN);
  const names = [...new Set([...owed.keys(), ...paid.keys()])].sort();
  const rows = names.map((name) => {
    const owes = owed.get(name)?.sharesOwed ?? 0n;
    const got = paid.get(name)?.shares ?? 0n;
    return {
      name,
      payments: paid.get(name)?.payments ?? 0,
      owes,
      got,
      matches: owes === got && (owed.get(name)?.payments ?? 0) === (paid.get(name)?.payments ?? 0),
    };
  });
  say(
    table(
      ["nominator", "payments", "owed, BTS", "arrived, BTS", ""],
      rows.map((row) => [
        row.name,
        String(row.payments),
        grouped(row.owes / SHARES_PER_BTS),
        grouped(row.got / SHARES_PER_BTS),
        row.matches ? "✓" : "✗",
      ]),
    ),
  );
  const ok = rows.every((row) => row.matches);
  const total = (pick: (row: (typeof rows)[number]) => bigint) =>
    rows.reduce((sum, row) => sum + pick(row), 0n);
  say(ok ? green("\nEvery BTS owed was paid exactly once.") : red("\nThe table does not match."));
  say(
    JSON.stringify({
      ok,
      nominators: rows.length,
      transfersIn: SENDINGS.length + 1,
      payments: rows.reduce((sum, row) => sum + row.payments, 0),
      owedBts: (total((row) => row.owes) / SHARES_PER_BTS).toString(),
      arrivedBts: (total((row) => row.got) / SHARES_PER_BTS).toString(),
      seconds: Math.round((Date.now() - startedAtMs) / 1000),
    }),
  );
  if (operator === undefined || !ok) return ok;

  const running = { cluster, tell: () => tellReceipts(db, seen, genesisSeconds) };
  heading("A payout that fails, and one that a limit holds");
  say(`  ${UNLUCKY} sends what cannot be an agreement; all nodes take its refund, and lose it`);
  await failOnePayout(running);
  await slowDown(cluster, workers.scheduler);
  say(`  ${LARGE} sends 200 050 BTS by mistake; from 100 000 BTS on a second person has to approve`);
  await holdOnePayout(running);
  inviteVisitor(operator, databaseUrl, nodeUrl);
  return nominateForEver(running);
}

function inviteVisitor({ address, name, password }: Operator, databaseUrl: string, nodeUrl: string): void {
  heading("The programme goes on until Ctrl-C: an hour in a second, a nomination now and then");
  say(`  console   ${bold(address)}, sign in as ${bold(name)} with ${bold(password)}`);
  say(`  try       Overview: "Requeue…" pays the refund that failed, "Approve…" lets the large one go`);
  say(
    `            Find (press /): ${UNLUCKY}, and the life of its payout; Forecast: what if everybody stops`,
  );
  say(
    `  database  psql ${databaseUrl} -c "SELECT nominator, type, amount, status FROM stake_row ORDER BY due"`,
  );
  say(`  node      ${nodeUrl}\n`);
}

let code = 1;
try {
  code = (await main()) ? 0 : 1;
} catch (error) {
  // What was open when Ctrl-C was pressed is no failure.
  if (!stopping) say(red(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`));
}
await cleanUp();
process.exit(code);

// Years of a programme in minutes: a ledger in PostgreSQL, a chain whose clock is set forward by a day at a time, and the services of the
// workers and the watcher in this process. Says how large each table has become, so that what grows without an end is seen.
//   npm run soak -- --years 2 [--nominations 4] [--junk 6]      so many of both on each day
import { parseArgs } from "node:util";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { IncomingCheck } from "@stakebts/core/custody/incoming-check";
import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-monitor-ledger";
import { SettlementCheck } from "@stakebts/core/custody/settlement-check";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { DAY_MS } from "@stakebts/kernel/time";
import { accountFromSeeds } from "@stakebts/devnet";
import { CUSTODIAN, InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { prepare } from "../prisma/migrate.ts";

const DAYS_OF_YEAR = 365;
const NOMINATORS = ["nominator-1", "nominator-2", "nominator-3"];
const MEMOS = ["three_months", "six_months", "twelve_months"];
/** Once in so many days a nominator stops all his agreements. */
const STOP_EVERY_DAYS = 20;
/** Looks of the watcher in which nothing is left. */
const LOOKS_MAX = 10_000;

const { values } = parseArgs({
  options: {
    years: { type: "string", default: "1" },
    nominations: { type: "string", default: "4" },
    junk: { type: "string", default: "6" },
  },
});
const [years, nominations, junk] = [values.years, values.nominations, values.junk].map(Number) as [
  number,
  number,
  number,
];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Size {
  readonly table: string;
  readonly rows: number;
  readonly kilobytes: number;
}

async function sizes(client: pg.Client): Promise<readonly Size[]> {
  const { rows: tables } = await client.query<{ table: string; kilobytes: string }>(
    `SELECT relname AS table, (pg_total_relation_size(oid) / 1024)::text AS kilobytes FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  const found: Size[] = [];
  for (const { table, kilobytes } of tables) {
    const { rows } = await client.query<{ count: string }>(
      `SELECT count(*) FROM ${pg.escapeIdentifier(table)}`,
    );
    found.push({ table, rows: Number(rows[0]?.count), kilobytes: Number(kilobytes) });
  }
  return found.filter(({ rows }) => rows > 0);
}

/** With what it grew by since the last time. */
function print(now: readonly Size[], before: readonly Size[]): void {
  const old = new Map(before.map((size) => [size.table, size]));
  const number = (value: number, width: number): string => value.toLocaleString("en").padStart(width);
  say(
    `${"table".padEnd(22)}${"rows".padStart(12)}${"grown by".padStart(12)}${"kB".padStart(12)}${"grown by".padStart(12)}`,
  );
  for (const { table, rows, kilobytes } of now) {
    const { rows: rowsBefore = 0, kilobytes: kilobytesBefore = 0 } = old.get(table) ?? {};
    say(
      `${table.padEnd(22)}${number(rows, 12)}${number(rows - rowsBefore, 12)}${number(kilobytes, 12)}${number(kilobytes - kilobytesBefore, 12)}`,
    );
  }
  say(`memory of this process: ${Math.round(process.memoryUsage().rss / 1_048_576)} MB`);
}

async function aDay(cluster: InProcessCluster, day: number): Promise<void> {
  const someone = (n: number): string => NOMINATORS[(day + n) % NOMINATORS.length] as string;
  for (let n = 0; n < nominations; n++)
    await cluster.send(someone(n), 25_000, MEMOS[(day + n) % MEMOS.length]);
  for (let n = 0; n < junk; n++) await cluster.send(someone(n), 500, `what is this ${n}`);
  if (day % STOP_EVERY_DAYS === 0) await cluster.send(someone(0), 1, "stop");
  cluster.devnet.skipTime(DAY_MS / 1_000 - 60);
  await cluster.settle(4);
}

async function lookAtAll(look: () => Promise<unknown>): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX && (await look()) === true; looks++);
}

const postgres = await startPostgres();
const url = await postgres.createDatabase("soak");
await prepare(url);
const cluster = await InProcessCluster.start({
  devnet: {
    accounts: [CUSTODIAN, ...NOMINATORS].map((name) => accountFromSeeds(name, { balanceBts: 900_000_000n })),
  },
});
const ledger = createPostgresLedger({ url });
// The cluster's own is in memory.
cluster.ledger = ledger as never;
cluster.queue.flush();
cluster.restart();
const chain = createChainClient({ nodes: cluster.devnet.urls });
const monitor = createPostgresMonitorLedger({ url });
const { custodian } = cluster;
let alerts = 0;
const watched = {
  chain,
  ledger: monitor,
  log: silent,
  custodian,
  clock: hostClock,
  onAlert: () => void alerts++,
};
const settlements = new SettlementCheck(watched);
const incoming = new IncomingCheck({
  ...watched,
  rules: () => ({
    policy: cluster.policy,
    terms: [cluster.policy.terms],
    managers: [],
    exchangeDepositAccount: "bittrex-deposit",
  }),
});
const client = new pg.Client(url);
await client.connect();
await cluster.ingest();
cluster.devnet.skipTime(3_600);
await cluster.settle(20);

let before: readonly Size[] = [];
for (let year = 1; year <= years; year++) {
  const startedAtMs = Date.now();
  for (let day = 1; day <= DAYS_OF_YEAR; day++) {
    await aDay(cluster, day);
    await settlements.look();
    await lookAtAll(() => incoming.look());
  }
  say(`\nyear ${year}, in ${Math.round((Date.now() - startedAtMs) / 1_000)} s`);
  const now = await sizes(client);
  print(now, before);
  before = now;
}
const { rows: open } = await client.query<{ status: string; count: string }>(
  "SELECT status, count(*) FROM payout WHERE status <> 'confirmed' GROUP BY 1 ORDER BY 1",
);
say(
  `\npayouts that are not confirmed: ${open.map(({ status, count }) => `${status} ${count}`).join(", ") || "none"}`,
);
say(`alerts of the watcher: ${alerts}`);
await Promise.all([client.end(), chain.close(), monitor.close(), ledger.close(), cluster.stop()]);
await postgres.stop();
process.exit(alerts === 0 ? 0 : 1);

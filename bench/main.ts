import { parseArgs } from "node:util";
import { findRedis } from "@stakebts/testkit/redis";
import { startPostgres } from "@stakebts/testkit/postgres";
import { benchConfirmation } from "./confirmation.ts";
import { benchCrypto } from "./crypto.ts";
import { ratio, type Row } from "./measure.ts";
import { benchLists } from "./lists.ts";
import { type BenchNode, benchPayouts } from "./payouts.ts";
import { benchPages, benchPagesOf } from "./pages.ts";
import { benchReplay, benchReplayOf } from "./replay.ts";
import { keepResults, print } from "./report.ts";
import { benchStartup } from "./startup.ts";

// What the product costs, each figure beside a ceiling that was measured in the same run. Nothing here passes or fails: machines differ,
// and a slow day is not a bug.

const USAGE = `npm run bench -- [options]

  --only NAMES      of crypto, replay, payouts, confirmation, startup, lists, pages; default: all but lists and pages
  --stake-rows N    of the larger ledger of lists, default 1000000; 10000000 takes gigabytes
  --agreements N    that pages are shown over, default 100000
  --ledger URL      that pages are shown over, of an earlier run
  --payouts N       default 1000
  --each-way MS     of the slow line, default 100
  --node URL        a node of a test network in place of those of this machine; needs the accounts:
  --custodian NAME  with BENCH_CUSTODIAN_KEY (WIF, its active and its memo key)
  --sender NAME     with BENCH_SENDER_KEY, and enough money
  --blocks N        of the node, that are replayed, default 10000
  --keep            writes bench/results/<time>.md
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "crypto,replay,payouts,confirmation,startup" },
    payouts: { type: "string", default: "1000" },
    "stake-rows": { type: "string", default: "1000000" },
    agreements: { type: "string", default: "100000" },
    ledger: { type: "string" },
    "each-way": { type: "string", default: "100" },
    node: { type: "string" },
    custodian: { type: "string", default: "custodian" },
    sender: { type: "string", default: "nominator-1" },
    blocks: { type: "string", default: "10000" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const accountOf = (name: string, variable: string) => {
  const wif = process.env[variable];
  if (wif === undefined) throw new Error(`--node needs ${variable}`);
  return { name, active: wif, memo: wif };
};
const node: BenchNode | undefined =
  values.node === undefined
    ? undefined
    : {
        url: values.node,
        custodian: accountOf(values.custodian, "BENCH_CUSTODIAN_KEY"),
        sender: accountOf(values.sender, "BENCH_SENDER_KEY"),
      };
const isWanted = (name: string): boolean => values.only.split(",").includes(name);
const lines = [0, Number(values["each-way"])];
const measured: Row[] = [];
const take = (rows: readonly Row[]): void => {
  print(rows);
  measured.push(...rows);
};

print([{ name: "", ours: "StakeBTS", ceiling: "ceiling", ratio: "ratio", target: "set out for" }]);
if (isWanted("crypto")) take(await benchCrypto());
if (isWanted("pages") && values.ledger !== undefined) take(await benchPagesOf(values.ledger, Date.now()));
else if (isWanted("pages")) {
  const postgres = await startPostgres();
  try {
    take(await benchPages(postgres, { agreements: Number(values.agreements) }));
  } finally {
    await postgres.stop();
  }
}
if (isWanted("replay")) {
  const postgres = await startPostgres();
  try {
    if (node === undefined) for (const eachWayMs of lines) take(await benchReplay(postgres, { eachWayMs }));
    else
      take(
        await benchReplayOf(postgres, {
          url: node.url,
          custodian: node.custodian.name,
          memo: node.custodian.memo,
          blocks: Number(values.blocks),
        }),
      );
  } finally {
    await postgres.stop();
  }
}
if (isWanted("payouts")) {
  const redis = await findRedis();
  try {
    for (const eachWayMs of lines) {
      const rates: number[] = [];
      for (const redisUrl of [undefined, ...(redis === null ? [] : [redis.url])]) {
        const { rows, rate } = await benchPayouts({
          payouts: Number(values.payouts),
          redisUrl,
          eachWayMs,
          node,
        });
        take(rows);
        rates.push(rate);
      }
      const [postgres, inRedis] = rates;
      if (postgres !== undefined && inRedis !== undefined)
        take([
          {
            name: "  queues in PostgreSQL, beside queues in Redis",
            ours: `${Math.round(postgres)}/s`,
            ceiling: `${Math.round(inRedis)}/s`,
            ratio: ratio(postgres / inRedis),
            target: "0.80 to 1.20 ×",
          },
        ]);
    }
  } finally {
    await redis?.stop();
  }
}
if (isWanted("confirmation") && node === undefined) take(await benchConfirmation());
if (isWanted("startup") && node === undefined) take(await benchStartup());
if (isWanted("lists") && node === undefined) take(await benchLists(Number(values["stake-rows"])));
if (values.keep) keepResults(measured);
process.exit(0);

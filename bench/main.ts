import { cpus } from "node:os";
import { findRedis } from "@stakebts/testkit/redis";
import { startPostgres } from "@stakebts/testkit/postgres";
import { benchCrypto } from "./crypto.ts";
import type { Row } from "./measure.ts";
import { benchPayouts } from "./payouts.ts";
import { benchReplay } from "./replay.ts";

// What the product costs, as ratios taken in one run wherever there is something to compare with. Nothing here passes or
// fails: machines differ, and a slow day is not a bug.

const print = (rows: readonly Row[]): void => {
  for (const { name, ours, other, ratio, goal } of rows)
    process.stdout.write(
      `${name.padEnd(52)} ${ours.padStart(16)} ${other.padStart(16)} ${ratio.padStart(8)}   set out for ${goal}\n`,
    );
};

process.stdout.write(`${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.version}\n\n`);
process.stdout.write(`${"".padEnd(52)} ${"StakeBTS".padStart(16)} ${"bitsharesjs".padStart(16)}\n`);
print(await benchCrypto());

const postgres = await startPostgres();
const redis = await findRedis();
try {
  process.stdout.write(`\n${"".padEnd(52)} ${"ingester".padStart(16)} ${"bare get_block".padStart(16)}\n`);
  print(await benchReplay(postgres));
  process.stdout.write("\n");
  for (const lineMs of [0, 200])
    for (const redisUrl of [undefined, ...(redis === null ? [] : [redis.url])])
      print(await benchPayouts({ redisUrl, lineMs }));
} finally {
  await redis?.stop();
  await postgres.stop();
}
process.exit(0);

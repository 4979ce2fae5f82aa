import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { Comparison, Difference } from "@stakebts/core/rebuild/difference";
import { NEEDS_ATTENTION } from "@stakebts/core/ledger/log-receipt";
import { wifFromSeed } from "@stakebts/devnet";
import pg from "pg";
import { describe, expect, vi } from "vitest";
import { emptyDatabase } from "@stakebts/testkit/database";
import { deploy } from "../../../prisma/migrate.ts";
import { CUSTODIAN, type PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { test as base } from "./cli-test.ts";
import type { Stakebts } from "./stakebts.ts";

vi.setConfig({ testTimeout: 120_000 });

const REASON = ["--reason", "the disk was lost"];

/** A cluster whose people have the memo key. */
const test = base.extend<{ command: Stakebts }>({
  command: async ({ stakebts }: { stakebts: Stakebts }, use: (command: Stakebts) => Promise<void>) => {
    await use(stakebts.with({ STAKEBTS_MEMO_KEY: wifFromSeed(`${CUSTODIAN}-memo`) }));
  },
});

async function sql<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Past every recovery hold and trigger, as one with all rights could. */
const forge = (url: string, text: string) => sql(url, `SET session_replication_role = replica; ${text}`);

/** Each table of what follows from the chain, as one text. */
async function facts(url: string): Promise<Record<string, string>> {
  const [row] = await sql<Record<string, string>>(
    url,
    `SELECT (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM (SELECT block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid,
              sender, receiver, amount_shares, asset_id, fee_shares, memo_status, memo_text, request, payout_key, memo_nonce, status, outcome, reason FROM transfer) t) AS transfers,
            (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM (SELECT block_start, trx_idx, ops_idx, nominator, amount, months, start, terms FROM agreement) t) AS agreements,
            (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM (SELECT id, nominator, amount, type, due, status, processed, block_processed FROM stake_row) t) AS rows,
            (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM (SELECT id, key, kind, payee, amount, memo, due, block_processed, processed FROM payout) t) AS payouts,
            (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM (SELECT payout_id, stake_row_id, settles_as FROM payout_stake_row) t) AS links,
            (SELECT block_num || block_id || scanned_from_block_num FROM chain_cursor) AS cursor`,
  );
  return row ?? {};
}

async function live(cluster: PostgresCluster): Promise<void> {
  await cluster.send("nominator-1", 25_000n, "three_months");
  await cluster.send("nominator-2", 25_000n, "six_months");
  await cluster.send("nominator-2", 500n, "what is this");
  await cluster.digest();
  await cluster.work();
  await cluster.send("nominator-2", 1n, "stop");
  await cluster.digest();
  await cluster.work();
  cluster.devnet.skipTime(30 * 86_400);
  await cluster.digest();
  await cluster.passRecoveryHold();
  await cluster.work();
}

const compare = async (command: Stakebts, ...options: string[]) => {
  const { out, err, code } = await command("rebuild", "--compare", "--json", ...options);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { difference?: Difference; comparison?: Comparison });
  const comparison = lines.at(-1)?.comparison;
  if (comparison === undefined) throw new Error(`${out}${err}`);
  return { code, comparison, differences: lines.flatMap(({ difference }) => difference ?? []) };
};

describe("stakebts rebuild --compare", () => {
  test("finds nothing in an untouched ledger, leaves it as it was and nothing behind", async ({
    databaseUrl,
    cluster,
    command,
  }) => {
    await live(cluster);
    const before = await facts(databaseUrl);
    const { code, comparison } = await compare(command);
    expect(comparison).toMatchObject({ fromBlockNum: 1, serious: 0, expected: {} });
    expect(comparison.compared.payouts).toBeGreaterThan(4);
    expect(code).toBe(0);
    expect(await facts(databaseUrl)).toEqual(before);
    const left = await sql(
      databaseUrl,
      "SELECT FROM pg_database WHERE datname LIKE format('stakebts_compare_%s%%', (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    expect(left).toEqual([]);
    const { out } = await command("rebuild", "--compare");
    expect(out).toContain("nothing alarming");
  });

  test("leaves a receipt of how it ended, of which operators are notified if it found something, and none of a part that is right", async ({
    databaseUrl,
    cluster,
    command,
  }) => {
    await live(cluster);
    const receipts = () =>
      sql(
        databaseUrl,
        "SELECT event, details ->> 'reason' AS reason FROM receipt WHERE event LIKE 'compare.%' ORDER BY id",
      );
    await compare(command, "--from", "2");
    expect(await receipts()).toEqual([]);
    expect((await command("status")).out).toContain("compare never passed");
    await compare(command);
    expect(await receipts()).toEqual([{ event: "compare.passed", reason: null }]);
    expect((await command("status")).out).toMatch(/compare passed [-0-9]+ /u);
    await forge(databaseUrl, "UPDATE payout SET amount = amount + 1 WHERE kind = 'refund'");
    await compare(command);
    expect((await receipts()).at(-1)).toMatchObject({
      event: "compare.differs",
      reason: "1 found that nothing explains",
    });
    expect(NEEDS_ATTENTION).toContain("compare.differs");
  });

  // Those of one group lie beside each other in one ledger: each is named, and none hides another.
  test.for<readonly (readonly [forgery: string, message: RegExp])[]>([
    [
      ["UPDATE payout SET amount = amount + 1 WHERE kind = 'refund'", /amount is 451 in the ledger and 450/u],
      ["UPDATE payout SET payee = 'nominator-1' WHERE kind = 'stop'", /payee is nominator-1/u],
      ["UPDATE stake_row SET due = due - 1 WHERE type = 'reward' AND status = 'pending'", /dueMs is/u],
      [
        "UPDATE payout_stake_row SET settles_as = 'confirmed' WHERE settles_as = 'premature'",
        /it settles other rows/u,
      ],
    ],
    [
      ["DELETE FROM payout WHERE kind = 'refund'", /does not have it/u],
      ["UPDATE agreement SET nominator = 'nominator-1'", /nominator is nominator-1 in the ledger/u],
      ["UPDATE transfer SET sender = 'nominator-1' WHERE outcome = 'stopped'", /sender is nominator-1/u],
    ],
    [
      ["DELETE FROM transfer WHERE outcome = 'stopped'", /the chain has it and the ledger does not/u],
      [
        "UPDATE payout SET status = 'due', block_processed = NULL WHERE kind = 'refund'",
        /the chain holds its payment/u,
      ],
    ],
    [["UPDATE chain_cursor SET block_id = repeat('0', 40)", /the nodes have/u]],
  ])("finds %s", async (forgeries, { databaseUrl, cluster, command }) => {
    await live(cluster);
    for (const [forgery] of forgeries) await forge(databaseUrl, forgery);
    const { code, comparison, differences } = await compare(command, "--serious");
    expect(code).toBe(1);
    expect(comparison.serious).toBeGreaterThanOrEqual(forgeries.length);
    const messages = differences.map((each) => each.message).join("\n");
    for (const [, message] of forgeries) expect(messages).toMatch(message);
  });

  test("says of a failure and of a held payout that they are expected", async ({ cluster, command }) => {
    await cluster.failedRefund();
    await cluster.failedRefund("nominator-2");
    const { code, comparison } = await compare(command);
    expect(comparison).toMatchObject({ serious: 0, expected: { failed: 2 } });
    expect(code).toBe(1);
    expect((await compare(command, "--serious")).code).toBe(0);
  });

  test("has nothing to compare in an empty ledger", async ({ cluster, command }) => {
    await emptyDatabase(async (url) => {
      await deploy(url);
      expect(cluster).toBeDefined();
      const { code, err } = await command.with({ DATABASE_URL: url })("rebuild", "--compare");
      expect(err).toContain("read no block");
      expect(code).toBe(1);
    });
  });
});

describe("stakebts rebuild", () => {
  test("fills a wiped database with what the lost one held, and every remaining debt is paid once", async ({
    databaseUrl,
    cluster,
    command,
  }) => {
    await live(cluster);
    const lost = await facts(databaseUrl);
    await emptyDatabase(async (url) => {
      await deploy(url);
      const here = command.with({ DATABASE_URL: url });
      const asked = await here("rebuild", "--from", "1", ...REASON);
      expect(asked.err).toContain("--yes");
      const { code, out } = await here("rebuild", "--from", "1", "--yes", ...REASON);
      expect(out).toContain("2 agreements");
      expect(code).toBe(0);
      expect(await facts(url)).toEqual(lost);
      expect((await compare(here)).differences).toEqual([]);
      expect((await here("doctor")).out).not.toContain("unmatched payments");
      expect((await here("status")).out).toMatch(/payments.*off/iu);
      const again = await here("rebuild", "--from", "1", "--yes", ...REASON);
      expect(again).toMatchObject({ code: 1, err: expect.stringContaining("not empty") });
      expect(again.err).toContain("stakebts reset");

      const after = await cluster.reopen(url);
      await here("payments", "on", ...REASON);
      await after.digest();
      await after.passRecoveryHold();
      // A leap in time may end an attempt, and the next job makes another one.
      for (let round = 0; round < 9; round++) {
        cluster.devnet.skipTime(10 * 86_400);
        await after.digest();
        await after.passRecoveryHold();
        await after.work();
        // A job at a bad moment is answered with "again": the scheduler's reconciler does that.
        await after.ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: 0, limit: 100 });
        await after.work();
      }
      expect(await after.arrivedAt("nominator-1")).toEqual([1, 2_000, 2_000, 2_000, 25_000]);
      expect(await after.arrivedAt("nominator-2")).toEqual([1, 450, 21_250]);
      await after.ledger.close();
    });
  });

  test("goes on where it was interrupted", async ({ databaseUrl, cluster, command }) => {
    await live(cluster);
    const lost = await facts(databaseUrl);
    await emptyDatabase(async (url) => {
      await deploy(url);
      const here = command.with({ DATABASE_URL: url });
      await here("rebuild", "--from", "1", "--yes", ...REASON);
      // As if it had died before its last receipt: all that it had written before is there.
      await forge(url, "DELETE FROM receipt WHERE event = 'rebuild.finished'");
      expect((await here("rebuild", "--from", "9", "--yes", ...REASON)).code).toBe(2);
      const { code, out } = await here("rebuild", "--yes", ...REASON);
      expect(out).toContain("goes on");
      expect(code).toBe(0);
      expect(await facts(url)).toEqual(lost);
    });
  });

  test("comes after an import, and leaves what that has written", async ({ cluster, command }) => {
    await live(cluster);
    await emptyDatabase(async (url) => {
      await deploy(url);
      const here = command.with({ DATABASE_URL: url });
      await here("payments", "off", ...REASON);
      const list = join(mkdtempSync(join(tmpdir(), "stakebts-")), "list.txt");
      writeFileSync(list, "old-nominator 1623177720000 25000 12 2\n");
      expect(await here("import", "text", list, "--yes", ...REASON)).toMatchObject({ code: 0 });
      expect(await here("rebuild", "--from", "1", "--yes", ...REASON)).toMatchObject({
        code: 0,
        out: expect.stringContaining("3 agreements"),
      });
      const { comparison } = await compare(here);
      expect(comparison.serious).toBe(0);
      expect(Object.keys(comparison.expected)).toEqual(["imported"]);
    });
  });

  test("wants to be told where to begin, and does nothing in a dry run", async ({ cluster, command }) => {
    await emptyDatabase(async (url) => {
      await deploy(url);
      expect(cluster).toBeDefined();
      const here = command.with({ DATABASE_URL: url });
      expect(await here("rebuild", "--yes", ...REASON)).toMatchObject({ code: 2 });
      expect(await here("rebuild", "--from", "1", "--dry-run")).toMatchObject({ code: 0 });
      expect(await sql(url, "SELECT FROM receipt")).toEqual([]);
    });
  });

  test("pays once what was signed and in no block when the database was lost", async ({
    databaseUrl,
    cluster,
    command,
  }) => {
    await cluster.send("nominator-1", 500n, "what is this");
    await cluster.digest();
    const [refund] = await sql<{ id: PayoutId }>(databaseUrl, "SELECT id FROM payout WHERE kind = 'refund'");
    expect(await cluster.pay(refund?.id as PayoutId)).toMatchObject({ type: "in_flight" });
    await emptyDatabase(async (url) => {
      await deploy(url);
      const here = command.with({ DATABASE_URL: url });
      await here("rebuild", "--from", "1", "--yes", ...REASON);
      await here("payments", "on", ...REASON);
      const after = await cluster.reopen(url);
      expect(await after.pay(refund?.id as PayoutId)).toMatchObject({ type: "again" });
      await after.digest();
      cluster.devnet.skipTime(3_600);
      await after.digest();
      await after.work();
      expect(await after.arrivedAt("nominator-1")).toEqual([450]);
      await after.ledger.close();
    });
  });
});

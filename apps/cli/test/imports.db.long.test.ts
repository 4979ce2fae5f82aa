import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operationId } from "@stakebts/kernel/operation-id";
import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import initSqlJs from "sql.js";
import { afterAll, describe, expect, vi } from "vitest";
import { test as base } from "@stakebts/testkit/database";
import { CUSTODIAN, PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { stakebtsOf } from "./cli-test.ts";
import type { Stakebts } from "./stakebts.ts";

vi.setConfig({ testTimeout: 90_000 });

const folder = mkdtempSync(join(tmpdir(), "stakebts-imports-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = (content: string | Uint8Array): string => {
  const path = join(folder, `${++files}`);
  writeFileSync(path, content);
  return path;
};

const DAY_S = 86_400;
const DONE = ["--reason", "first start", "--yes"];

interface Row {
  readonly id: string;
  readonly status: string;
  readonly processedMs: number | null;
}
interface Payout {
  readonly key: string;
  readonly amount: string;
  readonly status: string;
}

/** An cluster whose ledger is empty, on a chain with a past. */
const test = base.extend<{ cluster: PostgresCluster; stakebts: Stakebts }>({
  cluster: async ({ databaseUrl }, use) => {
    const cluster = await PostgresCluster.open(databaseUrl, "never");
    await use(cluster);
    await cluster.close();
  },
  stakebts: async ({ cluster }: { cluster: PostgresCluster }, use: (stakebts: Stakebts) => Promise<void>) => {
    await use(stakebtsOf(cluster).with({ STAKEBTS_MEMO_KEY: wifFromSeed(`${CUSTODIAN}-memo`) }));
  },
});

/** What was sent to the custodian, in the order of the chain. */
async function past(
  cluster: PostgresCluster,
): Promise<readonly { block: number; at: string; timeMs: number }[]> {
  const { headBlockNum: to } = await cluster.chain.head();
  const blocks = await cluster.chain.blocks({ from: 1, to, account: cluster.custodian.id });
  return blocks.flatMap((block) =>
    block.transfers
      .filter((transfer) => transfer.toId === cluster.custodian.id)
      .map(({ trxInBlock, opInTrx }) => ({
        block: block.blockNum,
        at: operationId({ blockNum: block.blockNum, trxInBlock, opInTrx }),
        timeMs: block.timeMs,
      })),
  );
}

/** A nomination and an invalid request; days later the ledger begins, at the newest block. */
async function nominatedLongAgo(cluster: PostgresCluster, days: number) {
  await cluster.send("nominator-1", 25_000n, '{"type":"three_months"}');
  await cluster.send("nominator-2", 500n, "what is this");
  await cluster.devnet.produceUntilFinal(8);
  cluster.devnet.skipTime(days * DAY_S);
  await cluster.devnet.produceUntilFinal(8);
  await cluster.begin("current");
  await cluster.digest();
  const [nomination, invalid] = await past(cluster);
  return { nomination: nomination ?? expect.unreachable(), invalid: invalid ?? expect.unreachable() };
}

const owed = async (stakebts: Stakebts): Promise<readonly string[]> =>
  (await stakebts.json<{ payouts: Payout[] }>("payouts", "list", "--limit", "0")).payouts
    .map(({ key, amount, status }) => `${key} ${amount} ${status}`)
    .toSorted();
const rewards = async (stakebts: Stakebts): Promise<readonly string[]> =>
  (await stakebts.json<{ stakes: Row[] }>("stakes", "--type", "reward", "--limit", "0")).stakes
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ status }) => status);
const off = (stakebts: Stakebts) => stakebts("payments", "off", "--reason", "import");
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

describe("import blocks", () => {
  test("adds what they hold with the months that were paid, once, and sends nothing again", async ({
    cluster,
    stakebts,
  }) => {
    const { nomination, invalid } = await nominatedLongAgo(cluster, 65);
    const named = ["import", "blocks", `${nomination.block}`, "--paid-by-hand", dayOf(nomination.timeMs)];
    expect(await stakebts(...named, ...DONE)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/payments are on[^]*payments off --reason import/u),
    });
    await off(stakebts);
    const plan = await stakebts(...named, "--dry-run");
    expect(plan).toMatchObject({ code: 0, err: expect.stringContaining("nothing was done") });
    expect(plan.out).toContain(nomination.at);
    expect(plan.out).toContain(`1 on ${dayOf(nomination.timeMs)}`);
    expect(plan.out).toContain("2 new transfer(s), 0 in the ledger already; owed at once: 2,000 BTS");
    expect(await rewards(stakebts)).toEqual([]);

    expect(await stakebts(...named, ...DONE)).toMatchObject({
      code: 0,
      out: expect.stringContaining("2 transfer(s) added"),
    });
    expect(await rewards(stakebts)).toEqual(["paid", "processing", "pending"]);
    expect(await owed(stakebts)).toEqual([`reward:${nomination.at}:2 2000 due`]);
    const { receipts: items } = await stakebts.json<{ receipts: { event: string; subject: string }[] }>(
      "receipts",
      "--limit",
      "0",
    );
    expect(
      items.find(({ subject, event }) => subject === invalid.at && event === "transfer.already_processed"),
    ).toBeDefined();
    expect(items.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["import.started", "blocks.read", "import.finished"]),
    );

    expect(await stakebts(...named, ...DONE)).toMatchObject({
      code: 0,
      err: expect.stringContaining("nothing to do"),
    });
    expect(await owed(stakebts)).toHaveLength(1);
  });

  test("says what an early exit would return, and that is what is owed then", async ({
    cluster,
    stakebts,
  }) => {
    await cluster.send("nominator-1", 25_000n, "three_months");
    cluster.devnet.skipTime(35 * DAY_S);
    await cluster.send("nominator-1", 1n, "stop");
    cluster.devnet.skipTime(35 * DAY_S);
    await cluster.devnet.produceUntilFinal(8);
    await cluster.begin("current");
    await off(stakebts);
    const [nomination, stop] = await past(cluster);
    const blocks = file(`# the nomination\n${nomination?.block}\n${stop?.block} # its end\n`);
    const named = ["import", "blocks", "--file", blocks, "--paid-by-hand", "none"];
    const plan = await stakebts.json<{ plan: { owedAtOnce: string } }>(...named, "--dry-run");
    expect(plan.plan.owedAtOnce).toBe(String(25_000 - 3_750 + 2_000));
    expect((await stakebts(...named, ...DONE)).code).toBe(0);
    expect(await owed(stakebts)).toEqual([
      `reward:${nomination?.at}:1 2000 due`,
      `stop:${stop?.at} 21250 due`,
    ]);
    expect(await rewards(stakebts)).toEqual(["processing", "aborted", "aborted"]);
  });

  test("refuses an empty ledger and blocks that are still to come, and says what to do", async ({
    cluster,
    stakebts,
  }) => {
    await off(stakebts);
    expect(await stakebts("import", "blocks", "5", ...DONE)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/the ledger is empty[^]*STAKEBTS_REPLAY=current/u),
    });
    await cluster.begin("current");
    expect(await stakebts("import", "blocks", "9999", ...DONE)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/above the cursor[^]*wait for it/u),
    });
    expect(
      await stakebts.with({ STAKEBTS_MEMO_KEY: wifFromSeed("stranger") })("import", "blocks", "1", ...DONE),
    ).toMatchObject({
      code: 78,
      err: expect.stringContaining("is the memo key of custodian on chain"),
    });
  });
});

describe("blocks replay", () => {
  test("answers as if live what was jumped over, and passes over what it has read", async ({
    cluster,
    stakebts,
  }) => {
    const { nomination, invalid } = await nominatedLongAgo(cluster, 1);
    await off(stakebts);
    const replay = ["blocks", "replay", "--from", "1", "--reason", "began too late"];
    expect(await stakebts(...replay)).toMatchObject({ code: 2, err: expect.stringContaining("give --yes") });
    const plan = await stakebts(...replay, "--dry-run");
    expect(plan.out).toContain("2 new transfer(s), 0 in the ledger already; owed at once: 451 BTS");
    expect(await stakebts(...replay, "--yes")).toMatchObject({
      code: 0,
      out: expect.stringContaining("2 transfer(s) added"),
    });
    expect(await owed(stakebts)).toEqual([`confirm:${nomination.at} 1 due`, `refund:${invalid.at} 450 due`]);
    expect(await stakebts.json("status")).toMatchObject({ cursor: { scannedFromBlockNum: 1 } });

    const again = await stakebts(...replay, "--yes");
    expect(again).toMatchObject({
      code: 0,
      out: expect.stringMatching(/0 transfer\(s\) added.*passed over/u),
    });
    const really = await stakebts(...replay, "--yes", "--again");
    expect(really.out).toMatch(/0 transfer\(s\) added from \d+ blocks\n/u);
    expect(await owed(stakebts)).toHaveLength(2);
  });
});

describe("blocks pass", () => {
  test("leads past a block that no node delivers, and past no other", async ({ cluster, stakebts }) => {
    await nominatedLongAgo(cluster, 1);
    await cluster.send("nominator-2", 300n, "what is this");
    await cluster.devnet.produceUntilFinal(8);
    const [last] = (await past(cluster)).slice(-1);
    const block = last?.block ?? expect.unreachable();
    const pass = ["blocks", "pass", `${block}`];
    expect(await stakebts(...pass, "--reason", "stuck", "--yes")).toMatchObject({
      code: 1,
      out: expect.stringContaining("a node delivers it"),
    });
    const previous = (block - 1).toString(16).padStart(8, "0");
    for (const { faults } of cluster.devnet.nodes)
      faults.lie((method, result) =>
        method === "get_block" &&
        (result as { previous: string } | null)?.previous.startsWith(previous) === true
          ? null
          : result,
      );
    await expect(cluster.ingest()).rejects.toThrow(/does not have block/);
    const plan = await stakebts(...pass, "--dry-run");
    expect(plan).toMatchObject({ code: 0, out: expect.stringContaining("1 transfer(s) of custodian in it") });
    await expect(cluster.ingest()).rejects.toThrow(/does not have block/);
    expect(await stakebts(...pass, "--reason", "stuck", "--yes")).toMatchObject({
      code: 0,
      out: expect.stringContaining("ordered: ingester and watcher go on by themselves"),
    });
    expect(await stakebts(...pass, "--reason", "stuck", "--yes")).toMatchObject({
      code: 0,
      out: expect.stringContaining("ordered before"),
    });
    for (let i = 0; i < 3; i++) await cluster.ingest();
    await cluster.digest();
    expect(await owed(stakebts)).toContain(`refund:${last?.at} 250 due`);
    expect(await stakebts(...pass, "--reason", "stuck", "--yes")).toMatchObject({
      code: 1,
      out: expect.stringContaining("the ledger has read it"),
    });
  });
});

describe("import text", () => {
  test("writes a list once, and knows an agreement whichever way it comes", async ({ cluster, stakebts }) => {
    const { nomination } = await nominatedLongAgo(cluster, 65);
    await off(stakebts);
    const minute = Math.floor(nomination.timeMs / 60_000) * 60_000;
    const list = file(
      `nominator-1\t${minute}\t25000\t3\t1\n\nuser9043 1623176546500 50000 3 2 # no block known\n`,
    );
    const plan = await stakebts("import", "text", list, "--dry-run");
    expect(plan.out).toMatch(
      /user9043 +50,000 +3 +2021-06-08 18:22 +1 on 2021-06-30, 2 on 2021-07-31 +54,000 +new/u,
    );
    expect(plan.out).toContain(
      "2 new agreement(s), 0 in the ledger already; owed at once: 3 payment(s), 56,000 BTS",
    );
    expect(await stakebts("import", "text", list, ...DONE)).toMatchObject({
      code: 0,
      out: expect.stringContaining("2 agreement(s) imported, 12 rows"),
    });
    expect(await stakebts("import", "text", list, ...DONE)).toMatchObject({
      code: 0,
      err: expect.stringContaining("nothing to do"),
    });
    expect(await stakebts.json("agreements")).toMatchObject({ total: 2 });

    const blocks = await stakebts.json<{ plan: { transfers: { operation: string; outcome: string }[] } }>(
      "import",
      "blocks",
      `${nomination.block}`,
      ...DONE,
    );
    expect(blocks.plan.transfers[0]).toMatchObject({
      operation: nomination.at,
      outcome: "already_processed",
    });
    expect(await stakebts.json("agreements")).toMatchObject({ total: 2 });

    await cluster.digest();
    const keys = await owed(stakebts);
    expect(keys).toHaveLength(3);
    for (const line of keys) expect(line).toMatch(/^(?:reward:0:\d+:\d+:\d|base:0:\d+:\d+) \d+ due$/u);
    const [agreement] = /0:\d+:\d+/u.exec(keys[0] ?? "") ?? [];
    expect(await stakebts("stakes", "--agreement", agreement ?? "")).toMatchObject({ code: 0 });
  });

  test("passes over an agreement that its block has brought", async ({ cluster, stakebts }) => {
    const { nomination } = await nominatedLongAgo(cluster, 1);
    await off(stakebts);
    await stakebts("import", "blocks", `${nomination.block}`, ...DONE);
    const list = file(`nominator-1 ${nomination.timeMs + 60_000} 25000 3 1\n`);
    const answer = await stakebts("import", "text", list, ...DONE);
    expect(answer.out).toContain(`in the ledger as ${nomination.at}`);
    expect(answer.err).toContain("nothing to do");
  });

  test("names every wrong line, and imports none then", async ({ stakebts }) => {
    const list = file(
      "user1 1623177720000 25000 12 2\nuser2 1623177720 25000 12 2\nuser3 1623177720000 25000 5 2\n",
    );
    const answer = await stakebts("import", "text", list, ...DONE);
    expect(answer).toMatchObject({ code: 1, out: "" });
    expect(answer.err).toMatch(/line 2: .*seconds[^]*line 3: months "5"[^]*2 wrong line\(s\)/u);
    expect(await stakebts.json("agreements")).toMatchObject({ total: 0 });
    expect(await stakebts("import", "text", file("# nothing\n"), ...DONE)).toMatchObject({ code: 2 });
  });
});

const SCHEMA = `
CREATE TABLE block_num (block_num INTEGER);
CREATE TABLE stakes (
  nominator TEXT, digital_asset TEXT, amount INTEGER, type TEXT, start INTEGER, due INTEGER, processed INTEGER,
  status TEXT, block_start INTEGER, trx_idx INTEGER, ops_idx INTEGER, block_processed INTEGER, number INTEGER,
  UNIQUE (nominator, type, number, block_start, trx_idx, ops_idx) ON CONFLICT IGNORE);
CREATE TABLE receipts (nonce INTEGER, now INTEGER, msg TEXT);`;
const MONTH_MS = 30 * DAY_S * 1_000;

interface V24 {
  readonly block: number;
  readonly startMs: number;
  /** After v2.4 has written its rows. */
  readonly sql?: string;
}

/** A database as v2.4 makes it, with one agreement of 25000 BTS for three months, opened by the first transfer of a block. */
async function v24({ block, startMs, sql = "" }: V24): Promise<Uint8Array> {
  const sqlite = await initSqlJs();
  const database = new sqlite.Database();
  database.run(SCHEMA);
  database.run("INSERT INTO block_num VALUES (?)", [block + 3]);
  const row = (type: string, amount: number, due: number, status: string, number: number) =>
    database.run("INSERT INTO stakes VALUES ('nominator-1','BTS',?,?,?,?,0,?,?,0,0,0,?)", [
      amount,
      type,
      startMs,
      due,
      status,
      block,
      number,
    ]);
  row("agreement_3", 1, startMs, "paid", 0);
  row("base_amount", 25_000, startMs + 3 * MONTH_MS, "pending", 0);
  row("penalty", -3_750, startMs + 3 * MONTH_MS, "pending", 0);
  for (const n of [1, 2, 3]) row("reward", 2_000, startMs + n * MONTH_MS, "pending", n);
  database.run("INSERT INTO receipts VALUES (?, ?, ?)", [
    startMs,
    startMs + 1,
    '{"type":"new stake","amount":25000}',
  ]);
  database.run("INSERT INTO receipts VALUES (?, ?, ?)", [
    startMs,
    startMs + 1,
    "API_KEY: 0123456789abcdef0123456789abcdef",
  ]);
  database.run(sql);
  const bytes = database.export();
  database.close();
  return bytes;
}

describe("import sqlite", () => {
  const sql = `
    UPDATE stakes SET status='confirmed', processed=start+5, block_processed=7 WHERE number=1;
    UPDATE stakes SET status='processing' WHERE number=2;`;

  test("takes over a ledger that goes on where v2.4 stopped, and answers nothing twice", async ({
    cluster,
    stakebts,
  }) => {
    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.send("nominator-2", 500n, "what is this");
    await cluster.devnet.produceUntilFinal(8);
    const [nomination] = await past(cluster);
    if (nomination === undefined) return expect.unreachable();
    cluster.devnet.skipTime(65 * DAY_S);
    await cluster.send("nominator-2", 700n, "after v2.4 had stopped");
    await cluster.devnet.produceUntilFinal(8);
    await off(stakebts);
    const database = file(await v24({ block: nomination.block, startMs: nomination.timeMs, sql }));
    const before = readFileSync(database);

    const plan = await stakebts("import", "sqlite", database, "--dry-run");
    expect(plan.out).toMatch(/In processing[^]*reward:2:\d+:0:0 +nominator-1 +2,000 BTS/u);
    expect(plan.out).toContain("6 rows: 1 paid, 3 pending, 1 confirmed, 1 processing");
    expect(plan.out).toContain(`the cursor will be placed there`);
    expect(await stakebts("import", "sqlite", database, ...DONE)).toMatchObject({
      code: 0,
      out: expect.stringContaining("1 agreement(s) with 6 rows and 2 receipt(s) imported; 1 payout(s) held"),
    });
    expect(readFileSync(database)).toEqual(before);
    expect(await stakebts.json("status")).toMatchObject({ cursor: { blockNum: nomination.block + 3 } });
    expect(await rewards(stakebts)).toEqual(["confirmed", "processing", "pending"]);
    const receipts = await stakebts.json<{ receipts: { details: { text: string } }[] }>(
      "receipts",
      "--event",
      "v24.receipt",
    );
    expect(receipts.receipts.map(({ details }) => details.text).toSorted()).toEqual([
      "API_KEY: (hidden)",
      '{"type":"new stake","amount":25000}',
    ]);

    // Goes on: what came later is answered, what v2.4 answered is not, however often it is read.
    await cluster.begin("last");
    await cluster.digest();
    const held = `reward:${nomination.at}:2 2000 held`;
    const refund = (await owed(stakebts)).find((line) => line.startsWith("refund:"));
    expect(await owed(stakebts)).toEqual([expect.stringMatching(/^refund:\d+:0:0 650 due$/u), held]);
    expect(await stakebts("blocks", "replay", "--from", "1", ...DONE)).toMatchObject({
      code: 0,
      out: expect.stringContaining("2 transfer(s) added"),
    });
    expect(await owed(stakebts)).toEqual([refund, held]);
    expect(await stakebts.json("agreements")).toMatchObject({ total: 1 });

    expect(await stakebts("import", "sqlite", database, ...DONE)).toMatchObject({
      code: 0,
      err: expect.stringContaining("nothing to do"),
    });

    // The operator decides, when the new ledger cannot have forgotten anything any more.
    await cluster.passRecoveryHold();
    const key = `reward:${nomination.at}:2`;
    expect(await stakebts("payouts", "release", key, "--reason", "not on the chain")).toMatchObject({
      code: 0,
    });
    expect(await owed(stakebts)).toContain(`${key} 2000 ready`);
    await stakebts("payments", "on", "--reason", "looked at");
    await cluster.work();
    expect(await cluster.arrivedAt("nominator-1")).toEqual([2_000]);
    expect(await rewards(stakebts)).toEqual(["confirmed", "confirmed", "pending"]);
  });

  test("a held payout is settled by the transfer that paid it, and that one settles no other", async ({
    cluster,
    stakebts,
  }) => {
    const [from, memoKey] = [wifFromSeed(`${CUSTODIAN}-active`), wifFromSeed(`${CUSTODIAN}-memo`)];
    const url = cluster.devnet.urls[0] ?? expect.unreachable();
    const wallet = new DevnetWallet({ url, name: CUSTODIAN, activeKey: from, memoKey });
    await wallet.transfer({ to: "nominator-1", amountShares: 200_000_000n, memo: "reward" });
    await cluster.devnet.produceUntilFinal(8);
    wallet.close();
    await off(stakebts);
    const startMs = 1_623_177_720_000;
    const both =
      "UPDATE stakes SET status='processing' WHERE number IN (1, 2); UPDATE block_num SET block_num=1;";
    await cluster.begin("current");
    const imported = await stakebts(
      "import",
      "sqlite",
      file(await v24({ block: 2, startMs, sql: both })),
      ...DONE,
    );
    expect(imported.code).toBe(0);
    const { irreversibleBlockNum } = await cluster.chain.head();
    const blocks = await cluster.chain.blocks({
      from: 1,
      to: irreversibleBlockNum,
      account: cluster.custodian.id,
    });
    const paid = blocks.find(({ transfers }) => transfers.length > 0) ?? expect.unreachable();
    const settle = (number: number, ...more: string[]) =>
      stakebts(
        "payouts",
        "settle",
        `reward:2:0:0:${number}`,
        "--by",
        `${paid.blockNum}:0:0`,
        "--reason",
        "seen",
        ...more,
      );
    expect(await settle(1)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/not in the ledger[^]*blocks replay/u),
    });
    await stakebts("blocks", "replay", "--from", `${paid.blockNum}`, "--to", `${paid.blockNum}`, ...DONE);
    expect(await settle(1, "--dry-run")).toMatchObject({
      code: 0,
      out: expect.stringContaining("would be confirmed"),
    });
    expect(await settle(1)).toMatchObject({
      code: 0,
      out: expect.stringContaining("confirmed, not paid again"),
    });
    expect(await settle(1)).toMatchObject({ code: 0, out: expect.stringContaining("unchanged") });
    expect(await settle(2)).toMatchObject({
      code: 1,
      out: expect.stringContaining("has settled the payout"),
    });
    expect((await rewards(stakebts)).slice(0, 2)).toEqual(["confirmed", "processing"]);
  });

  test("takes a row in processing for paid when the operator has seen it", async ({ stakebts }) => {
    await off(stakebts);
    const startMs = 1_623_177_720_000;
    const database = file(await v24({ block: 2, startMs, sql }));
    const lonely = stakebts.with({ STAKEBTS_NODES: undefined });
    const answer = await lonely("import", "sqlite", database, "--paid", "reward:2:2:0:0", ...DONE);
    expect(answer).toMatchObject({ code: 0, err: expect.stringContaining("STAKEBTS_REPLAY=6") });
    expect(await rewards(stakebts)).toEqual(["confirmed", "paid", "pending"]);
    expect(await owed(stakebts)).toEqual([]);
  });

  test("refuses what differs until the operator accepts it, and keeps what has no place as text", async ({
    cluster,
    stakebts,
  }) => {
    await cluster.begin(1);
    await off(stakebts);
    const startMs = 1_623_177_720_000;
    const odd = `
      UPDATE stakes SET amount=1999 WHERE number=3; DELETE FROM block_num;
      INSERT INTO stakes VALUES ('user1234','BTS',500,'reward',0,0,0,'pending',0,NULL,NULL,0,1);`;
    const database = file(await v24({ block: 2, startMs, sql: odd }));
    const refused = await stakebts("import", "sqlite", database, ...DONE);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/reward 3 is 1,999 BTS, expected 2,000/u);
    expect(refused.out).toMatch(/left out .*user1234.*do not name a place/u);
    expect(refused.out).toMatch(/block_num: does not say/u);
    expect(refused.err).toMatch(/3 difference\(s\)[^]*--accept-differences/u);
    expect(await stakebts.json("agreements")).toMatchObject({ total: 0 });
    expect(await stakebts("import", "sqlite", database, "--accept-differences", ...DONE)).toMatchObject({
      code: 0,
    });
    expect(await stakebts.json("agreements")).toMatchObject({ total: 1 });
    expect(await stakebts.json("receipts", "--event", "v24.row_left_out")).toMatchObject({
      receipts: [{ details: { row: expect.stringContaining('"user1234"') } }],
    });
  });

  test("warns when v2.4 went on after the first import", async ({ stakebts }) => {
    await off(stakebts);
    const startMs = 1_623_177_720_000;
    const lonely = stakebts.with({ STAKEBTS_NODES: undefined });
    expect((await lonely("import", "sqlite", file(await v24({ block: 2, startMs })), ...DONE)).code).toBe(0);
    const later = file(
      await v24({ block: 2, startMs, sql: "UPDATE stakes SET status='paid' WHERE number=1" }),
    );
    expect(await lonely("import", "sqlite", later, ...DONE)).toMatchObject({
      code: 1,
      out: expect.stringContaining("reward:1:2:0:0: is paid here and pending in the ledger"),
    });
  });

  test("reads a file with a write-ahead log that is empty, none with one that is not, and no copy without its log", async ({
    stakebts,
  }) => {
    await off(stakebts);
    const bytes = await v24({ block: 2, startMs: 1_623_177_720_000 });
    bytes[18] = bytes[19] = 2;
    const database = file(bytes);
    expect(await stakebts("import", "sqlite", database, "--dry-run")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/a copy of the file alone lacks[^]*PRAGMA journal_mode = DELETE/u),
    });
    writeFileSync(`${database}-wal`, "");
    expect(await stakebts("import", "sqlite", database, "--dry-run")).toMatchObject({ code: 0 });
    writeFileSync(`${database}-wal`, "something");
    expect(await stakebts("import", "sqlite", database, "--dry-run")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/-wal lies beside it[^]*End v2.4/u),
    });
    expect(
      await stakebts("import", "sqlite", file("SQLite format 3\0 and then nothing"), "--dry-run"),
    ).toMatchObject({
      code: 2,
      err: expect.stringContaining("cannot be read"),
    });
  });
});

import pg from "pg";
import { describe, expect } from "vitest";
import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-monitor-ledger";
import { test } from "./cli-test.ts";

interface Page {
  readonly total: number;
}

describe("listings", () => {
  test("answer in JSON with amounts as text, on an empty ledger and on a full one", async ({
    cluster,
    stakebts,
  }) => {
    expect(await stakebts.json<Page>("stakes")).toEqual({ total: 0, stakes: [] });
    expect(await stakebts.json<Page>("agreements")).toEqual({ total: 0, agreements: [] });
    expect(await stakebts.json<Page>("payouts", "list")).toEqual({ total: 0, payouts: [] });
    expect(await stakebts("payouts", "list")).toEqual({ code: 0, out: "", err: "nothing found\n" });
    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.digest();
    await cluster.work();
    const stakes = await stakebts.json<Page & { stakes: object[] }>(
      "stakes",
      "--type",
      "base_amount,penalty",
    );
    expect(stakes).toMatchObject({
      total: 2,
      stakes: [
        { type: "base_amount", amount: "25000", status: "pending", processedMs: null },
        { type: "penalty", amount: "-3750" },
      ],
    });
    expect(await stakebts.json("agreements", "--status", "open")).toMatchObject({
      total: 1,
      agreements: [{ nominator: "nominator-1", amount: "25000", owed: "31000", paid: "1" }],
    });
    const { payouts } = await stakebts.json<{ payouts: { key: string }[] }>("payouts", "list");
    expect(payouts).toMatchObject([{ kind: "confirm", amount: "1", status: "confirmed" }]);
    expect(await stakebts.json("payouts", "show", payouts[0]?.key ?? "")).toMatchObject({
      status: "confirmed",
      withdrawals: [{ status: "confirmed" }],
      payments: [{}],
      rows: [{ status: "confirmed", settlesAs: "confirmed" }],
    });
    expect(await stakebts.json("receipts", "--event", "payout.*")).toMatchObject({
      total: 1,
      receipts: [{ event: "payout.confirmed" }],
    });
    expect(await stakebts.json("status")).toMatchObject({
      payments: { on: true },
      payouts: [{ status: "confirmed", count: 1, amount: "1" }],
      owed: { gross: { count: 4, amount: "31000" } },
    });
    expect(await stakebts.json("liabilities")).toMatchObject({ pastDue: { amount: "0" }, nominators: 1 });
    expect(await stakebts.json("balances")).toMatchObject({
      hotWallet: { account: "custodian" },
      minimumShares: "10000000",
      within24h: { neededShares: "0", shortShares: "0" },
    });
  });

  test("are tables for people, cut where asked, and say that more is there", async ({
    cluster,
    stakebts,
  }) => {
    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.digest();
    const { code, out, err } = await stakebts("stakes", "--limit", "2");
    expect(code).toBe(0);
    const [head, ...rows] = out.trimEnd().split("\n");
    expect(head).toMatch(/^AGREEMENT +NOMINATOR +TYPE +BTS +DUE \(UTC\) +STATUS +BLOCK$/u);
    expect(rows).toHaveLength(2);
    expect(err).toBe("2 of 6; --limit 0 shows all, --offset 2 the next ones\n");
    // Only a person at a terminal sees colours.
    expect(`${out}${(await stakebts("status")).out}`).not.toContain("\u001B");
  });

  test("say what the custodian should hold, and what the chain has, as the watcher has compared them last", async ({
    cluster,
    stakebts,
    databaseUrl,
  }) => {
    expect((await stakebts("status")).out).toMatch(/balance +compared by no watcher yet/u);
    const watcher = createPostgresMonitorLedger({ url: databaseUrl });
    const note = { blockNum: 40, shares: "9999912345", agreesAtBlockNum: 38 };
    await watcher.note("balance", cluster.custodian.name, JSON.stringify(note));
    expect((await stakebts("status")).out).toMatch(
      /balance +99,999.12345 BTS expected after block 40, the same on the chain after block 38/u,
    );
    await watcher.note("balance", cluster.custodian.name, JSON.stringify({ ...note, difference: "-7" }));
    expect((await stakebts("status")).out).toContain("but the chain has 0.00007 BTS less since block 38");
    expect(await stakebts.json("status")).toMatchObject({ balance: { differenceShares: "-7" } });
    await watcher.close();
  });

  test("that do not need the chain work without a node, and status says that it was not asked", async ({
    stakebts,
  }) => {
    const offline = stakebts.with({ STAKEBTS_NODES: undefined });
    expect((await offline("stakes")).code).toBe(0);
    expect(await offline("status")).toMatchObject({ code: 0, out: expect.stringContaining("not asked") });
    expect(await offline("forecast")).toMatchObject({
      code: 0,
      out: expect.stringContaining("no balance to compare with"),
    });
  });
});

describe("the forecast", () => {
  test("names the day on which a given balance ends", async ({ cluster, stakebts }) => {
    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.digest();
    const args = ["forecast", "--by", "month", "--days", "100"] as const;
    const short = await stakebts(...args, "--balance", "30000");
    expect(short.code).toBe(0);
    expect(short.out).toMatch(/30,000 BTS do not suffice from \d{4}-\d{2}-\d{2} on/u);
    const enough = await stakebts.json<{ shortOn: string | null; lines: object[] }>(
      ...args,
      "--balance",
      "31101",
    );
    expect(enough.shortOn).toBeNull();
    expect(enough.lines.at(-1)).toMatchObject({ total: "31001", short: "0" });
    const stopped = await stakebts.json<{ lines: object[] }>(...args, "--stop");
    expect(stopped.lines).toMatchObject([{ total: "21251" }]);
    const arrived = await stakebts.json<{ lines: object[] }>(
      ...args,
      "--arrivals",
      "1",
      "--arrival-months",
      "3",
      "--rate",
      "10",
    );
    expect(arrived.lines.at(-1)).toMatchObject({ total: "13031001" });
    const brought = await stakebts.json<{ shortOn: string | null }>(
      ...args,
      "--balance",
      "30000",
      "--elsewhere",
      "2000",
    );
    expect(brought.shortOn).toBeNull();
    const missing = await stakebts.json<{ shortOn: string | null }>(...args, "--balance", "31100");
    expect(missing.shortOn).toMatch(/^\d{4}-\d{2}-\d{2}$/u);
  });
});

describe("the export", () => {
  test("is a journal with block and transaction id, checked against the chain", async ({
    cluster,
    stakebts,
  }) => {
    expect((await stakebts("export", "--json")).out).toBe("[]\n");
    await cluster.send("nominator-1", 25_000n, "three_months");
    await cluster.send("nominator-2", 500n, "what is this");
    await cluster.digest();
    await cluster.work();
    const csv = await stakebts("export", "--csv");
    expect(csv.code).toBe(0);
    const [head, ...lines] = csv.out.trimEnd().split("\r\n");
    expect(head).toMatch(/^payout,kind,payee,amount_bts,status,/u);
    expect(lines).toHaveLength(2);
    expect(lines.find((line) => line.startsWith("refund"))).toMatch(
      /^refund:\d+:0:0,refund,nominator-2,450,confirmed,.*,\d+,\d+:\d+:0,[0-9a-f]{40},0\.\d+,true,$/u,
    );
    const json = JSON.parse((await stakebts("export", "--json", "--payee", "nominator-2")).out) as object[];
    expect(json).toMatchObject([{ kind: "refund", amount_bts: "450", matches_chain: true }]);
    const year = new Date().getUTCFullYear();
    expect(JSON.parse((await stakebts("export", "--json", "--totals")).out)).toEqual([
      { nominator: "nominator-1", year, kind: "confirm", payments: 1, amount_bts: "1" },
      { nominator: "nominator-2", year, kind: "refund", payments: 1, amount_bts: "450" },
    ]);
    expect((await stakebts("export", "--csv", "--year", "2024")).out.trimEnd().split("\r\n")).toHaveLength(1);
  });

  test("says so when a payout is confirmed and the chain has no such payment", async ({
    databaseUrl,
    cluster,
    stakebts,
  }) => {
    const key = await cluster.failedRefund();
    // No process can: by hand, as the owner.
    const owner = new pg.Client({ connectionString: databaseUrl });
    await owner.connect();
    await owner.query("ALTER TABLE payout DISABLE TRIGGER payout_moves");
    await owner.query(
      "UPDATE payout SET status = 'confirmed', block_processed = 5, processed = 5 WHERE key = $1",
      [key],
    );
    await owner.end();
    const { code, err } = await stakebts("export", "--csv");
    expect(code).toBe(1);
    expect(err).toContain("1 confirmed payout(s) have no transfer on the chain");
  });
});

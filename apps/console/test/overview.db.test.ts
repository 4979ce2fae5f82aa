import pg from "pg";
import { describe, expect } from "vitest";
import { LOCKS } from "@stakebts/core/database/locks";
import { switchPayments } from "@stakebts/core/limits/switch-payments";
import { processLogins } from "@stakebts/testkit/process-logins";
import { manyStakes } from "../../cli/test/many-stakes.ts";
import { test } from "./console-environment.ts";

const textOf = async (answer: Response): Promise<string> =>
  (await answer.text()).replaceAll(/<[^>]+>/gu, " ").replaceAll(/\s+/gu, " ");

const DAY_MS = 86_400_000;

describe("the overview", () => {
  test("says what is owed, what is there, and what waits", async ({ cluster, console }) => {
    await cluster.failedRefund();
    await cluster.send("nominator-2", 25_000n, "three_months");
    await cluster.digest();
    await console.watch.look();
    const text = await textOf(await console.get("/", await console.visitor("viewer")));
    expect(text).toContain("Payments on");
    expect(text).toContain("Hot wallet 125,500 BTS");
    expect(text).toContain("Waits for a person 1 payout 450 BTS");
    expect(text).toContain("Past due 451 BTS 2 payments"); // the refund, and the confirmation of 1 BTS
    expect(text).toContain("In all (gross) 6 31,451 covered not known");
    expect(text).toContain("Reserve and exchange accounts not reported yet");
    expect(text).toMatch(/nominator-2 confirm due confirm:\d+:0:0 1 /u);
    expect(text).toContain("Behind the chain 0 blocks");
    expect(text).not.toContain("Nothing is paid");
  });

  test("says whether the balance is what it should be, and names a difference first", async ({
    console,
    databaseUrl,
  }) => {
    const viewer = await console.visitor("viewer");
    expect(await textOf(await console.get("/", viewer))).toContain("Balance compared by no watcher yet");
    const note = async (difference: string): Promise<void> => {
      const value = JSON.stringify({ blockNum: 9, shares: "500000", agreesAtBlockNum: 7, difference });
      const watcher = new pg.Client((await processLogins(databaseUrl)).watcher);
      await watcher.connect();
      await watcher.query("INSERT INTO watcher_note (kind, subject, value) VALUES ('balance', '1.2.3', $1)", [
        value,
      ]);
      await watcher.end();
    };
    await note("0");
    const well = await textOf(await console.get("/", viewer));
    expect(well).toContain("Balance 5 BTS expected after block 9, the same on the chain after block 7");
    expect(well).not.toContain("The balance differs");
    await note("-100000");
    expect(await textOf(await console.get("/", viewer))).toContain(
      "The balance differs: 5 BTS expected after block 9, but the chain has 1 BTS less since block 7",
    );
  });

  test("says which processes run, of which version, which payer leads and which stands by", async ({
    cluster,
    console,
    databaseUrl,
  }) => {
    const settings = { STAKEBTS_PAYMENTS: '"on"' };
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add(
        ["payer", "ingester"].map((subject) => ({ event: "process.started", subject, details: settings })),
      ),
    );
    const logins = await processLogins(databaseUrl);
    const sessions = [
      [logins.payer, "stakebts-payer 11@one c1524c9"],
      [logins.payer, "stakebts-payer 12@two 089a77a"],
      [logins.ingester, "stakebts-ingester 13@one c1524c9"],
      [logins.console, "stakebts-console 14@one"],
    ].map(([connectionString, name]) => new pg.Client({ connectionString, application_name: name }));
    await Promise.all(sessions.map((session) => session.connect()));
    await sessions[0]?.query("SELECT pg_advisory_lock($1)", [LOCKS.payer]);
    const viewer = await console.visitor("viewer");
    const text = await textOf(await console.get("/", viewer));
    expect(text).toContain("leads 11@one version c1524c9");
    expect(text).toContain("stands by 12@two version 089a77a");
    expect(text).toContain("runs 13@one version c1524c9");
    expect(text).toContain("runs 14@one");
    expect(text).toContain(
      "Processes run different versions: an older one of console; c1524c9 of ingester, payer; 089a77a of payer",
    );
    await sessions[0]?.query("SELECT pg_advisory_unlock_all()");
    expect(await textOf(await console.get("/", viewer))).toContain("none leads");
    await sessions[1]?.query("SET application_name = 'stakebts-payer 12@two c1524c9'");
    await sessions[3]?.query("SET application_name = 'stakebts-console 14@one c1524c9'");
    expect(await textOf(await console.get("/", viewer))).not.toContain("different versions");
    await Promise.all(sessions.map((session) => session.end()));
  });

  test("counts the other wallets as the payer reported them, with their age", async ({
    cluster,
    console,
  }) => {
    await cluster.send("nominator-2", 25_000n, "three_months");
    await cluster.digest();
    const report = (exchange1Shares: string) =>
      cluster.ledger.transaction((tx) =>
        tx.receipts.add([
          {
            event: "treasury.balances",
            subject: "treasury",
            details: {
              hotWalletShares: "1",
              reserveShares: "200000000",
              exchange1Shares,
              exchange2Shares: "150000",
              exchange3Problem: "wrong signature",
              totalShares: "9",
            },
          },
        ]),
      );
    await report("7");
    await report("1000000000");
    await console.watch.look();
    console.nowMs += 3 * 3_600_000;
    const text = await textOf(await console.get("/", await console.visitor("viewer")));
    expect(text).toContain("the other wallets as reported 3 h ago");
    expect(text).toContain(
      "Exchange account 1 10,000 BTS Exchange account 2 1.50000 BTS Exchange account 3 no answer wrong signature Reserve account 2,000 BTS",
    );
    expect(text).toContain("Together 137,001.50000 BTS");
    expect(text).toContain("In all (gross) 5 31,001 covered covered");
  });

  test("warns first of all when payments are off, the ledger is behind, or the money does not suffice", async ({
    cluster,
    console,
    databaseUrl,
  }) => {
    const viewer = await console.visitor("viewer");
    await cluster.digest();
    expect(await textOf(await console.get("/", viewer))).not.toContain("blocks behind the chain");
    await switchPayments(cluster, {
      on: false,
      action: { id: "1", actor: "operator-1", reason: "strange transfer" },
    });
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([
        { event: "process.started", subject: "payer", details: { STAKEBTS_PAYMENTS: '"off"' } },
      ]),
    );
    await cluster.devnet.produce(30);
    await console.watch.look();
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    await db.query(`INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
                    VALUES (gen_random_uuid(), 'refund:1:0:0', 'refund', 'nominator-1', 200000, 'm', 1, 'due')`);
    await db.end();
    const text = await textOf(await console.get("/", viewer));
    expect(text).toContain("Payments are off: strange transfer");
    expect(text).toContain("The payer was started with payments off");
    expect(text).toMatch(/The ledger is \d\d blocks behind the chain/u);
    expect(text).toContain("The hot wallet is short by 100,100 BTS for the next 24 hours");
  });

  test("is there when no node answers", async ({ cluster, console }) => {
    const viewer = await console.visitor("viewer");
    await cluster.devnet.stop();
    await console.watch.look();
    const answer = await console.get("/", viewer);
    expect(answer.status).toBe(200);
    const text = await textOf(answer);
    expect(text).toContain("The chain cannot be asked");
    expect(text).not.toContain("ws://");
  });

  test("over 20 000 rows lists no more than it can show, and says how long it took", async ({
    console,
    databaseUrl,
  }) => {
    const viewer = await console.visitor("viewer");
    const db = new pg.Client({ connectionString: databaseUrl });
    await db.connect();
    // The cluster has ingested a few blocks; the programme brings a cursor of its own.
    await db.query("ALTER TABLE chain_cursor DISABLE TRIGGER no_delete");
    await db.query("DELETE FROM chain_cursor");
    await manyStakes(databaseUrl, { agreements: 1_340, nowMs: Date.UTC(2026, 0, 1) + 300 * DAY_MS });
    await db.query(`
      INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, reason)
      SELECT gen_random_uuid(), 'refund:' || n || ':0:0', 'refund', 'nominator-' || n, 10, 'm', n, 'failed', 'no funds'
        FROM generate_series(1, 1234) n`);
    await db.end();
    const answer = await console.get("/", viewer);
    expect(answer.headers.get("server-timing")).toMatch(/total;dur=[\d.]+/u);
    const page = await answer.text();
    expect(page.match(/aria-label="Look at refund:/gu)).toHaveLength(20);
    expect(page).toContain("20 of 1,234 payouts");
    expect(page.length).toBeLessThan(200_000);
  });
});

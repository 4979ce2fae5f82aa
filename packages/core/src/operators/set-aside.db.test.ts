import pg from "pg";
import { expect } from "vitest";
import { bts, toShares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { cursorAt, incoming, operation } from "@stakebts/testkit/given";
import { test } from "@stakebts/testkit/database";
import { applyEvents } from "../ledger/apply-events.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { createPostgresLedgerView } from "../ledger/postgres/ledger-view.ts";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import { resume, setAside } from "./set-aside.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const action = { id: "1", actor: "anna", reason: "a constraint refuses it" };
const roles = { managers: [], treasuryAccounts: [], exchangeDeposit: { account: "exchange", memos: {} } };

test("a row that the database refuses keeps one transfer waiting, or one row that is due, and nothing else", async ({
  databaseUrl,
}) => {
  const ledger = createPostgresLedger({ url: databaseUrl });
  const view = createPostgresLedgerView({ url: databaseUrl });
  const db = new pg.Client(databaseUrl);
  await db.connect();
  const deps = { ledger, log: silent, policy: DEFAULT_POLICY, roles };
  const count = async (what: string): Promise<number> =>
    Number((await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${what}`)).rows[0]?.n);
  const nominate = (sender: string, blockNum: number) =>
    incoming({
      operation: operation(blockNum),
      blockTimeMs: millis(blockNum),
      sender,
      request: { type: "open", term: "three_months" },
      amount: toShares(bts(25_000n)),
    });
  try {
    await db.query("ALTER TABLE agreement ADD CONSTRAINT refuses CHECK (nominator <> 'bob')");
    await ledger.transaction(async (tx) => {
      await tx.cursor.move(undefined, { ...cursorAt(40), blockTimeMs: millis(40), scannedFromBlockNum: 1 });
      await tx.transfers.insert(["ann", "bob", "cid"].map((name, index) => nominate(name, 10 + index)));
    });
    await expect(applyEvents(deps)).rejects.toThrow(
      /transfer 11:0:0 of bob cannot be answered.*set-aside 11:0:0/u,
    );
    expect(await count("agreement")).toBe(1);
    expect(await setAside({ ledger }, { event: "11:0:0", action })).toMatchObject({ result: "done" });
    await applyEvents(deps);
    expect(await count("agreement")).toBe(2);
    expect((await view.status()).setAside).toMatchObject([{ event: "11:0:0", actor: "anna" }]);
    expect((await view.status()).undecidedTransfers).toBe(0);
    expect(await count("receipt WHERE event IN ('event.unanswerable', 'event.set_aside')")).toBe(2);

    // A month later rewards are due, and the payout of one of them is refused.
    await db.query(
      "ALTER TABLE payout ADD CONSTRAINT refuses CHECK (NOT (payee = 'ann' AND kind = 'reward'))",
    );
    const laterMs = millis(DEFAULT_POLICY.terms.monthMs + 1_000);
    await ledger.transaction((tx) => tx.cursor.move(40, { ...cursorAt(50), blockTimeMs: laterMs }));
    const failed: unknown = await applyEvents(deps).catch((error: unknown) => error);
    const row = /set-aside (\S+) --reason/u.exec(String(failed))?.[1] as string;
    expect(String(failed)).toContain("the reward of ann that is due");
    expect(await setAside({ ledger }, { event: row, action })).toMatchObject({ result: "done" });
    await applyEvents(deps);
    expect(await count("payout WHERE kind = 'reward' AND payee = 'cid'")).toBe(1);

    await db.query("ALTER TABLE agreement DROP CONSTRAINT refuses");
    await db.query("ALTER TABLE payout DROP CONSTRAINT refuses");
    for (const event of ["11:0:0", row])
      expect(await resume({ ledger }, { event, action })).toMatchObject({ result: "done" });
    await applyEvents(deps);
    expect(await count("payout WHERE kind = 'reward'")).toBe(3);
    expect((await view.status()).setAside).toEqual([]);
  } finally {
    await Promise.all([ledger.close(), view.close(), db.end()]);
  }
});

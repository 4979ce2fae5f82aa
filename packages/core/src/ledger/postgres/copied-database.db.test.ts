import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { randomUUID } from "node:crypto";
import { createPostgresLedger } from "./ledger.ts";
import { operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import pg from "pg";
import { describe, expect, inject } from "vitest";
import { test } from "@stakebts/testkit/database";

/** A copy of the database, row by row, as a dump that is restored is one. */
async function inCopy(databaseUrl: string, use: (url: string) => Promise<void>): Promise<void> {
  const url = new URL(databaseUrl);
  const [original, copy] = [url.pathname.slice(1), `t_${randomUUID().replaceAll("-", "")}`];
  const admin = new pg.Client({ connectionString: inject("pgAdminUrl") });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${copy} TEMPLATE ${original} STRATEGY file_copy`);
    url.pathname = `/${copy}`;
    await use(url.href);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${copy} WITH (FORCE)`);
    await admin.end();
  }
}

describe("a copy of the ledger, made a moment ago", () => {
  test("knows that it is not the original, and takes no withdrawal", async ({ databaseUrl }) => {
    const payout = refundOf(operation(10));
    const ledger = createPostgresLedger({ url: databaseUrl });
    await passRecoveryHold(ledger);
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    const writerEpoch = await ledger.control.startWriterEpoch();
    await ledger.close();
    await inCopy(databaseUrl, async (url) => {
      const copy = createPostgresLedger({ url });
      expect((await copy.control.read()).recoveryHold).toEqual({ raised: undefined, databaseChanged: true });
      expect(await saveWithdrawal(copy, withdrawalFor(payout, "a", { writerEpoch }))).toBe("payments_off");
      await copy.close();
    });
    const original = createPostgresLedger({ url: databaseUrl });
    expect((await original.control.read()).recoveryHold).toEqual({
      raised: undefined,
      databaseChanged: false,
    });
    expect(await saveWithdrawal(original, withdrawalFor(payout, "a", { writerEpoch }))).toBe("saved");
    await original.close();
  });
});

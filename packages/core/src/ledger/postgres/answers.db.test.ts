import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { createPostgresLedger } from "./ledger.ts";
import { operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import pg from "pg";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/database";

describe("the words by which the database answers a payer", () => {
  test("are those that every version knows, and a new one would mean that nothing was saved", async ({
    databaseUrl,
  }) => {
    const [ledger, db] = [
      createPostgresLedger({ url: databaseUrl }),
      new pg.Client({ connectionString: databaseUrl }),
    ];
    await db.connect();
    const { rows } = await db.query<{ source: string }>(
      "SELECT pg_get_functiondef('save_withdrawals'::regproc) AS source",
    );
    const source = rows[0]?.source ?? "";
    const words = [...source.matchAll(/(?:THEN|ELSE|ARRAY\[) ?'(\w+)'/g)].map(([, word]) => word);
    expect(new Set(words)).toEqual(
      new Set(["another_account", "epoch_over", "payments_off", "payout_moved", "saved"]),
    );

    await db.query(source.replace("THEN 'payments_off'", "THEN 'a_word_of_a_later_version'"));
    const withdrawal = withdrawalFor(refundOf(operation(10)), "a", {
      writerEpoch: await ledger.control.startWriterEpoch(),
    });
    expect(await saveWithdrawal(ledger, withdrawal)).toBe("payments_off");
    await Promise.all([ledger.close(), db.end()]);
  });
});

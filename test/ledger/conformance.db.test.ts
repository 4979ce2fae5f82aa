import { createPostgresLedger } from "@stakebts/core/adapters";
import { ledgerChecks } from "@stakebts/core/testing";
import { describe } from "vitest";
import { test } from "../database.ts";

describe("the ledger in PostgreSQL does what every ledger does:", () => {
  for (const check of ledgerChecks)
    test(check.name, async ({ databaseUrl }) => {
      const ledger = createPostgresLedger({ url: databaseUrl });
      try {
        await check.run(ledger);
      } finally {
        await ledger.close();
      }
    });
});

import { createPostgresLedger } from "./ledger.ts";
import { ledgerChecks } from "@stakebts/testkit/conformance/ledger";
import { describe } from "vitest";
import { test } from "@stakebts/testkit/database";

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

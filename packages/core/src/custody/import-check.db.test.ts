import { agreementAt, operation } from "@stakebts/testkit/given";
import { test } from "@stakebts/testkit/watched-cluster";
import { describe, expect } from "vitest";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { buildStakeRows } from "../rules/terms.ts";
import { ImportCheck } from "./import-check.ts";

describe("agreements that an operator's login has imported", () => {
  test("stop payments until people have looked at them, once", async ({
    watched: { deps, alerts, frozen },
    urls,
    as,
  }) => {
    const operator = createPostgresLedger({ url: urls.operator });
    const offered = [1, 2].map((n) => agreementAt(operation(0, n)));
    await operator.transaction((tx) =>
      tx.agreements.insert(
        offered.map((agreement) => ({ agreement, rows: buildStakeRows(agreement) })),
        { imported: true },
      ),
    );
    await operator.close();
    for (const role of ["operator", "scheduler"] as const)
      await expect(
        (await as(role)).query("UPDATE imported_agreement SET checked_at = now()"),
      ).rejects.toThrow(/permission denied/u);
    const check = new ImportCheck(deps);
    await check.look();
    expect(alerts).toMatchObject([{ event: "agreements.imported", details: { agreements: 2 } }]);
    expect(await frozen()).toMatch(/^2 agreements of .* were imported by operator_/u);
    await check.look();
    await new ImportCheck(deps).look();
    expect(alerts).toHaveLength(1);
  });
});

import { createPostgresMonitorLedger } from "@stakebts/core/custody/postgres-monitor-ledger";
import { expect } from "vitest";
import { test } from "./cli-test.ts";

test("what a person vouches for is reckoned with by the watcher, to the last digit and with its sign", async ({
  stakebts,
  databaseUrl,
}) => {
  const accept = (amount: string) =>
    stakebts("balance", "accept", "--amount", amount, "--reason", "a fee", "--actor", "ann", "--yes");
  expect(await accept("-0.12345")).toMatchObject({ code: 0 });
  expect((await accept("1250.5")).out).toContain("accepted: 1,250.5");
  for (const nothing of ["0", "x", "1.123456", "--", "1e3"]) expect((await accept(nothing)).code).toBe(2);
  const ledger = createPostgresMonitorLedger({ url: databaseUrl, max: 1 });
  try {
    const adjustments = await ledger.adjustmentsAfter(0n);
    expect(adjustments.map(({ amount }) => amount)).toEqual([-12_345n, 125_050_000n]);
    expect(await ledger.adjustmentsAfter(adjustments[1]?.id ?? 0n)).toEqual([]);
    expect(await ledger.inFlight()).toBe(0n);
  } finally {
    await ledger.close();
  }
  expect((await stakebts("receipts", "--event", "balance.accepted")).out).toContain("-0.12345 BTS");
});

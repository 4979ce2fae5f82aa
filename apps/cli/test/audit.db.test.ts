import { extendHashChain } from "@stakebts/core/audit/hash-chain";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import pg from "pg";
import { expect } from "vitest";
import { test } from "./cli-test.ts";

test("`audit verify` leaves a receipt of how it ended, of which operators are notified if it found something", async ({
  stakebts,
  databaseUrl,
}) => {
  const log = createAuditLog({ url: databaseUrl });
  await extendHashChain(log);
  const events = async (): Promise<readonly string[]> => {
    const { out } = await stakebts("receipts", "--event", "audit.*", "--json");
    return [...out.matchAll(/"event": ?"(audit\.[a-z]+)"/gu)].map(([, event]) => event as string);
  };
  expect(await stakebts("audit", "verify", "--from", "2")).toMatchObject({ code: 0 });
  expect(await events()).toEqual([]);
  expect(await stakebts("audit", "verify")).toMatchObject({ code: 0 });
  expect(await events()).toEqual(["audit.passed"]);
  await extendHashChain(log);
  await log.close();
  const intruder = new pg.Client(databaseUrl);
  await intruder.connect();
  await intruder.query(
    "SET session_replication_role = replica; UPDATE receipt SET subject = 'another' WHERE event = 'audit.passed'",
  );
  await intruder.end();
  expect(await stakebts("audit", "verify", "--json")).toMatchObject({ code: 1 });
  expect(await events()).toEqual(["audit.differs", "audit.passed"]);
});

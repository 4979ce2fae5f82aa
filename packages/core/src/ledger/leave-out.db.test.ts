import { operationId } from "@stakebts/kernel/operation-id";
import { OWED } from "@stakebts/testkit/in-process-cluster";
import { test } from "@stakebts/testkit/watched-cluster";
import { describe, expect } from "vitest";
import { IncomingCheck } from "../custody/incoming-check.ts";
import { resume, setAside } from "../operators/set-aside.ts";
import { termsEver } from "../rules/policy.ts";
import { replayBlocks } from "./ingest-blocks.ts";
import { createPostgresLedger } from "./postgres/ledger.ts";

const NAMES = ["nominator-1", "nominator-2", "nominator-3"] as const;
const action = { id: "a", actor: "anna", reason: "the database refuses its row" };

describe("a transfer whose row the database refuses", () => {
  test("is named, and the ledger goes on without it once it is set aside, and with it in the end", async ({
    watched: { cluster, deps, alerts },
    owner,
    urls,
  }) => {
    const { policy } = cluster;
    const rules = { ...OWED, policy, terms: termsEver(policy) };
    const incoming = new IncomingCheck({ ...deps, rules: () => rules });
    while (await incoming.look());
    await owner.query("ALTER TABLE transfer ADD CONSTRAINT refuses CHECK (sender <> 'nominator-2')");
    const opened = async () => {
      const { rows } = await owner.query<{ nominator: string }>("SELECT nominator FROM agreement ORDER BY 1");
      return rows.map(({ nominator }) => nominator);
    };
    for (const name of NAMES) await cluster.send(name, 25_000, "three_months");
    await cluster.produceUntilFinal();
    const refusal = /transfer (\d+:\d+:\d+) from nominator-2 to custodian cannot be written/u;
    await expect(cluster.ingest()).rejects.toThrow(refusal);
    // Another process, which knows nothing of what the one before has found out.
    cluster.restart();
    const again = await cluster.ingest().catch((error: unknown) => String(error));
    const [, at = ""] = refusal.exec(String(again)) ?? [];
    await cluster.applyEvents();
    expect(await opened()).toEqual(["nominator-1"]);
    const { rows: told } = await owner.query(
      "SELECT subject FROM receipt WHERE event = 'event.unanswerable'",
    );
    expect(told).toEqual([{ subject: at }]);

    const operator = createPostgresLedger({ url: urls.operator });
    const unread = { event: "1:0:0", action };
    expect(await setAside({ ledger: operator }, unread)).toMatchObject({ result: "refused" });
    expect(await setAside({ ledger: operator }, { event: at, action })).toMatchObject({ result: "done" });
    cluster.restart();
    await cluster.ingest();
    await cluster.applyEvents();
    expect(await opened()).toEqual(["nominator-1", "nominator-3"]);
    const { rows: left } = await owner.query("SELECT subject FROM receipt WHERE event = 'transfer.left_out'");
    expect(left).toEqual([{ subject: at }]);
    while (await incoming.look());
    expect(alerts).toEqual([]);

    await owner.query("ALTER TABLE transfer DROP CONSTRAINT refuses");
    const resumed = await resume({ ledger: operator }, { event: at, action });
    const block = Number(at.split(":")[0]);
    expect(resumed.message).toContain(`blocks replay --from ${block} --to ${block}`);
    await operator.close();
    expect(await replayBlocks(cluster.readDeps(), { from: block, to: block })).toBe(1);
    await cluster.applyEvents();
    expect(await opened()).toEqual([...NAMES]);
    expect(operationId({ blockNum: block, trxInBlock: 0, opInTrx: 0 })).toBe(at);
  });
});

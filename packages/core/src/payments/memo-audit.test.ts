import type { AccountId } from "@stakebts/bitshares/chain";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";
import { incoming } from "@stakebts/testkit/given";
import { describe, expect, it } from "vitest";
import type { MemoRequest } from "../rules/request.ts";
import { MemoAudit } from "./memo-audit.ts";

// A thief with the login of the ingester writes down a transfer of a nominator as if it asked for something else.

/** What the next transfer to the custodian is written as, before the ingester reads it. */
async function sendAndWrite(cluster: InProcessCluster, memo: string, request: MemoRequest): Promise<void> {
  await cluster.send("nominator-1", 1, memo);
  await cluster.devnet.produce();
  const { headBlockNum } = await cluster.chain.head();
  const range = { from: headBlockNum - 1, to: headBlockNum, account: cluster.custodian.id };
  const found = (await cluster.chain.blocks(range)).flatMap(({ blockNum, timeMs, transfers }) =>
    transfers.map((transfer) => ({ blockNum, timeMs, ...transfer })),
  );
  for (const { blockNum, trxInBlock, opInTrx, timeMs, fromId, amount } of found) {
    const written = incoming({
      operation: { blockNum, trxInBlock, opInTrx },
      blockTimeMs: timeMs,
      sender: "nominator-1",
      senderId: fromId as AccountId,
      receiver: CUSTODIAN,
      amount,
      request,
    });
    await cluster.ledger.transaction((tx) => tx.transfers.insert([written]));
  }
  expect(found).toHaveLength(1);
}

const auditOf = async (cluster: InProcessCluster): Promise<MemoAudit> => {
  const { causeReader, ...deps } = await cluster.newPayer();
  return new MemoAudit({ ...deps, causes: causeReader });
};

const contradictions = ({ ledger }: InProcessCluster) =>
  ledger.contents.receipts.filter(({ event }) => event === "ledger.contradicted");

describe("a payer that reads the memos of what came in", () => {
  it("stops payments at a stop that the ledger calls nonsense, for which nothing is paid", () =>
    inCluster({}, async (cluster) => {
      await sendAndWrite(cluster, "stop", { type: "invalid", reason: "not_json" });
      await cluster.settle();
      expect(await (await auditOf(cluster)).look()).toBe(false);
      expect(contradictions(cluster)).toMatchObject([
        { details: { reason: expect.stringContaining("asks for something else on the chain") as string } },
      ]);
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
    }));

  it("says each once, and goes on with what comes later", () =>
    inCluster({}, async (cluster) => {
      const audit = await auditOf(cluster);
      for (const memo of ["stop", "three_months"]) {
        await sendAndWrite(cluster, memo, { type: "invalid", reason: "not_json" });
        await cluster.settle();
        await audit.look();
        await audit.look();
      }
      expect(contradictions(cluster)).toHaveLength(2);
    }));

  it("finds nothing in a ledger that says what the chain says, with memos of every kind", () =>
    inCluster({}, async (cluster) => {
      const sent = ["three_months", "stop", "what is this", '{"type":"stop"}', "", "six_months "];
      for (const memo of sent) await cluster.send("nominator-1", 25_000, memo);
      await cluster.send("nominator-2", 3);
      await cluster
        .wallet("nominator-3")
        .propose(
          cluster.wallet("nominator-1"),
          [{ to: CUSTODIAN, amountShares: 2_500_000_000n, memo: "three_months" }],
          { expirationSeconds: 60 },
        );
      await cluster.devnet.produce();
      await cluster.wallet("nominator-1").approve("1.10.0");
      await cluster.settle();
      const incomingCount = [...cluster.ledger.contents.transfers.values()].filter(
        ({ direction }) => direction === "in",
      ).length;
      expect(incomingCount).toBe(sent.length + 2);
      await (await auditOf(cluster)).look();
      expect(contradictions(cluster)).toEqual([]);
    }));
});

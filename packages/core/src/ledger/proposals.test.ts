import { describe, expect, it } from "vitest";
import { operationId } from "@stakebts/kernel/operation-id";
import { tellLie } from "@stakebts/devnet";
import { planBlocks, readBlocks } from "../imports/import-blocks.ts";
import { CUSTODIAN, inCluster, type InProcessCluster } from "@stakebts/testkit/in-process-cluster";

const BTS = 100_000n;
const noMark = () => undefined;

/** An account pays by a proposal that another account has made, and approves it itself. */
async function payByProposal(
  cluster: InProcessCluster,
  from: string,
  amountBts: number,
  memo: string,
  { proposalId = "1.10.0", isReviewed = false } = {},
): Promise<void> {
  await cluster
    .wallet("nominator-3")
    .propose(cluster.wallet(from), [{ to: CUSTODIAN, amountShares: BigInt(amountBts) * BTS, memo }], {
      isReviewed,
      expirationSeconds: 60,
    });
  await cluster.devnet.produce();
  await cluster.wallet(from).approve(proposalId);
  await cluster.devnet.produce();
  if (!isReviewed) return;
  cluster.devnet.skipTime(120);
  await cluster.devnet.produce();
}

const incomingIn = ({ ledger }: InProcessCluster) =>
  [...ledger.contents.transfers.values()].filter(({ direction }) => direction === "in");

describe("a nomination that a proposal has paid", () => {
  it.each([
    ["at its approval", false, /^\d+:0:0\.1$/u],
    ["at its expiration, after a review", true, /^\d+:0:0$/u],
  ])("%s opens an agreement, is confirmed once and paid in full", (_when, isReviewed, name) =>
    inCluster({}, async (cluster) => {
      await payByProposal(cluster, "nominator-1", 25_000, "three_months", { isReviewed });
      await cluster.settle();
      const [transfer, ...others] = incomingIn(cluster);
      expect(others).toEqual([]);
      expect(transfer).toMatchObject({ sender: "nominator-1", outcome: "agreement_opened", txid: undefined });
      expect(operationId(transfer?.operation ?? { blockNum: 0, trxInBlock: 0, opInTrx: 0 })).toMatch(name);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await cluster.months(1);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 2_000]);
      await cluster.expectLedgerMatchesChain();
    }),
  );

  it("is in its order: a stop in a later block ends it", () =>
    inCluster({}, async (cluster) => {
      await payByProposal(cluster, "nominator-1", 25_000, "three_months");
      await cluster.send("nominator-1", 1, "stop");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 21_250]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("is returned less the fee if it asks for nothing that there is", () =>
    inCluster({}, async (cluster) => {
      await payByProposal(cluster, "nominator-1", 500, "what is this");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("has a place of its own for each transfer of the proposal", () =>
    inCluster({}, async (cluster) => {
      const pays = { to: CUSTODIAN, amountShares: 500n * BTS, memo: "what" };
      await cluster
        .wallet("nominator-3")
        .propose(cluster.wallet("nominator-1"), [pays, { ...pays, amountShares: 700n * BTS }]);
      await cluster.devnet.produce();
      await cluster.wallet("nominator-1").approve("1.10.0");
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450, 650]);
    }));

  it("is answered when the history comes late, and no earlier", () =>
    inCluster({}, async (cluster) => {
      const [node] = cluster.devnet.nodes;
      node?.faults.lie((method, result) =>
        method.startsWith("get_account_history") ? "no history" : result,
      );
      await payByProposal(cluster, "nominator-1", 25_000, "three_months");
      await cluster.settle();
      expect(incomingIn(cluster)).toEqual([]);
      node?.faults.lie(null);
      await cluster.settle(24);
      expect(incomingIn(cluster)).toMatchObject([{ outcome: "agreement_opened" }]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
    }));
});

describe("a nomination that a proposal has paid in blocks that were jumped over", () => {
  const jumpOver = async (cluster: InProcessCluster): Promise<number> => {
    await cluster.settle();
    const from = ((await cluster.ledger.cursor.read())?.blockNum ?? 0) + 1;
    await payByProposal(cluster, "nominator-1", 25_000, "three_months");
    await cluster.devnet.produce(12);
    await cluster.startFrom("current");
    await cluster.settle();
    expect(incomingIn(cluster)).toEqual([]);
    return from;
  };

  it("is answered when they are read again, once however often", () =>
    inCluster({}, async (cluster) => {
      const from = await jumpOver(cluster);
      for (let time = 0; time < 2; time++) {
        await cluster.startFrom(from);
        await cluster.settle();
        expect(incomingIn(cluster)).toMatchObject([{ outcome: "agreement_opened" }]);
      }
      cluster.devnet.skipTime(3_600); // The recovery hold of the jump ends.
      await cluster.settle(20);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("is in the plan of a command that reads them again, and is added by it", () =>
    inCluster({}, async (cluster) => {
      const from = await jumpOver(cluster);
      const ranges = [{ from, to: from + 6 }];
      const deps = { ...cluster.readDeps(), policy: cluster.policy };
      const plan = await planBlocks(deps, ranges, noMark, () => undefined);
      expect(plan).toMatchObject([{ account: "nominator-1", outcome: "agreement_opened" }]);
      await cluster.ledger.transaction((tx) =>
        tx.control.addFreeze({ source: "operator", level: "pay-nothing", reason: "a replay" }),
      );
      const action = { id: "replay", actor: "operator", reason: "jumped over" };
      const read = await readBlocks(
        deps,
        { kind: "replay", ranges, mark: noMark, action, finished: new Set() },
        () => undefined,
      );
      expect(read.transfersAdded).toBe(1);
      expect(incomingIn(cluster)).toMatchObject([{ outcome: "agreement_opened" }]);
    }));

  it("is an alarm where no node has that history any more", () =>
    inCluster({}, async (cluster) => {
      const from = await jumpOver(cluster);
      cluster.devnet.nodes[0]?.faults.lie((method, result) =>
        method.startsWith("get_account_history") ? "no history" : result,
      );
      await cluster.startFrom(from);
      await cluster.settle();
      expect(cluster.ledger.contents.receipts).toContainEqual(
        expect.objectContaining({ event: "history.gap" }),
      );
    }));
});

describe("what the custodian pays by a proposal", () => {
  it("is in the ledger, and settles no debt that it does not name", () =>
    inCluster({}, async (cluster) => {
      const refund = await cluster.refundDue();
      await cluster
        .wallet("nominator-3")
        .propose(cluster.wallet(CUSTODIAN), [
          { to: "nominator-1", amountShares: 450n * BTS, memo: "by hand" },
        ]);
      await cluster.devnet.produce();
      await cluster.wallet(CUSTODIAN).approve("1.10.0");
      await cluster.produceUntilFinal();
      await cluster.ingest();
      const { transfers, settlements } = cluster.ledger.contents;
      const sent = [...transfers.values()].filter(({ direction }) => direction === "out");
      expect(sent).toMatchObject([{ receiver: "nominator-1", amount: 450n * BTS, txid: undefined }]);
      expect(sent[0]?.fee).toBeGreaterThan(0n);
      expect(settlements.has(refund.id)).toBe(false);
    }));

  it("settles the debt whose key its memo bears", () =>
    inCluster({}, async (cluster) => {
      const refund = await cluster.refundDue();
      await cluster
        .wallet("nominator-3")
        .propose(cluster.wallet(CUSTODIAN), [
          { to: "nominator-1", amountShares: 450n * BTS, memo: refund.memo },
        ]);
      await cluster.devnet.produce();
      await cluster.wallet(CUSTODIAN).approve("1.10.0");
      await cluster.produceUntilFinal();
      await cluster.ingest();
      await cluster.settle();
      expect(cluster.ledger.contents.payouts.get(refund.id)?.status).toBe("confirmed");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]); // No block holds it, and it is paid once.
    }));
});

describe("a ledger with what proposals have paid", () => {
  it("is the same when it is rebuilt from the chain, and a comparison finds no difference", () =>
    inCluster({}, async (cluster) => {
      await payByProposal(cluster, "nominator-1", 25_000, "three_months");
      await cluster.send("nominator-2", 500, "what");
      await cluster.settle();
      const before = new Set(cluster.ledger.contents.payouts.keys());
      expect((await cluster.compare()).differences).toEqual([]);
      await cluster.rebuild();
      expect(new Set(cluster.ledger.contents.payouts.keys())).toEqual(before);
      await cluster.settle();
      await cluster.expectLedgerMatchesChain();
    }));

  it("says of what nodes have removed since that they cannot tell, and finds nothing serious", () =>
    inCluster({ devnet: { maxOpsPerAccount: 6 } }, async (cluster) => {
      await payByProposal(cluster, "nominator-1", 25_000, "three_months");
      await cluster.settle();
      for (let n = 0; n < 6; n++) await cluster.send("nominator-2", 55, "what");
      await cluster.settle();
      const { differences, comparison } = await cluster.compare();
      expect(comparison.serious).toBe(0);
      expect(new Set(differences.map(({ cause }) => cause))).toEqual(new Set(["history"]));
    }));
});

describe("a history that one node invents or hides", () => {
  it.each(["invent-virtual", "hide-virtual"] as const)("%s: the majority decides", (lie) =>
    inCluster({ devnet: { nodes: 3 }, walletNode: 1 }, async (cluster) => {
      const [custodian, stranger] = await cluster.chain.accounts([CUSTODIAN, "nominator-2"]);
      const [liar] = cluster.devnet.nodes;
      if (liar === undefined || custodian === undefined || stranger === undefined) throw new Error("missing");
      tellLie(liar.faults, lie, { victim: custodian.id, attacker: stranger.id });
      await payByProposal(cluster, "nominator-1", 25_000, "three_months");
      await cluster.settle();
      expect(incomingIn(cluster)).toMatchObject([{ sender: "nominator-1", outcome: "agreement_opened" }]);
      await cluster.expectLedgerMatchesChain();
    }),
  );
});

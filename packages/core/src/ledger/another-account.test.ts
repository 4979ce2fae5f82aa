import { payPayout } from "@stakebts/testkit/one-payout";
import { createSigner } from "@stakebts/bitshares/signer";
import type { ChainAccount } from "@stakebts/bitshares/chain";
import { wifFromSeed } from "@stakebts/devnet";
import { type InProcessCluster, inCluster } from "@stakebts/testkit/in-process-cluster";
import { describe, expect, it } from "vitest";
import { toShares } from "@stakebts/kernel/amount";
import { HotWallet } from "../payments/hot-wallet.ts";
import { bindLedger } from "./bind-ledger.ts";
import { CauseReader } from "./cause-reader.ts";
import type { Ledger } from "./ledger.ts";

async function refundDue(cluster: InProcessCluster) {
  await cluster.send("nominator-1", 500, "what is this");
  await cluster.devnet.produceUntilFinal(8);
  await cluster.ingest();
  await cluster.applyEvents();
  const [payout] = cluster.ledger.contents.payouts.values();
  if (payout === undefined) throw new Error("nothing is owed");
  return payout;
}

/** A payer with the keys of another account, on this ledger. */
async function strangersPayer(cluster: InProcessCluster) {
  const payer = await cluster.newPayer();
  const [custodian] = await cluster.chain.accounts(["nominator-2"]);
  const signer = createSigner({ wif: wifFromSeed("nominator-2-active"), chainId: cluster.chainId });
  const wallet = new HotWallet({
    chain: cluster.chain,
    account: (custodian as ChainAccount).id,
    clock: cluster.clock,
    minimumBalance: toShares(cluster.policy.minimumBalance),
    maxAgeMs: 0,
  });
  return { ...payer, custodian: custodian as ChainAccount, signer, wallet };
}

describe("a ledger", () => {
  it("is of the account that it was started with first, and says to every other one which two they are", () =>
    inCluster({}, async (cluster) => {
      const [stranger] = (await cluster.chain.accounts(["nominator-2"])) as [ChainAccount];
      const { control } = cluster.ledger;
      const { chainId, custodian } = cluster;
      await bindLedger(control, { account: custodian, chainId });
      await bindLedger(control, { account: custodian, chainId });
      await expect(bindLedger(control, { account: stranger, chainId })).rejects.toThrow(
        `this ledger is of custodian (${custodian.id}) on the chain ${chainId}, and the settings name nominator-2 (${stranger.id}) on the chain ${chainId}`,
      );
      await expect(bindLedger(control, { account: custodian, chainId: "ff" })).rejects.toThrow(
        "on the chain ff",
      );
    }));

  it("gives no payer of another account anything to sign: it stops", () =>
    inCluster({}, async (cluster) => {
      const { custodian: account, chainId } = cluster;
      await bindLedger(cluster.ledger.control, { account, chainId });
      const { id } = await refundDue(cluster);
      await expect(payPayout(await strangersPayer(cluster), id)).rejects.toThrow("of another account");
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
    }));

  it("stops an ingester that finds the ledger of another account in the place of its own", () =>
    inCluster({}, async (cluster) => {
      await cluster.ledger.control.bind({
        chainId: cluster.chainId,
        custodianId: "1.2.9999",
        custodianName: "other",
      });
      await cluster.devnet.produce(3);
      await expect(cluster.ingest()).rejects.toThrow("this ledger is of other (1.2.9999)");
    }));

  it("takes a transaction that is in a block for alive, no matter whose money it moves, and stops payments", () =>
    inCluster({}, async (cluster) => {
      const { custodian, chainId } = cluster;
      const { id, key } = await refundDue(cluster);
      const payer = await strangersPayer(cluster);
      // As if nothing had refused it: a payer that says that it is of the right account.
      const ledger: Ledger = {
        ...payer.ledger,
        withdrawals: {
          ...payer.ledger.withdrawals,
          save: (withdrawals) =>
            payer.ledger.withdrawals.save(
              withdrawals.map((withdrawal) => ({
                ...withdrawal,
                account: { chainId, custodianId: custodian.id, custodianName: custodian.name },
              })),
            ),
        },
      };
      await payPayout({ ...payer, ledger }, id);
      await cluster.settle();
      cluster.devnet.skipTime(cluster.policy.expirationMs / 1000 + 60);
      await cluster.settle(8);
      const { withdrawals, payouts, receipts } = cluster.ledger.contents;
      expect([...withdrawals.values()].map(({ status }) => status)).toEqual(["confirmed"]);
      expect(payouts.get(id)?.status).toBe("sent");
      const found = receipts.find(({ event }) => event === "ledger.contradicted");
      expect(found?.details["reason"]).toContain(`signed for payout ${key}, and is in block`);
      expect((await cluster.ledger.control.read()).payments).toMatchObject({ on: false });
      // A payer that looks by itself, because the ledger may say something else, sees the same.
      const { irreversibleBlockNum } = await cluster.chain.head();
      const attempts = [...withdrawals.values()].map(({ txid, refBlockNum, expirationMs }) => ({
        txid,
        refBlockNum,
        expirationMs,
      }));
      const causes = new CauseReader({
        chain: cluster.chain,
        custodian,
        passedBlocks: cluster.ledger.passedBlocks,
        recordedTransfers: cluster.ledger.recordedTransfers,
      });
      for (const attempt of attempts)
        expect(await causes.whyNotDead(attempt, irreversibleBlockNum)).toMatchObject({ isInBlock: true });
      expect(attempts).toHaveLength(1);
    }));
});

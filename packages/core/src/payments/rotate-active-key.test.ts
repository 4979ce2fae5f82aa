import { publicKeyFromWif } from "@stakebts/bitshares/keys";
import { wifFromSeed } from "@stakebts/devnet";
import { CUSTODIAN, type InProcessCluster, inCluster } from "@stakebts/testkit/in-process-cluster";
import { describe, expect, it } from "vitest";

const NEW = wifFromSeed("active key of tomorrow");
const MINUTE_MS = 60_000;

async function rotate(cluster: InProcessCluster, wif = NEW): Promise<void> {
  await cluster.wallet(CUSTODIAN).updateKeys({ activeKey: publicKeyFromWif(wif) });
  await cluster.devnet.produce();
}

const events = ({ ledger }: InProcessCluster, event: string) =>
  ledger.contents.receipts.filter((receipt) => receipt.event === event);
const payoutsOf = ({ ledger }: InProcessCluster) => [...ledger.contents.payouts.values()];

/** Half an hour of the host's clock and of the chain's. */
async function halfAnHour(cluster: InProcessCluster): Promise<void> {
  for (let round = 0; round < 6; round++) {
    cluster.devnet.skipTime(300);
    cluster.clock.advance(5 * MINUTE_MS);
    await cluster.settle(6);
  }
}

async function nominate(cluster: InProcessCluster): Promise<void> {
  for (const name of ["nominator-1", "nominator-2", "nominator-3"]) await cluster.send(name, 500, "nonsense");
}

describe("the custodian's active key", () => {
  it("may be changed on the chain first: nothing is signed, no attempt is burnt, and it goes on with the new one", () =>
    inCluster({}, async (cluster) => {
      await rotate(cluster);
      await nominate(cluster);
      await halfAnHour(cluster);
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
      expect(payoutsOf(cluster).map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
      expect(events(cluster, "payer.key_not_in_authority")).toHaveLength(1);
      cluster.activeWif = NEW;
      cluster.restart();
      await cluster.settle();
      expect(payoutsOf(cluster).map(({ status }) => status)).toEqual(["confirmed", "confirmed", "confirmed"]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("may be given to the payer first: it waits for the chain, and needs no new start", () =>
    inCluster({}, async (cluster) => {
      cluster.activeWif = NEW;
      cluster.restart();
      await nominate(cluster);
      await cluster.settle();
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
      await rotate(cluster);
      await cluster.settle();
      expect(payoutsOf(cluster).map(({ status }) => status)).toEqual(["confirmed", "confirmed", "confirmed"]);
      expect(events(cluster, "payer.key_not_in_authority")).toHaveLength(1);
      expect(events(cluster, "payer.resumed")).toHaveLength(1);
    }));

  it("burns nothing of what was signed and not yet in a block when it was changed", () =>
    inCluster({}, async (cluster) => {
      await nominate(cluster);
      await cluster.produceUntilFinal();
      // Sent, and lost on the way; then the key is another.
      cluster.devnet.nodes[0]?.faults.swallowBroadcasts(3);
      await cluster.work();
      await rotate(cluster);
      for (let i = 0; i < 6; i++) await halfAnHour(cluster);
      const before = payoutsOf(cluster).map((p) => p.attempts - p.uncountedAttempts);
      expect(before).toEqual([0, 0, 0]);
      expect(events(cluster, "payout.failed")).toEqual([]);
      cluster.activeWif = NEW;
      cluster.restart();
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      expect(payoutsOf(cluster).map(({ status }) => status)).toEqual(["confirmed", "confirmed", "confirmed"]);
      await cluster.expectLedgerMatchesChain();
    }));
});

describe("while the nodes refuse everything", () => {
  it.each([
    ["an assertion that no one has heard of", "other"],
    ["Access denied", "other"],
  ])("one payment is tried from time to time, no attempt counts, and it goes on by itself: %s", (text) =>
    inCluster({ policy: { maxAttempts: 2 } }, async (cluster) => {
      const faults = cluster.devnet.nodes[0]?.faults;
      await nominate(cluster);
      await cluster.produceUntilFinal();
      faults?.refuseBroadcasts(text);
      for (let i = 0; i < 8; i++) await halfAnHour(cluster);
      expect(events(cluster, "payout.failed")).toEqual([]);
      expect(events(cluster, "payer.paused")).toHaveLength(1);
      expect(payoutsOf(cluster).some(({ kind }) => kind === "notice")).toBe(false);
      const signed = cluster.ledger.contents.withdrawals.size;
      expect(signed).toBeGreaterThan(4);
      expect(signed).toBeLessThan(40);
      faults?.refuseBroadcasts(null);
      await halfAnHour(cluster);
      expect(payoutsOf(cluster).map(({ status }) => status)).toEqual(["confirmed", "confirmed", "confirmed"]);
      expect(events(cluster, "payer.resumed")).toHaveLength(1);
      await cluster.expectLedgerMatchesChain();
    }),
  );

  it("says once that the fee is above what the policy allows, and goes on when it is not", () =>
    inCluster({}, async (cluster) => {
      const fee = { fee: 86_869n, pricePerKbyte: 57_913n };
      await nominate(cluster);
      cluster.devnet.setTransferFee({ ...fee, fee: 86_869_000_000n });
      await halfAnHour(cluster);
      expect(cluster.ledger.contents.withdrawals.size).toBe(0);
      expect(events(cluster, "payer.paused")).toMatchObject([{ subject: "max_network_fee" }]);
      cluster.devnet.setTransferFee(fee);
      await halfAnHour(cluster);
      expect(payoutsOf(cluster).map(({ status }) => status)).toEqual(["confirmed", "confirmed", "confirmed"]);
      expect(events(cluster, "payer.resumed")).toHaveLength(1);
    }));
});

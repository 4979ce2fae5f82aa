import { createChainClient } from "@stakebts/bitshares/chain-client";
import { publicKeyFromWif } from "@stakebts/bitshares/keys";
import { wifFromSeed } from "@stakebts/devnet";
import { operationId } from "@stakebts/kernel/operation-id";
import { CUSTODIAN, type InProcessCluster, inCluster } from "@stakebts/testkit/in-process-cluster";
import { describe, expect, it } from "vitest";
import { loseMemoKey } from "../operators/lose-memo-key.ts";
import { examineTransfer, recordTransfer } from "../operators/record-transfer.ts";
import { MemoKeyWatch } from "./watch-memo-key.ts";

const OLD = wifFromSeed(`${CUSTODIAN}-memo`);
const NEW = wifFromSeed("memo key of tomorrow");
const STRANGER = publicKeyFromWif(wifFromSeed("a stranger's memo key"));

/** On the chain. Wallets that know the old key go on with it until they forget it. */
async function rotate(cluster: InProcessCluster, wif = NEW): Promise<void> {
  await cluster.wallet(CUSTODIAN).updateKeys({ memoKey: publicKeyFromWif(wif) });
  await cluster.devnet.produce();
}

/** From a wallet that asks the chain which key to write with. */
async function send(cluster: InProcessCluster, from: string, bts: number, memo: string): Promise<void> {
  cluster.wallet(from).forgetAccounts();
  await cluster.send(from, bts, memo);
}

/** A wallet that goes on with the memo key that the custodian has now, for as long as it runs. */
async function remember(cluster: InProcessCluster, ...names: string[]): Promise<void> {
  for (const name of names)
    await cluster.wallet(name).sign({ to: CUSTODIAN, amountShares: 1n, memo: "not sent" });
}

/** New processes with these memo keys, the present one first. */
function configure(cluster: InProcessCluster, ...wifs: string[]): void {
  cluster.memoWifs = wifs;
  cluster.restart();
}

const outcomes = ({ ledger }: InProcessCluster) =>
  [...ledger.contents.transfers.values()]
    .filter(({ direction }) => direction === "in")
    .map(({ sender, isUnread, outcome }) => `${sender}: ${isUnread === true ? "unread" : outcome}`);

const alarms = ({ ledger }: InProcessCluster) =>
  ledger.contents.receipts
    .filter(({ event }) => event === "memo_key.not_configured")
    .map(({ subject }) => subject);

const junkFor = (to: string) => ({
  memoRaw: { from: STRANGER, to, nonce: "7", message: "ab".repeat(32) },
});

describe("the custodian's memo key", () => {
  it("may be changed on the chain first: nominations for it wait, and are answered when it is configured", () =>
    inCluster({}, async (cluster) => {
      await remember(cluster, "nominator-2");
      await rotate(cluster);
      await send(cluster, "nominator-1", 100_000, "three_months");
      // One whose wallet still has the old key is not held up.
      await cluster.send("nominator-2", 50_000, "six_months");
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: unread", "nominator-2: agreement_opened"]);
      expect(alarms(cluster)).toEqual([publicKeyFromWif(NEW)]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1]);

      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: agreement_opened", "nominator-2: agreement_opened"]);
      const agreement = [...cluster.ledger.contents.agreements.values()].find(
        ({ nominator }) => nominator === "nominator-1",
      );
      const [transfer] = cluster.ledger.contents.transfers.values();
      expect(agreement?.startMs).toBe(transfer?.blockTimeMs);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("may be configured first: nothing waits, whichever of the two a wallet writes for", () =>
    inCluster({}, async (cluster) => {
      await remember(cluster, "nominator-3");
      configure(cluster, NEW, OLD);
      await send(cluster, "nominator-1", 50_000, "three_months");
      await cluster.settle();
      await rotate(cluster);
      await send(cluster, "nominator-2", 50_000, "three_months");
      await cluster.send("nominator-3", 50_000, "six_months");
      await cluster.settle();
      await cluster.months(1);
      await cluster.send("nominator-1", 1, "stop"); // its wallet has the old key
      await cluster.settle();
      expect(outcomes(cluster)).toEqual([
        "nominator-1: agreement_opened",
        "nominator-2: agreement_opened",
        "nominator-3: agreement_opened",
        "nominator-1: stopped",
      ]);
      expect(alarms(cluster)).toEqual([]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 4_000, 42_500]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("may be taken out too early: what is for it waits, and nothing is charged", () =>
    inCluster({}, async (cluster) => {
      await cluster.settle(2);
      await remember(cluster, "nominator-1");
      configure(cluster, NEW, OLD);
      await rotate(cluster);
      await cluster.settle(4);
      configure(cluster, NEW);
      await cluster.send("nominator-1", 50_000, "three_months");
      await send(cluster, "nominator-2", 50_000, "three_months");
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: unread", "nominator-2: agreement_opened"]);
      expect(alarms(cluster)).toEqual([publicKeyFromWif(OLD)]);
      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: agreement_opened", "nominator-2: agreement_opened"]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("keeps what falls due to a nominator who may have stopped, and his later stops, in the chain's order", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 50_000, "three_months");
      await cluster.send("nominator-2", 50_000, "three_months");
      await cluster.settle();
      await rotate(cluster);
      await send(cluster, "nominator-1", 1, "stop");
      await cluster.months(1);
      await cluster.settle();
      // Of the other one the reward is paid.
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 4_000]);
      configure(cluster, NEW, OLD);
      await cluster.settle();
      // He stopped before the month was over: no reward, and the penalty.
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 42_500]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("may be missing for what a person has recorded: it is read when the key is there, once, also when a node tells of it later", () =>
    inCluster({}, async (cluster) => {
      const { devnet } = cluster;
      for (const { faults } of devnet.nodes)
        faults.lie((method, result) => (method.startsWith("get_account_history") ? "no history" : result));
      await cluster.settle();
      await rotate(cluster);
      const made = { to: CUSTODIAN, amountShares: 2_500_000_000n, memo: "three_months" };
      await cluster.wallet("nominator-3").propose(cluster.wallet("nominator-1"), [made]);
      await devnet.produce();
      const chain = createChainClient({ nodes: devnet.urls, headFreshnessMs: 0 });
      const proposedAt = (await chain.head()).headBlockNum;
      await cluster.wallet("nominator-1").approve("1.10.0");
      await devnet.produce();
      await cluster.settle();

      const at = (blockNum: number) => ({ blockNum, trxInBlock: 0, opInTrx: 0 });
      const request = { proposal: at(proposedAt), executed: at(proposedAt + 1) };
      const deps = { ...cluster.readDeps(), chain };
      const examined = await examineTransfer(deps, request);
      if (examined.result === "refused") throw new Error(examined.message);
      const action = { id: "1", actor: "ann", reason: "nodes have no history" };
      await recordTransfer(deps, { examined, request, action });
      await chain.close();
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: unread"]);

      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: agreement_opened"]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
      for (const { faults } of devnet.nodes) faults.lie(null);
      await cluster.settle(24);
      expect(outcomes(cluster)).toEqual(["nominator-1: agreement_opened"]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("may be lost for good: when two people say so, what waits for it goes back, and what was agreed is paid", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-2", 50_000, "three_months");
      await cluster.settle();
      await rotate(cluster);
      await cluster.send("nominator-1", 50_000, "three_months"); // its wallet has the old key
      configure(cluster, NEW);
      await cluster.send("nominator-2", 1, "stop");
      await cluster.months(1);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual([
        "nominator-2: agreement_opened",
        "nominator-1: agreement_opened",
        "nominator-2: unread",
      ]);
      const { ledger } = cluster;
      const { chain, custodian } = cluster.readDeps();
      const lose = (publicKey: string, agreedBy: string) =>
        loseMemoKey(
          { ledger, chain, custodian },
          { publicKey, agreedBy, action: { id: "1", actor: "ann", reason: "the safe has burnt" } },
        );
      expect(await lose(publicKeyFromWif(OLD), "Ann")).toMatchObject({ result: "refused" });
      expect(await lose(publicKeyFromWif(NEW), "bob")).toMatchObject({ result: "refused" });
      expect(await lose(STRANGER, "bob")).toMatchObject({ result: "refused" });
      expect(await lose(publicKeyFromWif(OLD), "bob")).toMatchObject({ result: "done" });
      expect(await lose(publicKeyFromWif(OLD), "bob")).toMatchObject({ result: "unchanged" });
      await new MemoKeyWatch(cluster.readDeps()).look();
      await cluster.settle();
      // Of so little nothing goes back. What falls due to its sender is paid again, though the payer cannot read what he agreed to.
      expect(outcomes(cluster).at(-1)).toBe("nominator-2: kept");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1, 4_000]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1, 4_000]);
      await cluster.expectLedgerMatchesChain();
    }));

  it("is not for junk: what is for a key that the account never had goes back less the fee", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 500, undefined, junkFor(STRANGER));
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: refunded"]);
      expect(alarms(cluster)).toEqual([]);
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
    }));

  it("leaves everything that cannot be read undecided while it is not ours, junk too, until it is", () =>
    inCluster({}, async (cluster) => {
      await rotate(cluster);
      await cluster.send("nominator-1", 500, undefined, junkFor(STRANGER));
      // For a key of ours, and of no key's making.
      await cluster.send("nominator-2", 500, undefined, junkFor(publicKeyFromWif(OLD)));
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: unread", "nominator-2: refunded"]);
      await rotate(cluster, OLD); // the operator takes it back
      await cluster.settle(2);
      const watch = new MemoKeyWatch(cluster.readDeps());
      expect(await watch.look()).toBe(1);
      expect(await watch.look()).toBe(0);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: refunded", "nominator-2: refunded"]);
    }));

  it("is known from the chain although it was changed twice before a process looked", () =>
    inCluster({}, async (cluster) => {
      const between = wifFromSeed("a memo key of an hour");
      await rotate(cluster, between);
      await send(cluster, "nominator-1", 50_000, "three_months");
      await rotate(cluster, NEW);
      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: unread"]);
      expect(alarms(cluster)).toEqual([publicKeyFromWif(between)]);
      configure(cluster, NEW, between, OLD);
      await cluster.settle();
      expect(outcomes(cluster)).toEqual(["nominator-1: agreement_opened"]);
    }));

  it("stops no payments when only the payer lacks it: what follows from memos for it waits", () =>
    inCluster({}, async (cluster) => {
      await remember(cluster, "nominator-2");
      await rotate(cluster);
      await send(cluster, "nominator-1", 50_000, "three_months");
      await cluster.send("nominator-2", 50_000, "three_months");
      cluster.payerMemoWifs = [OLD];
      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([]);
      expect(await cluster.arrivedAt("nominator-2")).toEqual([1]);
      expect((await cluster.ledger.control.read()).payments.on).toBe(true);
      expect(alarms(cluster)).toEqual([publicKeyFromWif(NEW)]);
      cluster.payerMemoWifs = undefined;
      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([1]);
    }));

  it("comes to the same when the ledger is rebuilt, and a comparison finds no difference while something waits", () =>
    inCluster({}, async (cluster) => {
      await cluster.send("nominator-1", 50_000, "three_months");
      await cluster.settle();
      await rotate(cluster);
      await send(cluster, "nominator-2", 50_000, "three_months");
      await cluster.send("nominator-3", 500, undefined, junkFor(STRANGER));
      await cluster.settle();
      expect((await cluster.compare()).differences).toEqual([]);
      configure(cluster, NEW, OLD);
      await cluster.settle();
      expect((await cluster.compare()).differences).toEqual([]);
      const before = outcomes(cluster);
      const payouts = [...cluster.ledger.contents.payouts.values()].map(
        ({ key, status }) => `${key} ${status}`,
      );
      await cluster.rebuild();
      expect(outcomes(cluster)).toEqual(before);
      expect(
        [...cluster.ledger.contents.payouts.values()].map(({ key, status }) => `${key} ${status}`),
      ).toEqual(payouts);
    }));

  it("stops payments when a payment is found whose memo cannot be read and that the ledger does not know", () =>
    inCluster({}, async (cluster) => {
      const refund = await cluster.refundDue();
      const backup = cluster.ledger.backup();
      configure(cluster, NEW, OLD);
      await rotate(cluster);
      await cluster.settle();
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      // An older copy comes back, and an ingester without the key that the payment was written with.
      cluster.ledger.rewind(backup);
      configure(cluster, OLD);
      await cluster.settle(3);
      const found = cluster.ledger.contents.receipts.find(({ event }) => event === "ledger.contradicted");
      expect(found?.details["reason"]).toContain("STAKEBTS_MEMO_KEY");
      expect((await cluster.ledger.control.read()).payments.on).toBe(false);
      configure(cluster, NEW, OLD);
      await cluster.settle(3);
      expect(cluster.ledger.contents.payouts.get(refund.id)?.status).toBe("confirmed");
      expect(await cluster.arrivedAt("nominator-1")).toEqual([450]);
      expect(cluster.ledger.contents.receipts.filter(({ event }) => event === "transfer.read")).toMatchObject(
        [{ subject: operationId([...cluster.ledger.contents.settlements.values()][0]?.by as never) }],
      );
    }));
});

import { bts } from "@stakebts/kernel/amount";
import { topUpKey, type TopUpStatus } from "@stakebts/core/rules/top-up";
import { millis } from "@stakebts/kernel/time";
import { payoutKey } from "@stakebts/core/rules/payout";
import { operation, outgoing } from "@stakebts/testkit/given";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { accountFromSeeds, DevnetWallet, startExchange } from "@stakebts/devnet";
import { describe, expect } from "vitest";
import type { PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { test } from "./cli-test.ts";
import { topUpReference } from "@stakebts/core/operators/give-up-top-up";

/** A top-up from account 1 that has come this far. */
async function givenTopUp(cluster: PostgresCluster, ...statuses: TopUpStatus[]): Promise<void> {
  const key = topUpKey.shortage(1, 1);
  const id = topUpReference(key);
  await cluster.ledger.transaction(async (tx) => {
    await tx.topUps.insert({
      key,
      id,
      kind: "shortage",
      source: 1,
      amount: bts(1_000n),
      memo: `top-up:${id}`,
      requestedMs: millis(1_700_000_000_000),
    });
    let from: TopUpStatus = "requested";
    for (const to of statuses) {
      await tx.topUps.move(id, [from], to, { isAsking: to === "asked", reason: "no list shows it" });
      from = to;
    }
  });
}

describe("stakebts top-ups", () => {
  test("lists what was asked for, and says so when nothing was", async ({ cluster, stakebts }) => {
    expect(await stakebts("top-ups")).toMatchObject({ code: 0, out: "no funds were asked for\n" });
    await givenTopUp(cluster, "asked");
    const { out } = await stakebts("top-ups", "list");
    expect(out).toMatch(/top-up:1:1 +exchange account 1 +1,000 +asked/u);
    const { topUps } = await stakebts.json<{ topUps: { key: string; amount: string }[] }>("top-ups", "list");
    expect(topUps).toMatchObject([{ key: "top-up:1:1", amount: "1000", status: "asked", asks: 1 }]);
    expect((await stakebts("top-ups", "show", "top-up:1:1")).out).toMatch(/asked +1 time\(s\)/u);
  });

  test("gives up what a person knows will never come, and nothing that may still be taken", async ({
    cluster,
    stakebts,
  }) => {
    const giveUp = () => stakebts("top-ups", "give-up", "top-up:1:1", "--reason", "support never saw it");
    expect(await giveUp()).toMatchObject({ code: 1, out: expect.stringContaining("no such request") });
    await givenTopUp(cluster, "asked");
    expect(await giveUp()).toMatchObject({ code: 1, out: expect.stringContaining("still asking") });
    await cluster.ledger.transaction((tx) =>
      tx.topUps.move(topUpReference("top-up:1:1"), ["asked"], "unresolved", { reason: "no list shows it" }),
    );
    expect((await stakebts("doctor")).out).toMatch(/problem +top-ups +top-up:1:1: it is not known/u);
    expect(await giveUp()).toMatchObject({ code: 0, out: expect.stringContaining("unresolved → cancelled") });
    expect(await giveUp()).toMatchObject({ code: 0, out: expect.stringContaining("is cancelled already") });
    const receipts = await stakebts("receipts", "--event", "top_up.given_up");
    expect(receipts.out).toContain("support never saw it");
  });

  test("is told how to be used when it is used wrongly", async ({ stakebts }) => {
    expect(await stakebts("top-ups", "list", "--status", "lost")).toMatchObject({ code: 2 });
    expect(await stakebts("top-ups", "show")).toMatchObject({ code: 2 });
    expect(await stakebts("top-ups", "give-up", "top-up:1:1")).toMatchObject({ code: 2 });
    expect(await stakebts("top-ups", "show", "top-up:9:9")).toMatchObject({ code: 1 });
  });
});

describe("stakebts balances and doctor", () => {
  test("count the purses that the payer has reported", async ({ cluster, stakebts }) => {
    await cluster.digest();
    const before = await stakebts.json<{ purses: unknown[]; totalShares: string }>("balances");
    expect(before).toMatchObject({ purses: [], totalShares: "10000000000" });
    await cluster.ledger.transaction((tx) =>
      tx.receipts.add([
        {
          event: "treasury.balances",
          subject: "custodian",
          details: { exchange1Shares: "5000000000", exchange2Problem: "throttled: later", totalShares: "1" },
        },
      ]),
    );
    const { out } = await stakebts("balances");
    expect(out).toMatch(/exchange account 1 +50,000 BTS/u);
    expect(out).toMatch(/exchange account 2 +– +throttled: later/u);
    expect(out).toMatch(/together +150,000 BTS/u);
  });

  test("ask the exchange accounts whose keys are in the environment", async ({ cluster, stakebts }) => {
    await cluster.digest();
    const exchange = await startExchange({
      nodeUrl: cluster.devnet.urls[0] as string,
      hotAccount: accountFromSeeds("nominator-1", { balanceBts: 0n }),
      accounts: [{ key: "k", secret: "s", depositMemo: "m", balanceShares: 70_000_000n }],
    });
    const settings = { STAKEBTS_EXCHANGE_URL: exchange.url, STAKEBTS_EXCHANGE_1_KEY: "k" };
    const right = await stakebts.with({ ...settings, STAKEBTS_EXCHANGE_1_SECRET: "s" })("doctor");
    expect(right.out).toMatch(/ok +exchange 1 +can send 695 BTS/u);
    const wrong = await stakebts.with({ ...settings, STAKEBTS_EXCHANGE_1_SECRET: "x" })("doctor");
    expect(wrong.out).toMatch(/problem +exchange 1 +credentials/u);
    const half = await stakebts.with(settings)("doctor");
    expect(half.out).toContain("STAKEBTS_EXCHANGE_1_SECRET is not set: expected together with");
    await exchange.stop();
    expect(right.out).toMatch(/ok +clock/u);
  });

  test("look at the permission to draw from the reserve account", async ({ cluster, stakebts }) => {
    await cluster.digest();
    const [url = ""] = cluster.devnet.urls;
    const wallet = new DevnetWallet({ url, ...accountFromSeeds("nominator-1", { balanceBts: 0n }) });
    const doctor = async (permissionId: string, account = "nominator-1") => {
      const settings = { STAKEBTS_RESERVE_ACCOUNT: account, STAKEBTS_RESERVE_PERMISSION: permissionId };
      return (await stakebts.with(settings)("doctor")).out;
    };
    expect(await doctor("1.12.0")).toMatch(/problem +reserve +there is no withdraw permission 1\.12\.0/u);
    for (const to of ["custodian", "nominator-2"]) {
      await wallet.createPermission({ to, limitShares: 5_000_000n, periodSeconds: 86_400, periods: 10 });
      await cluster.devnet.produce();
    }
    expect(await doctor("1.12.0")).toMatch(/ok +reserve +nominator-1, 1\.12\.0: up to 50/u);
    expect(await doctor("1.12.1")).toMatch(/problem +reserve +1\.12\.1 lets 1\.2\.\d+ draw, not custodian/u);
    expect(await doctor("1.12.0", "nominator-2")).toMatch(
      /problem +reserve +1\.12\.0 is a permission to draw/u,
    );
    expect(await doctor("1.2.0")).toContain("expected the id of a withdraw permission, for example 1.12.7");
    wallet.close();
  });

  test("name payments of debts that a restored ledger does not have", async ({ cluster, stakebts }) => {
    await cluster.digest();
    expect((await stakebts("doctor")).out).not.toContain("unmatched payments");
    const payoutKeyOfStop = payoutKey.stop(operation(7));
    await cluster.ledger.transaction((tx) =>
      tx.transfers.insert([outgoing({ operation: operation(9), payoutKey: payoutKeyOfStop })]),
    );
    const { out, code } = await stakebts("doctor");
    expect(out).toMatch(
      /problem +unmatched payments +payments on the chain name debts.*stop:7:0:0 to nominator-1 \(transfer 9:0:0\)/u,
    );
    expect(code).toBe(1);
  });

  test("say that an exchange is away", async ({ cluster, stakebts }) => {
    await cluster.digest();
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
    const settings = { STAKEBTS_EXCHANGE_1_KEY: "k", STAKEBTS_EXCHANGE_1_SECRET: "s" };
    const { out } = await stakebts.with({ ...settings, STAKEBTS_EXCHANGE_URL: url })("doctor");
    expect(out).toMatch(/problem +exchange 1 +(?:disconnected|unreachable)/u);
    server.close();
  });
});

import { describe, expect, it } from "vitest";
import { accountFromSeeds, wifFromSeed } from "./default-accounts.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { DevnetWallet } from "./wallet.ts";

const BTS = 100_000n;

async function onDevnet(
  run: (devnet: Devnet, wallet: (name: string) => DevnetWallet) => Promise<void>,
): Promise<void> {
  const names = ["board", "clerk", "shop"];
  const devnet = await startDevnet({
    accounts: names.map((name) => accountFromSeeds(name, { balanceBts: 1_000n })),
    blockIntervalMs: "manual",
  });
  const wallets = names.map(
    (name) =>
      new DevnetWallet({
        url: devnet.urls[0] as string,
        name,
        activeKey: wifFromSeed(`${name}-active`),
        memoKey: wifFromSeed(`${name}-memo`),
      }),
  );
  try {
    await devnet.produce(3);
    await run(devnet, (name) => wallets[names.indexOf(name)] as DevnetWallet);
  } finally {
    for (const wallet of wallets) wallet.close();
    await devnet.stop();
  }
}

const historyOf = async (wallet: DevnetWallet) =>
  (await wallet.call("history", "get_account_history", [
    ((await wallet.call(0, "get_accounts", [[wallet.name], false])) as unknown as { id: string }[])[0]?.id,
    "1.11.0",
    100,
    "1.11.0",
  ])) as unknown as Record<string, unknown>[];

describe("a proposal", () => {
  it("is carried out by the approval, at its place and with numbers of its own, and stands in no transaction", () =>
    onDevnet(async (devnet, wallet) => {
      const pays = { to: "shop", amountShares: 5n * BTS };
      await wallet("clerk").propose(wallet("board"), [pays, { ...pays, amountShares: 7n * BTS }]);
      await devnet.produce();
      const before = await wallet("shop").balanceShares();
      await wallet("board").approve("1.10.0");
      await devnet.produce();
      expect((await wallet("shop").balanceShares()) - before).toBe(12n * BTS);
      const [second, first] = await historyOf(wallet("shop"));
      const head = (await wallet("shop").call(0, "get_dynamic_global_properties", [])) as {
        head_block_number: number;
      };
      const place = { block_num: head.head_block_number, trx_in_block: 0, op_in_trx: 0 };
      expect(first).toMatchObject({ ...place, virtual_op: 1 });
      expect(second).toMatchObject({ ...place, virtual_op: 2 });
      const block = (await wallet("shop").call(0, "get_block", [head.head_block_number])) as {
        transactions: { operations: [number, unknown][] }[];
      };
      expect(block.transactions.flatMap(({ operations }) => operations.map(([tag]) => tag))).toEqual([23]);
    }));

  it("with a review is carried out when it expires, after all transactions of that block", () =>
    onDevnet(async (devnet, wallet) => {
      await wallet("clerk").propose(wallet("board"), [{ to: "shop", amountShares: 5n * BTS }], {
        expirationSeconds: 12,
        isReviewed: true,
      });
      await devnet.produce();
      await wallet("board").approve("1.10.0");
      await devnet.produce();
      const before = await wallet("shop").balanceShares();
      await wallet("clerk").transfer({ to: "board", amountShares: 1n });
      devnet.skipTime(60);
      await devnet.produce();
      expect((await wallet("shop").balanceShares()) - before).toBe(5n * BTS);
      expect((await historyOf(wallet("shop")))[0]).toMatchObject({
        trx_in_block: 1,
        op_in_trx: 0,
        virtual_op: 0,
      });
    }));

  it("that cannot be paid, or that no account approves, changes nothing", () =>
    onDevnet(async (devnet, wallet) => {
      await wallet("clerk").propose(wallet("board"), [{ to: "shop", amountShares: 5n * BTS }], {
        expirationSeconds: 30,
      });
      await wallet("clerk").propose(wallet("board"), [{ to: "shop", amountShares: 5_000n * BTS }]);
      await devnet.produce();
      await wallet("board").approve("1.10.1");
      await devnet.produce();
      devnet.skipTime(60);
      await devnet.produce();
      expect(await wallet("shop").balanceShares()).toBe(1_000n * BTS);
      expect(await historyOf(wallet("shop"))).toEqual([]);
    }));
});

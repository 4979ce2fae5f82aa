import { DevnetWallet, wifFromSeed } from "@stakebts/devnet";
import { expect } from "vitest";
import { test } from "./cli-test.ts";
import { inProcess, stakebtsWith } from "./stakebts.ts";

const RECORD = ["transfers", "record", "--reason", "no node has it", "--actor", "ann", "--yes"] as const;
const MEMO_KEY = wifFromSeed("custodian-memo");

test("what an executed proposal has paid in is read from its block, recorded once, and answered", async ({
  cluster,
}) => {
  const stakebts = stakebtsWith({ ...cluster.operatorSettings, STAKEBTS_MEMO_KEY: MEMO_KEY }, inProcess);
  const walletOf = (name: string) =>
    new DevnetWallet({
      url: cluster.devnet.urls[0] as string,
      name,
      activeKey: wifFromSeed(`${name}-active`),
      memoKey: wifFromSeed(`${name}-memo`),
    });
  const [payer, clerk] = [walletOf("nominator-1"), walletOf("nominator-2")];
  await clerk.propose(payer, [
    { to: "custodian", amountShares: 25_000n * 100_000n, memo: "six_months" },
    { to: "custodian", amountShares: 5n * 100_000n },
  ]);
  await cluster.devnet.produce();
  const madeAt = (await cluster.chain.head()).headBlockNum;
  await payer.approve("1.10.0");
  await cluster.digest();
  for (const wallet of [payer, clerk]) wallet.close();

  const record = (...more: readonly string[]) =>
    stakebts(...RECORD, "--proposal", `${madeAt}:0:0`, "--executed", `${madeAt + 1}:0:0`, ...more);
  expect((await record()).out).toContain(
    "several transfers to the custodian: say which (--operation 0 or 1)",
  );
  const shown = await record("--operation", "0", "--dry-run");
  expect(shown.out).toMatch(/25,000.* of 1\.3\.0 from nominator-1, .*it asks for open/u);
  expect((await stakebts("receipts", "--event", "transfer.recorded")).out).not.toContain(":0:0.1");
  expect(await record("--operation", "0")).toMatchObject({
    code: 0,
    out: expect.stringContaining("recorded; it is answered next") as string,
  });
  expect((await record("--operation", "0")).out).toContain("that was recorded before");
  await cluster.digest();
  const name = `${madeAt + 1}:0:0.1`;
  expect((await stakebts("stakes", "--agreement", name)).out).toContain("reward");
  expect((await stakebts("payouts", "show", `confirm:${name}`)).out).toContain("nominator-1");
  expect((await stakebts("receipts", "--event", "transfer.recorded")).out).toContain(name);
  expect(await record("--operation", "1x")).toMatchObject({ code: 2 });
});

import { accountFromSeeds, type Devnet, startDevnet, wifFromSeed } from "@stakebts/devnet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChainUnderTest, chainChecks, openChainUnderTest, runChainCheck } from "./chain.ts";

let devnet: Devnet;
let test: ChainUnderTest;

beforeAll(async () => {
  devnet = await startDevnet({
    accounts: [
      accountFromSeeds("payer", { balanceBts: 1_000n }),
      accountFromSeeds("payee", { balanceBts: 0n }),
    ],
    blockIntervalMs: 150,
  });
  await devnet.produce(10);
  test = await openChainUnderTest({
    node: devnet.urls[0] as string,
    account: "payer",
    wif: wifFromSeed("payer-active"),
    memoWif: wifFromSeed("payer-memo"),
  });
});

afterAll(async () => {
  await test.close();
  await devnet.stop();
});

describe("devnet answers as a real node", () => {
  it.each(chainChecks)("$name", async (check) => {
    const result = await runChainCheck(check, test);
    expect(result.type, JSON.stringify(result)).not.toBe("differs");
  });

  it("and the account given is looked for, not guessed", async () => {
    const options = { node: devnet.urls[0] as string, wif: wifFromSeed("payer-active") };
    await expect(openChainUnderTest({ ...options, account: "no-such-account" })).rejects.toThrow(
      "no-such-account",
    );
    await expect(openChainUnderTest({ ...options, account: "payer", to: "no-payee" })).rejects.toThrow(
      "no-payee",
    );
  });

  it("and a check that finds something else says what", async () => {
    const [node] = devnet.nodes;
    const check = chainChecks.find(({ name }) => name.startsWith("block 0"));
    if (node === undefined || check === undefined) throw new Error("neither node nor check");
    node.faults.lie((method, result) => (method === "get_block" ? 5 : result));
    expect(await runChainCheck(check, test)).toEqual({
      type: "differs",
      found: "[5,5]",
      expected: "[null,null]",
    });
    node.faults.lie(null);
  });
});

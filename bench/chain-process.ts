import { accountFromSeeds, DevnetWallet, startDevnet, wifFromSeed } from "@stakebts/devnet";

// A chain in a process of its own, so that its work is not counted as ours. Blocks: so many, every `transferEvery`-th of
// them (0: none) with one transfer to the custodian. Prints its address and what it did, and runs until it is killed.
const [blocks = "1000", transferEvery = "0"] = process.argv.slice(2);

const devnet = await startDevnet({
  accounts: [
    accountFromSeeds("custodian", { balanceBts: 10_000_000n }),
    accountFromSeeds("nominator-1", { balanceBts: 10_000_000n }),
  ],
  blockIntervalMs: "manual",
  witnesses: 3,
});
const every = Number(transferEvery);
const url = devnet.urls[0] as string;
const wallet = new DevnetWallet({
  url,
  name: "nominator-1",
  activeKey: wifFromSeed("nominator-1-active"),
  memoKey: wifFromSeed("nominator-1-memo"),
});
for (let block = 1; block <= Number(blocks); block++) {
  if (every > 0 && block % every === 0)
    await wallet.transfer({
      to: "custodian",
      amountShares: 500_000n,
      memo: "what is this",
      expirationSeconds: 3_600,
    });
  await devnet.produce();
}
wallet.close();
await devnet.produce(8);
process.stdout.write(`${JSON.stringify({ url })}\n`);

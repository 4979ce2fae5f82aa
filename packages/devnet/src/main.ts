import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { defaultAccounts, wifFromSeed } from "./default-accounts.ts";
import { type DevnetAccount, startDevnet } from "./devnet.ts";
import { isLie, LIES, tellLie } from "./lies.ts";
import { DevnetWallet } from "./wallet.ts";
import { type DevnetExchange, startExchange } from "./exchange/exchange.ts";

const HELP = `A BitShares chain on this machine, for development, tests and the demo.

npm run devnet -- [options]                   the chain
npm run devnet -- nominate [options]          one transfer on a chain that runs, as a nominator's wallet sends it

  --port <n>               port of the first node; further nodes take the next ones (8090)
  --host <address>         address to listen on (127.0.0.1)
  --nodes <n>              linked API nodes (1)
  --witnesses <n>          block producers; 7 give an irreversible block about 4 behind the head (7)
  --block-ms <n|manual>    real milliseconds between blocks; "manual": only on order (1000)
  --seconds-per-block <n>  chain seconds between blocks; 51840 runs 30 days in 50 blocks (3)
  --accounts <file.json>   accounts in place of the default ones: a list of objects with name, activeKey and,
                           if wanted, memoKey, ownerKey (WIF), balanceShares (digits), lifetimeMember
  --control-port <n>       port for orders from other processes; 0: any free one (8099)
  --exchange-port <n>      also run a Bittrex v3 exchange on this port, with three accounts (key-1/secret-1 and so on,
                           deposit memos account-1 …) that pays from bittrex-deposit; default: none
  --exchange-bts <n>       what each of its accounts holds, whole BTS (100000)
  --liar <node>:<lie>      that node lies, about the first account, from the start; may be given several times. Lies:
${Object.entries(LIES)
  .map(([name, what]) => `                             ${name.padEnd(16)} ${what}`)
  .join("\n")}
  --help

  nominate, with keys that everybody knows:
  --node <url>             where it is sent (ws://127.0.0.1:8090)
  --from <account>         who nominates (nominator-1)
  --to <account>           the custodian (bitsharesmanagement.group)
  --bts <n>                how much, whole BTS (25000)
  --memo <text>            what is asked for (three_months)

Orders: curl -d '{"node":0,"do":"freeze","args":[true]}' http://127.0.0.1:8099/control
A GET of the same address lists them. Ctrl-C stops the chain, which lives in memory alone.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: "string", default: "ws://127.0.0.1:8090" },
    from: { type: "string", default: "nominator-1" },
    to: { type: "string", default: "bitsharesmanagement.group" },
    bts: { type: "string", default: "25000" },
    memo: { type: "string", default: "three_months" },
    port: { type: "string", default: "8090" },
    host: { type: "string", default: "127.0.0.1" },
    nodes: { type: "string", default: "1" },
    witnesses: { type: "string", default: "7" },
    "block-ms": { type: "string", default: "1000" },
    "seconds-per-block": { type: "string", default: "3" },
    accounts: { type: "string" },
    "control-port": { type: "string", default: "8099" },
    "exchange-port": { type: "string" },
    "exchange-bts": { type: "string", default: "100000" },
    liar: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});

function wholeNumber(text: string, option: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`--${option} wants a whole number, not "${text}"`);
  return Number(text);
}

/** Amounts are digits in the file: JSON numbers end at 2^53, and money does not go through them. */
function readAccounts(path: string): DevnetAccount[] {
  const listed = JSON.parse(readFileSync(path, "utf8")) as (Omit<DevnetAccount, "balanceShares"> & {
    balanceShares?: string;
  })[];
  return listed.map(({ balanceShares = "0", ...account }) => ({
    ...account,
    balanceShares: BigInt(balanceShares),
  }));
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (positionals.join() === "nominate") return nominate();
  if (positionals.length > 0)
    throw new TypeError(`there is no ${positionals.join(" ")}: --help says what there is`);
  const accounts = values.accounts === undefined ? defaultAccounts() : readAccounts(values.accounts);
  const devnet = await startDevnet({
    accounts,
    host: values.host,
    port: wholeNumber(values.port, "port"),
    nodes: wholeNumber(values.nodes, "nodes"),
    witnesses: wholeNumber(values.witnesses, "witnesses"),
    blockIntervalMs: values["block-ms"] === "manual" ? "manual" : wholeNumber(values["block-ms"], "block-ms"),
    secondsPerBlock: wholeNumber(values["seconds-per-block"], "seconds-per-block"),
    controlPort: wholeNumber(values["control-port"], "control-port"),
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void devnet.stop());

  console.log(`chain id  ${devnet.chainId}`);
  for (const [index, url] of devnet.urls.entries()) console.log(`node ${index}    ${url}`);
  console.log(`control   ${devnet.controlUrl}`);
  const firstAccount = 6 + wholeNumber(values.witnesses, "witnesses");
  for (const text of values.liar) {
    const [index = "", lie = ""] = text.split(":");
    const node = devnet.nodes[wholeNumber(index, "liar")];
    if (node === undefined || !isLie(lie)) throw new TypeError(`--liar wants <node>:<lie>, not "${text}"`);
    tellLie(node.faults, lie, { victim: `1.2.${firstAccount}`, attacker: `1.2.${firstAccount + 1}` });
    console.log(`node ${index}    lies: ${LIES[lie]}`);
  }
  console.log("accounts  (keys from public seeds: for development only)");
  for (const [index, { name, activeKey, memoKey = activeKey, balanceShares = 0n }] of accounts.entries()) {
    console.log(`  1.2.${firstAccount + index} ${name}, ${balanceShares / 100_000n} BTS`);
    console.log(`    active ${activeKey}`);
    console.log(`    memo   ${memoKey}`);
  }
  const exchange = await openExchange(devnet.urls[0] as string);
  await devnet.stopped;
  await exchange?.stop();
}

/** A transfer signed with the public seeds of its sender: this chain alone has such accounts. */
async function nominate(): Promise<void> {
  const { node, from, to, bts, memo } = values;
  const wallet = new DevnetWallet({
    url: node,
    name: from,
    activeKey: wifFromSeed(`${from}-active`),
    memoKey: wifFromSeed(`${from}-memo`),
  });
  try {
    await wallet.transfer({ to, amountShares: BigInt(wholeNumber(bts, "bts")) * 100_000n, memo });
    console.log(`${from} has sent ${bts} BTS to ${to}: ${memo}`);
  } finally {
    wallet.close();
  }
}

/** Three accounts with keys that everybody can read: for development only. */
async function openExchange(nodeUrl: string): Promise<DevnetExchange | undefined> {
  const port = values["exchange-port"];
  if (port === undefined) return undefined;
  const balanceShares = BigInt(wholeNumber(values["exchange-bts"], "exchange-bts")) * 100_000n;
  const exchange = await startExchange({
    nodeUrl,
    host: values.host,
    port: wholeNumber(port, "exchange-port"),
    accounts: [1, 2, 3].map((number) => ({
      key: `key-${number}`,
      secret: `secret-${number}`,
      depositMemo: `account-${number}`,
      balanceShares,
    })),
  });
  console.log(`exchange  ${exchange.url}, accounts key-1 … key-3`);
  return exchange;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

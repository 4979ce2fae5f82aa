import { parseArgs } from "node:util";
import { nodeDisplayName } from "@stakebts/bitshares/node-address";
import {
  chainChecks,
  type CheckResult,
  openChainUnderTest,
  runChainCheck,
} from "@stakebts/testkit/conformance/chain";

const USAGE = `Asks a BitShares node everything the product asks, and prints where it answers differently.

  npm run conformance -- --node ws://host:port --account NAME --key WIF [--memo-key WIF] [--to NAME]

  --node      WebSocket address of the node
  --account   a funded account; about ten transfers of a few shares, and their fees, leave it
  --key       its active key, alone able to sign
  --memo-key  its memo key, when it is another one
  --to        who receives the shares (default: the first other account found)
  --prefix    of public keys (default BTS)
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      node: { type: "string" },
      account: { type: "string" },
      key: { type: "string" },
      "memo-key": { type: "string" },
      to: { type: "string" },
      prefix: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const { node, account, key } = values;
  if (values.help || node === undefined || account === undefined || key === undefined) return undefined;
  return { node, account, wif: key, memoWif: values["memo-key"], to: values.to, keyPrefix: values.prefix };
}

const MARK = { pass: "ok     ", differs: "DIFFERS", skipped: "skipped" } as const;
const INDENT = " ".repeat(11);

function detailsOf(result: CheckResult): string[] {
  if (result.type === "differs") return [`found    ${result.found}`, `expected ${result.expected}`];
  if (result.type === "skipped") return [result.reason];
  return result.found === undefined ? [] : [result.found];
}

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) {
    console.log(USAGE);
    return 2;
  }
  const test = await openChainUnderTest(options);
  const counts = { pass: 0, differs: 0, skipped: 0 };
  console.log(`${nodeDisplayName(options.node)}: chain ${test.chainId}`);
  console.log(
    `${test.account.name} (${test.account.id}) pays ${test.recipient.name} (${test.recipient.id})\n`,
  );
  for (const check of chainChecks) {
    const result = await runChainCheck(check, test);
    counts[result.type]++;
    console.log(`  ${MARK[result.type]}  ${check.name}`);
    for (const detail of detailsOf(result)) console.log(INDENT + detail);
  }
  await test.close();
  console.log(`\n${counts.pass} passed, ${counts.differs} differ, ${counts.skipped} skipped`);
  return counts.differs > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  // An address, an account or a key that cannot be used: the message says which.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

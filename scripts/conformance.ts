import { parseArgs } from "node:util";
import {
  chainChecks,
  openChainUnderTest,
  runChainCheck,
} from "../packages/core/src/testing/conformance/chain.ts";

const USAGE = `Asks a BitShares node everything the product asks, and prints where it answers differently.

  npm run conformance -- --node ws://host:port --account NAME --key WIF [--memo-key WIF] [--to NAME]

  --node      WebSocket address of the node
  --account   a funded account; about ten transfers of a few shares, and their fees, leave it
  --key       its active key, alone able to sign
  --memo-key  its memo key, when it is another one
  --to        who receives the shares (default: the first other account found)
  --prefix    of public keys (default BTS)
`;

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
if (values.help || node === undefined || account === undefined || key === undefined) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const test = await openChainUnderTest({
  node,
  account,
  wif: key,
  memoWif: values["memo-key"],
  to: values.to,
  keyPrefix: values.prefix,
});
const counts = { pass: 0, differs: 0, skipped: 0 };
console.log(`${node}: chain ${test.chainId}`);
console.log(`${test.account.name} (${test.account.id}) pays ${test.recipient.name} (${test.recipient.id})\n`);
for (const check of chainChecks) {
  const result = await runChainCheck(check, test);
  counts[result.type]++;
  if (result.type === "pass") {
    console.log(
      `  ok       ${check.name}${result.found === undefined ? "" : `\n             ${result.found}`}`,
    );
  } else if (result.type === "skipped") {
    console.log(`  skipped  ${check.name}\n             ${result.reason}`);
  } else {
    console.log(
      `  DIFFERS  ${check.name}\n             found    ${result.found}\n             expected ${result.expected}`,
    );
  }
}
await test.close();
console.log(`\n${counts.pass} passed, ${counts.differs} differ, ${counts.skipped} skipped`);
process.exitCode = counts.differs > 0 ? 1 : 0;

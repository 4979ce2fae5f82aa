import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { refPrefixOf } from "./block.ts";
import { Chain } from "./chain.ts";
import { ChainState } from "./chain-state.ts";
import { genesisWitnesses, type Genesis } from "./genesis.ts";
import { privateKeyFromSeed, publicKeyOf, signDigest } from "./keys.ts";
import { NodeError } from "./node-error.ts";
import { Transaction } from "./transaction.ts";
import { asTime } from "./variant.ts";
import { wireTime } from "./wire-values.ts";

interface ExpirationCase {
  name: string;
  parent_block_time: string;
  including_block_time: string;
  expiration: string;
  may_be_included: boolean;
  dedupe_entry_remains_after_that_block: boolean | null;
}
const fixture = new URL("../../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url);
const { expiration_cases } = JSON.parse(readFileSync(fixture, "utf8")) as {
  expiration_cases: ExpirationCase[];
};

const aliceKey = privateKeyFromSeed("alice");
const account = (name: string) => ({
  name,
  ownerKey: publicKeyOf(aliceKey),
  activeKey: publicKeyOf(aliceKey),
  memoKey: publicKeyOf(aliceKey),
  balanceShares: 1_000_000n,
  lifetimeMember: false,
  testAssetUnits: 0n,
});

/** A chain whose only block has this time. */
function givenChain(headTime: number): Chain {
  const genesis: Genesis = {
    addressPrefix: "BTS",
    time: headTime - 3,
    blockIntervalSeconds: 3,
    maintenanceIntervalSeconds: 86_400,
    maximumTimeUntilExpirationSeconds: 86_400,
    maximumTransactionSize: 98_304,
    transferFee: { fee: 10n, pricePerKbyte: 0n },
    witnesses: genesisWitnesses(1),
    accounts: [account("alice"), account("bob")],
    maxOpsPerAccount: 1000,
  };
  const chain = new Chain(new ChainState(genesis));
  chain.produce({ timestamp: headTime, directives: { turns: 1 } });
  return chain;
}

function transferFromAlice(chain: Chain, expiration: number, amount = 1): Transaction {
  const { headNum, headId } = chain.state.dynamic;
  const draft = {
    ref_block_num: headNum,
    ref_block_prefix: refPrefixOf(headId),
    expiration: wireTime(expiration),
    operations: [
      [
        0,
        {
          fee: { amount: 10, asset_id: "1.3.0" },
          from: "1.2.7",
          to: "1.2.8",
          amount: { amount, asset_id: "1.3.0" },
          extensions: [],
        },
      ],
    ],
    extensions: [],
  };
  const { codec, chainId } = chain.state;
  const digest = Transaction.parse(codec, draft).signatureDigest(chainId);
  return Transaction.parse(codec, { ...draft, signatures: [signDigest(digest, aliceKey).toString("hex")] });
}

describe("expiration is judged by the time of the parent block", () => {
  it.each(expiration_cases)("$name", (vector) => {
    const chain = givenChain(asTime(vector.parent_block_time));
    const transaction = transferFromAlice(chain, asTime(vector.expiration));
    if (!vector.may_be_included) {
      expect(() => chain.push(transaction)).toThrow(NodeError);
      return;
    }
    chain.push(transaction);
    const block = chain.produce({ timestamp: asTime(vector.including_block_time), directives: { turns: 1 } });
    expect(block.transactions).toEqual([transaction]);
    expect(chain.state.known.has(transaction.id)).toBe(vector.dedupe_entry_remains_after_that_block);
  });
});

it("a transaction that expires with the block that holds it is not taken a second time", () => {
  const chain = givenChain(1_000_000);
  const transaction = transferFromAlice(chain, 1_000_003);
  chain.push(transaction);
  expect(chain.produce({ timestamp: 1_000_003, directives: { turns: 1 } }).transactions).toEqual([
    transaction,
  ]);
  expect(chain.state.known.has(transaction.id)).toBe(true);
  expect(chain.pending).toEqual([]);
  expect(chain.produce({ timestamp: 1_000_006, directives: { turns: 1 } }).transactions).toEqual([]);
});

describe("state", () => {
  it("is, after a block is taken back and applied again, what it was", () => {
    const chain = givenChain(1_000_000);
    const balances = (of: Chain) => [7, 8].map((id) => of.state.findBalance(id, 0)?.amount);
    const before = balances(chain);
    chain.push(transferFromAlice(chain, 1_000_100, 5));
    const block = chain.produce({ timestamp: 1_000_003, directives: { turns: 1 } });
    const past = chain.rewound(1);
    expect(balances(past)).toEqual(before);
    expect(past.state.dynamic.headNum).toBe(1);
    expect(past.pushBlock(block)).toBe(true);
    expect(balances(past)).toEqual(balances(chain));
    expect(past.state.dynamic).toEqual(chain.state.dynamic);
  });

  it("is lost by a restart as far as it was only pending", () => {
    const chain = givenChain(1_000_000);
    chain.push(transferFromAlice(chain, 1_000_100, 5));
    chain.dropPending();
    expect(chain.produce({ timestamp: 1_000_003, directives: { turns: 1 } }).transactions).toEqual([]);
  });
});

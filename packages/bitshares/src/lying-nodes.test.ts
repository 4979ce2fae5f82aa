import { afterEach, describe, expect, it } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import { ChainError } from "./chain.ts";
import { type ChainClientOptions, createChainClient } from "./chain-client.ts";
import { ScriptedChain } from "@stakebts/testkit/scripted-chain";
import { type Script, ScriptedNode } from "@stakebts/testkit/scripted-node";
import { createSigner } from "./signer.ts";
import { parseSignedTransaction } from "./transaction-codec.ts";

const WIF = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3";
const CUSTODIAN = "1.2.101";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function nodeOf(chain: ScriptedChain, script: Script = {}): Promise<ScriptedNode> {
  const node = await ScriptedNode.start({ ...chain.script(), ...script });
  cleanups.push(() => node.stop());
  return node;
}

function clientOf(nodes: readonly ScriptedNode[], options: Partial<ChainClientOptions> = {}) {
  const client = createChainClient({ nodes: nodes.map(({ url }) => url), callDeadlineMs: 1_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

const nameOf = ({ url }: ScriptedNode): string => url;

async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "believed";
  } catch (error) {
    if (error instanceof ChainError) return error.code;
    throw error;
  }
}

/** A transfer to the custodian, as it stands in a block. */
const deposit = (chain: ScriptedChain) =>
  parseSignedTransaction(
    createSigner({ wif: WIF, chainId: chain.chainId }).sign({
      fromId: "1.2.100",
      toId: CUSTODIAN,
      amount: shares(1_000_000_000_000n),
      fee: shares(1146n),
      memo: undefined,
      refBlockId: chain.ids.at(-1) as string,
      expirationMs: millis(Date.UTC(2026, 0, 2)),
    }).bytes,
  );

/** The truth: ten blocks, one of which holds a deposit, and ten more. */
function givenChain(): ScriptedChain {
  const chain = new ScriptedChain().grow(10);
  return chain.append([deposit(chain)]).grow(10);
}

/** A chain of its own from block 5 on, consistent in itself, with a deposit that never was. */
function forgery(truth: ScriptedChain): ScriptedChain {
  const chain = new ScriptedChain();
  chain.blocks.push(...truth.blocks.slice(0, 5));
  chain.ids.push(...truth.ids.slice(0, 5));
  chain.append([deposit(chain)], 66).grow(truth.head - 6, 66);
  return chain;
}

const all = { from: 1, to: 21, account: CUSTODIAN } as const;

describe("a node that hides or invents a transfer", () => {
  it("is caught by the merkle root, also when it is the only one and calls the rest unknown", async () => {
    const truth = givenChain();
    const eleventh = truth.blocks[10] as { transactions?: unknown };
    const [full] = eleventh.transactions as [{ operations: unknown[] }];
    const foreign = { ...full, operations: [[76, {}]] };
    const tenth = { ...truth.blocks[9], transactions: [full] };
    const lies: [string, number, object][] = [
      ["hides", 11, { ...eleventh, transactions: [] }],
      ["invents", 10, tenth],
      ["hides behind an operation that nobody here knows", 11, { ...eleventh, transactions: [foreign] }],
      ["invents beside such an operation", 10, { ...tenth, transactions: [full, foreign] }],
    ];
    for (const [what, blockNum, block] of lies) {
      const node = await nodeOf(truth, {
        get_block: (n: number) => (n === blockNum ? block : truth.blocks[n - 1]),
      });
      expect(await outcomeOf(clientOf([node]).blocks(all)), what).toBe("inconsistent_chain");
    }
  });

  it("is passed over among honest ones, is named, and nothing more is read from it", async () => {
    const truth = givenChain();
    const hidden = { ...truth.blocks[10], transactions: [] };
    const liar = await nodeOf(truth, { get_block: (n: number) => (n === 11 ? hidden : truth.blocks[n - 1]) });
    const client = clientOf([liar, await nodeOf(truth)]);
    const blocks = await client.blocks(all);
    expect(blocks.flatMap(({ transfers }) => transfers)).toHaveLength(1);
    expect(client.takeTroubles()).toEqual([
      {
        type: "lie",
        node: nameOf(liar),
        what: "the transactions of block 11 do not hash to its merkle root",
      },
    ]);
    expect(client.nodes()[0]?.lie).toContain("merkle root");
    const asked = liar.count("get_block");
    await client.blocks(all);
    expect(liar.count("get_block")).toBe(asked);
    expect(client.takeTroubles()).toEqual([]);
  });

  it("is believed again after the time of distrust", async () => {
    const truth = givenChain();
    const node = await nodeOf(truth);
    node.script["get_block"] = (n: number) => truth.blocks[n === 3 ? 3 : n - 1];
    const client = clientOf([node], { distrustMs: 50 });
    expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
    node.script["get_block"] = (n: number) => truth.blocks[n - 1];
    await expect.poll(() => outcomeOf(client.blocks(all))).toBe("believed");
  });
});

describe("a node with a chain of its own that holds together", () => {
  it.each([1, 2])(
    "is outvoted by two honest ones with a quorum of %i, wherever it stands",
    async (quorum) => {
      const truth = givenChain();
      const liar = await nodeOf(forgery(truth));
      const client = clientOf([liar, await nodeOf(truth), await nodeOf(truth)], { quorum });
      const blocks = await client.blocks(all);
      expect(blocks.map(({ blockId }) => blockId)).toEqual(truth.ids);
      expect(client.takeTroubles()).toMatchObject([{ type: "lie", node: nameOf(liar) }]);
      expect((await client.head()).irreversibleBlockNum).toBe(21);
    },
  );

  it.each([1, 2])(
    "stops everything beside one honest node with a quorum of %i, and both are named",
    async (quorum) => {
      const truth = givenChain();
      const [liar, honest] = [await nodeOf(forgery(truth)), await nodeOf(truth)];
      const client = clientOf([liar, honest], { quorum });
      expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
      expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
      const troubles = client.takeTroubles();
      expect(troubles).toMatchObject([{ type: "dispute", what: "block 21" }]);
      for (const node of [liar, honest]) expect(JSON.stringify(troubles)).toContain(nameOf(node));
    },
  );
});

describe("a node that rewinds", () => {
  it("is not believed until it is where it has been", async () => {
    const [truth, old] = [new ScriptedChain().grow(100), new ScriptedChain().grow(20)];
    const node = await nodeOf(truth);
    const client = clientOf([node]);
    await client.head();
    node.script = old.script();
    expect(await outcomeOf(client.head())).toBe("no_usable_node");
    expect(client.takeTroubles()).toMatchObject([
      { type: "lie", what: "its irreversible block fell from 100 to 20" },
    ]);
    node.script = truth.grow(5).script();
    expect((await client.head()).irreversibleBlockNum).toBe(105);
  });

  it("does not make the others old", async () => {
    const truth = new ScriptedChain().grow(100);
    const old = truth.copy();
    const liar = await nodeOf(truth);
    const client = clientOf([liar, await nodeOf(truth), await nodeOf(truth)], { quorum: 2 });
    await client.head();
    old.blocks.length = 30;
    old.ids.length = 30;
    old.irreversible = 30;
    liar.script = old.script();
    expect((await client.head()).irreversibleBlockNum).toBe(100);
    expect(client.takeTroubles()).toMatchObject([{ type: "lie", node: nameOf(liar) }]);
  });
});

describe("a false head", () => {
  const shifted = (chain: ScriptedChain, change: object): Script => ({
    get_objects: () => [{ ...chain.dynamicProperties(), ...change }],
  });

  it.each([
    ["a day ahead", { time: "2026-01-02T00:00:00" }],
    ["a day behind", { time: "2025-12-31T00:00:00" }],
    ["with everything irreversible", { last_irreversible_block_num: 50 }],
  ])("%s moves nothing among two honest ones", async (_, change) => {
    const truth = new ScriptedChain().grow(50);
    truth.irreversible = 40;
    const nodes = [await nodeOf(truth, shifted(truth, change)), await nodeOf(truth), await nodeOf(truth)];
    const { headTimeMs } = await clientOf(nodes.slice(1)).head();
    for (const quorum of [1, 2])
      expect(await clientOf(nodes, { quorum }).head()).toMatchObject({
        headTimeMs,
        irreversibleBlockNum: 40,
      });
  });
});

describe("another account in the place of a payee", () => {
  const account = (id: string, memo_key = "BTS1") => ({
    id,
    name: "alice",
    lifetime_referrer: "1.2.7",
    options: { memo_key },
    active: { weight_threshold: 1, key_auths: [["BTS2", 1]] },
  });
  const answering = (answer: object): Script => ({ get_accounts: () => [answer] });

  it("is outvoted, and whoever gave it is named", async () => {
    const truth = new ScriptedChain().grow(3);
    const liar = await nodeOf(truth, answering(account("1.2.666")));
    const honest = [
      await nodeOf(truth, answering(account("1.2.7"))),
      await nodeOf(truth, answering(account("1.2.7"))),
    ];
    const client = clientOf([liar, ...honest]);
    expect((await client.accounts(["alice"]))[0]?.id).toBe("1.2.7");
    expect(client.takeTroubles()).toMatchObject([{ type: "lie", node: nameOf(liar) }]);
  });

  it("or another memo key, is nobody's word against that of one other node", async () => {
    const truth = new ScriptedChain().grow(3);
    const honest = await nodeOf(truth, answering(account("1.2.7")));
    for (const lie of [account("1.2.666"), account("1.2.7", "BTS666")]) {
      const liar = await nodeOf(truth, answering(lie));
      for (const quorum of [1, 2]) {
        const client = clientOf([liar, honest], { quorum });
        expect(await outcomeOf(client.accounts(["alice"]))).toBe("inconsistent_chain");
      }
    }
  });
});

describe("a balance", () => {
  it("is not more, with a quorum, than an honest node says", async () => {
    const truth = new ScriptedChain().grow(3);
    const having = (amount: number) =>
      nodeOf(truth, { get_account_balances: () => [{ amount, asset_id: "1.3.0" }] });
    const nodes = [await having(2_000_000_000), await having(7), await having(6)];
    expect(await clientOf(nodes, { quorum: 2 }).balance("1.2.7")).toBe(7n);
  });
});

describe("another chain", () => {
  it("is never taken up because its node was the only one that was there", async () => {
    const [truth, other] = [new ScriptedChain().grow(5), new ScriptedChain().grow(5)];
    other.chainId = "22".repeat(32);
    const mute = await nodeOf(truth);
    const { script } = mute;
    mute.script = {};
    const client = clientOf([await nodeOf(other), mute, await nodeOf(truth)], { quorum: 2 });
    expect(await outcomeOf(client.head())).toBe("no_usable_node");
    mute.script = script;
    await expect.poll(() => client.chainId().catch(() => ""), { timeout: 30_000 }).toBe(truth.chainId);
  });
});

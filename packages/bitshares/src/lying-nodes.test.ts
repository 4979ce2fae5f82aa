import { afterEach, describe, expect, it } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import { ChainError } from "./chain.ts";
import { type ChainClientOptions, createChainClient } from "./chain-client.ts";
import { ScriptedChain } from "@stakebts/testkit/scripted-chain";
import { hangUp, Instead, type Script, ScriptedNode, silence } from "@stakebts/testkit/scripted-node";
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
      [
        "hides behind an operation that this program does not know",
        11,
        { ...eleventh, transactions: [foreign] },
      ],
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
    const client = clientOf([liar, await nodeOf(truth), await nodeOf(truth)]);
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
  it.each([0, 1, 2])("is outvoted by two honest ones, also as number %i", async (place) => {
    const truth = givenChain();
    const liar = await nodeOf(forgery(truth));
    const nodes = [await nodeOf(truth), await nodeOf(truth)];
    const client = clientOf(nodes.toSpliced(place, 0, liar));
    const blocks = await client.blocks(all);
    expect(blocks.map(({ blockId }) => blockId)).toEqual(truth.ids);
    expect(client.takeTroubles()).toMatchObject([{ type: "lie", node: nameOf(liar) }]);
    expect((await client.head()).irreversibleBlockNum).toBe(21);
  });

  it("stops everything beside one honest node, and both are named", async () => {
    const truth = givenChain();
    const [liar, honest] = [await nodeOf(forgery(truth)), await nodeOf(truth)];
    const client = clientOf([liar, honest]);
    expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
    expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
    const troubles = client.takeTroubles();
    expect(troubles).toMatchObject([{ type: "dispute", what: "block 21" }]);
    for (const node of [liar, honest]) expect(JSON.stringify(troubles)).toContain(nameOf(node));
  });
});

describe("a node that tells a chain of its own, far ahead of the others,", () => {
  /** With a deposit that never was in block 6, and so many blocks that the honest ones seem to lag. */
  const farAhead = (truth: ScriptedChain): ScriptedChain => forgery(truth).grow(500, 66);
  const down: Script = { get_chain_id: () => silence, login: () => silence };
  const hung: Script = { get_objects: () => silence };
  const gone: Script = { get_chain_id: () => hangUp };

  it.each<[string, readonly (Script | "liar" | "honest")[]]>([
    ["of two", ["liar", "honest"]],
    ["of two, the last", ["honest", "liar"]],
    ["of three, of which one is down", ["liar", "honest", down]],
    ["of three, of which one accepts questions and never answers", [hung, "liar", "honest"]],
    ["of three, of which one hangs up", ["honest", gone, "liar"]],
    ["of four, of which one is down", ["liar", "honest", down, "honest"]],
    ["of five, of which two are down", [down, "liar", "honest", gone, "honest"]],
    ["of five, beside a second liar and one that is down", ["liar", "liar", "honest", down, "honest"]],
  ])("%s: the others are no fewer for it, and what it tells is not believed", async (_, parts) => {
    const truth = givenChain();
    const lie = farAhead(truth);
    const nodes: ScriptedNode[] = [];
    for (const part of parts)
      nodes.push(
        await (part === "liar" ? nodeOf(lie) : part === "honest" ? nodeOf(truth) : nodeOf(truth, part)),
      );
    const client = clientOf(nodes, { callDeadlineMs: 400, chainId: truth.chainId });
    const head = await client.head().catch((error: unknown) => error);
    if (head instanceof ChainError) expect(["inconsistent_chain", "no_usable_node"]).toContain(head.code);
    else expect(head).toMatchObject({ headBlockNum: 21, irreversibleBlockNum: 21 });
    for (const to of [lie.head, 21, 6]) {
      const read = await client.blocks({ ...all, to }).catch((error: unknown) => error);
      if (read instanceof ChainError) continue;
      expect((read as readonly { blockId: string }[]).map(({ blockId }) => blockId)).toEqual(
        truth.ids.slice(0, to),
      );
    }
    // At least the honest ones are asked: none of them counts as lagging.
    for (const [i, part] of parts.entries())
      if (part === "honest") expect(client.nodes()[i]?.problem).toBeUndefined();
  });

  it("of three, while one is down, is noticed: no majority says how far the chain is", async () => {
    const truth = givenChain();
    const client = clientOf([await nodeOf(farAhead(truth)), await nodeOf(truth), await nodeOf(truth, gone)]);
    expect(await outcomeOf(client.head())).toBe("inconsistent_chain");
    expect(client.takeTroubles()).toMatchObject([{ type: "dispute", what: "irreversible block 21" }]);
  });

  it("leaves it open how far the chain is, when its blocks so far are right", async () => {
    const truth = givenChain();
    const client = clientOf([await nodeOf(truth.copy().grow(500)), await nodeOf(truth)]);
    expect(await client.head()).toMatchObject({
      headBlockNum: 21,
      irreversibleBlockNum: 21,
      latest: { irreversibleBlockNum: 521 },
    });
    expect(await outcomeOf(client.blocks({ ...all, to: 22 }))).toBe("inconsistent_chain");
  });
});

describe("the same node, named twice", () => {
  it("is one vote", async () => {
    const truth = givenChain();
    const liar = await nodeOf(forgery(truth));
    const honest = await nodeOf(truth);
    const port = new URL(liar.url).port;
    const client = createChainClient({
      nodes: [liar.url, `ws://user:pass@127.0.0.1:${port}/ws/../?a=b`, `ws://LOCALHOST.:${port}`, honest.url],
      callDeadlineMs: 1_000,
    });
    cleanups.push(() => client.close());
    expect(client.nodes()).toHaveLength(2);
    expect(await outcomeOf(client.blocks(all))).toBe("inconsistent_chain");
  });
});

describe("honest nodes that answer late", () => {
  const late = (ms: number, answer: () => unknown) =>
    new Instead((socket, { id }) => {
      setTimeout(() => socket.send(JSON.stringify({ id, result: answer() })), ms);
    });

  it("are waited for: a fast liar does not decide alone", async () => {
    const truth = givenChain();
    const lie = forgery(truth).grow(100, 66);
    const slow = (): Script => {
      const { get_block_header, get_objects } = truth.script() as Record<string, (arg: unknown) => unknown>;
      return {
        get_block_header: (n: number) => late(300, () => get_block_header?.(n)),
        get_objects: (ids: string[]) => late(600, () => get_objects?.(ids)),
      };
    };
    const client = clientOf([await nodeOf(lie), await nodeOf(truth, slow()), await nodeOf(truth, slow())]);
    for (let i = 0; i < 3; i++) expect((await client.head()).irreversibleBlockNum).toBe(21);
    expect((await client.blocks(all)).map(({ blockId }) => blockId)).toEqual(truth.ids);
  });
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
    const irreversibleBlockNum = 40;
    expect(await clientOf(nodes).head()).toMatchObject({
      headTimeMs,
      irreversibleBlockNum,
      latest: { headTimeMs, irreversibleBlockNum },
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

  it("is outvoted, and the node that gave it is named", async () => {
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

  it("or another memo key, is not believed against the word of one other node", async () => {
    const truth = new ScriptedChain().grow(3);
    const honest = await nodeOf(truth, answering(account("1.2.7")));
    for (const lie of [account("1.2.666"), account("1.2.7", "BTS666")]) {
      const liar = await nodeOf(truth, answering(lie));
      const client = clientOf([liar, honest]);
      expect(await outcomeOf(client.accounts(["alice"]))).toBe("inconsistent_chain");
    }
  });
});

describe("a balance", () => {
  const having = (truth: ScriptedChain, amount: number) =>
    nodeOf(truth, { get_account_balances: () => [{ amount, asset_id: "1.3.0" }] });

  it.each([
    ["rich", 2_000_000_000],
    ["poor", 0],
  ])("is what an honest node says, although one of three lies: %s", async (_, lie) => {
    const truth = new ScriptedChain().grow(3);
    const nodes = [await having(truth, lie), await having(truth, 7), await having(truth, 6)];
    const { atLeast, atMost } = await clientOf(nodes).balanceBounds("1.2.7");
    for (const bound of [atLeast, atMost]) expect([6n, 7n]).toContain(bound);
    expect(await clientOf(nodes).balance("1.2.7")).toBe(atLeast);
  });

  it.each([
    ["rich", 2_000_000_000, { atLeast: 7n, atMost: 2_000_000_000n }],
    ["poor", 0, { atLeast: 0n, atMost: 7n }],
  ])("is open between the two while a third is away, when one is %s", async (_, lie, bounds) => {
    const truth = new ScriptedChain().grow(3);
    const away = await nodeOf(truth, { get_chain_id: () => hangUp });
    const client = clientOf([await having(truth, lie), await having(truth, 7), away]);
    expect(await client.balanceBounds("1.2.7")).toEqual(bounds);
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

import { afterEach, describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import { millis } from "@stakebts/kernel/time";
import { shares } from "@stakebts/kernel/amount";
import { type BroadcastOutcome, ChainError, type ChainErrorCode } from "./chain.ts";
import { type ChainClientOptions, createChainClient } from "./chain-client.ts";
import { CHAIN_ID, ScriptedChain, type WireBlock } from "@stakebts/testkit/scripted-chain";
import { hangUp, Instead, refuse, type Script, ScriptedNode, silence } from "@stakebts/testkit/scripted-node";
import { publicKeyFromWif } from "./keys.ts";
import { createMemoReader, createMemoWriter } from "./memo-cipher.ts";
import { createSigner } from "./signer.ts";
import { parseSignedTransaction } from "./transaction-codec.ts";

const DEADLINE_MS = 1_000;
const WIF = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3";
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
  const events: { event: string; fields: object }[] = [];
  const client = createChainClient({
    nodes: nodes.map(({ url }) => url),
    callDeadlineMs: DEADLINE_MS,
    log: (event, fields) => events.push({ event, fields }),
    ...options,
  });
  cleanups.push(() => client.close());
  return Object.assign(client, { events });
}

async function codeOf(promise: Promise<unknown>): Promise<ChainErrorCode | "no error"> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    if (error instanceof ChainError) return error.code;
    throw error;
  }
}

const payout = (chain: ScriptedChain, text?: string) =>
  createSigner({ wif: WIF, chainId: chain.chainId }).sign({
    fromId: "1.2.100",
    toId: "1.2.101",
    amount: shares(5_000_000_000n),
    fee: shares(1146n),
    memo:
      text === undefined
        ? undefined
        : createMemoWriter({ wif: WIF }).write({ text, toPublicKey: publicKeyFromWif(WIF), nonce: 7n }),
    refBlockId: chain.ids.at(-1) as string,
    expirationMs: millis(Date.UTC(2026, 0, 2)),
  });

describe("reading one node", () => {
  it("tells chain id and head", async () => {
    const chain = new ScriptedChain().grow(20);
    chain.irreversible = 15;
    const client = clientOf([await nodeOf(chain)]);
    expect(await client.chainId()).toBe(CHAIN_ID);
    expect(await client.head()).toMatchObject({
      headBlockNum: 20,
      headBlockId: chain.ids[19],
      headTimeMs: Date.UTC(2026, 0, 1, 0, 1),
      irreversibleBlockNum: 15,
    });
    chain.append();
    expect((await client.head()).headBlockNum).toBe(21);
  });

  it("gives blocks in order with the transfers of the account, memo included", async () => {
    const chain = new ScriptedChain().grow(300);
    const sent = payout(chain, "payout 💸");
    chain.append([parseSignedTransaction(sent.bytes)]).grow(300);
    const client = clientOf([await nodeOf(chain)]);
    const blocks = await client.blocks({ from: 1, to: 601, account: "1.2.101" });
    expect(blocks.map(({ blockId }) => blockId)).toEqual(chain.ids);
    expect(blocks.flatMap(({ transfers }) => transfers)).toMatchObject([
      { txid: sent.txid, amount: 5_000_000_000n, fromId: "1.2.100", trxInBlock: 0, opInTrx: 0 },
    ]);
    const memo = blocks[300]?.transfers[0]?.memo;
    expect(createMemoReader({ wifs: [WIF] }).read(memo)).toEqual({ type: "text", text: "payout 💸" });
    const others = await client.blocks({ from: 301, to: 301, account: "1.2.999" });
    expect(others[0]?.transfers).toEqual([]);
  });

  it("has 128 questions for blocks on their way, not more", async () => {
    const chain = new ScriptedChain().grow(300);
    let waiting: (() => void)[] = [];
    let most = 0;
    const answer = () => {
      most = Math.max(most, waiting.length);
      for (const send of waiting.splice(0)) send();
    };
    const node = await nodeOf(chain, {
      get_block: (n: number) =>
        new Instead((socket, { id }) => {
          waiting.push(() => socket.send(JSON.stringify({ id, result: chain.blocks[n - 1] })));
          if (waiting.length === 1) setTimeout(answer, 50);
        }),
    });
    waiting = [];
    expect(await clientOf([node]).blocks({ from: 1, to: 300, account: "1.2.1" })).toHaveLength(300);
    expect(most).toBe(128);
  });

  it("does not take blocks that are missing, unlinked, misplaced or forged", async () => {
    const chain = new ScriptedChain().grow(10);
    const fork = new ScriptedChain().grow(10, 1);
    const sent = parseSignedTransaction(payout(chain).bytes);
    const paid = chain.copy().append([sent]).grow(2);
    const cases: [ScriptedChain, (n: number) => unknown, ChainErrorCode][] = [
      [chain, (n) => (n === 7 ? null : chain.blocks[n - 1]), "inconsistent_chain"],
      [chain, (n) => (n === 7 ? fork : chain).blocks[n - 1], "inconsistent_chain"],
      [chain, (n) => chain.blocks[n === 7 ? 7 : n - 1], "inconsistent_chain"],
      [
        chain,
        (n) => (n === 7 ? { ...chain.blocks[6], transaction_merkle_root: "00" } : chain.blocks[n - 1]),
        "malformed_answer",
      ],
      [chain, (n) => (n === 7 ? "block" : chain.blocks[n - 1]), "malformed_answer"],
      [
        paid,
        (n) => (n === 11 ? { ...paid.blocks[10], transactions: [] } : paid.blocks[n - 1]),
        "inconsistent_chain",
      ],
    ];
    for (const [truth, get_block, code] of cases) {
      const node = await nodeOf(truth, { get_block });
      const read = clientOf([node]).blocks({ from: 1, to: truth.head, account: "1.2.101" });
      expect(await codeOf(read), get_block.toString()).toBe(code);
    }
  });

  it("does not take another block for the one asked, even alone", async () => {
    const chain = new ScriptedChain().grow(10);
    const node = await nodeOf(chain, { get_block: () => chain.blocks[4] });
    const read = clientOf([node]).blocks({ from: 7, to: 7, account: "1.2.101" });
    expect(await codeOf(read)).toBe("inconsistent_chain");
  });

  it("asks for accounts once each, and not at all for text that names none", async () => {
    const account = (n: number, name: string) => ({
      id: `1.2.${n}`,
      name,
      lifetime_referrer: "1.2.7",
      options: { memo_key: "BTS1" },
      active: {
        weight_threshold: 2,
        key_auths: [
          ["BTS2", 1],
          ["BTS3", 2],
        ],
      },
    });
    const known: Record<string, unknown> = { "1.2.7": account(7, "seven"), seven: account(7, "seven") };
    const asked: unknown[] = [];
    const node = await nodeOf(new ScriptedChain().grow(3), {
      get_accounts: (names: string[], subscribe: boolean) => {
        asked.push(names, subscribe);
        return names.map((name) => known[name] ?? null);
      },
    });
    const client = clientOf([node]);
    const names = [
      "seven",
      "1.2.7",
      "unknown",
      "",
      "Not A Name",
      "1.2.99999999999999999999",
      "1.3.0",
      "seven",
      "a".repeat(64),
    ];
    const found = await client.accounts(names);
    expect(found.map((a) => a?.id)).toEqual([
      "1.2.7",
      "1.2.7",
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      "1.2.7",
      undefined,
    ]);
    expect(found[0]).toMatchObject({
      lifetimeMember: true,
      activeKeys: ["BTS2", "BTS3"],
      activeWeights: [1, 2],
      activeThreshold: 2,
    });
    expect(asked).toEqual([["seven", "1.2.7", "unknown"], false]);
    expect(await client.accounts([])).toEqual([]);
  });

  it("does not take another account than the one asked for", async () => {
    const wrong = {
      id: "1.2.8",
      name: "eight",
      options: { memo_key: "" },
      active: { weight_threshold: 1, key_auths: [] },
    };
    const node = await nodeOf(new ScriptedChain().grow(3), { get_accounts: () => [wrong] });
    expect(await codeOf(clientOf([node]).accounts(["seven"]))).toBe("malformed_answer");
  });

  it("reads balance and fees from numbers or texts", async () => {
    const fees = { fee: 1146, price_per_kbyte: "5732" };
    const node = await nodeOf(new ScriptedChain().grow(3), {
      get_account_balances: () => [{ amount: "3000000000", asset_id: "1.3.0" }],
    });
    const { get_objects } = node.script as { get_objects: (ids: string[]) => unknown[] };
    node.script["get_objects"] = (ids: string[]) =>
      ids[0] === "2.0.0"
        ? [
            {
              parameters: {
                current_fees: { parameters: [[0, fees]], scale: 10000 },
                maximum_time_until_expiration: 86400,
              },
            },
          ]
        : get_objects(ids);
    const client = clientOf([node]);
    expect(await client.balance("1.2.7")).toBe(3_000_000_000n);
    expect(await client.transferFees()).toEqual({
      fee: 1146n,
      pricePerKbyte: 5732n,
      claim: { fee: 2_000_000n, pricePerKbyte: 10n },
      scale: 10_000n,
      maximumTimeUntilExpirationMs: 86_400_000,
    });
  });

  it("tells the head as nodes said it when they were asked, also when one is gone before they agree", async () => {
    const chain = new ScriptedChain().grow(3);
    const held: (() => void)[] = [];
    const answerLater = (answer: unknown) =>
      new Instead((socket, { id }) => held.push(() => socket.send(JSON.stringify({ id, result: answer }))));
    const nodes = [await nodeOf(chain), await nodeOf(chain), await nodeOf(chain)];
    const client = clientOf(nodes);
    await client.head();
    chain.grow(1);
    const header = chain.script()["get_block_header"] as (blockNum: number) => unknown;
    for (const node of nodes) node.script["get_block_header"] = (n: number) => answerLater(header(n));
    const asked = client.head();
    await expect.poll(() => held.length).toBe(3);
    for (const node of nodes) node.script["get_objects"] = () => refuse({ message: "too busy" });
    await expect(client.head()).rejects.toThrow(ChainError);
    for (const answer of held) answer();
    expect(await asked).toMatchObject({ headBlockNum: 4, irreversibleBlockNum: 4 });
  });

  it.each<[string, Script, ChainErrorCode]>([
    ["is silent", { get_objects: () => silence }, "no_usable_node"],
    ["hangs up", { get_objects: () => hangUp }, "no_usable_node"],
    ["refuses", { get_objects: () => refuse({ message: "no" }) }, "no_usable_node"],
    ["has no head", { get_objects: () => [null] }, "no_usable_node"],
    ["has no list", { get_objects: () => 5 }, "no_usable_node"],
    ["is silent about balances", { get_account_balances: () => silence }, "deadline"],
    ["refuses to tell balances", { get_account_balances: () => refuse({ message: "no" }) }, "node_refused"],
    [
      "tells nonsense for a balance",
      { get_account_balances: () => [{ amount: 1.5, asset_id: "1.3.0" }] },
      "malformed_answer",
    ],
  ])("fails in its own way when the only node %s", async (_, script, code) => {
    const client = clientOf([await nodeOf(new ScriptedChain().grow(3), script)]);
    expect(await codeOf(client.balance("1.2.7"))).toBe(code);
  });

  it("is refused with nonsense for a request", async () => {
    const node = await nodeOf(new ScriptedChain().grow(3));
    expect(() => createChainClient({ nodes: [] })).toThrow(AssertionError);
    const several = ["ws://a", "ws://b", "ws://c"];
    for (const [nodes, quorum] of [
      [[node.url], 2],
      [several, 1],
      [several, 4],
      [several.slice(1), 1],
      [["ws://a", "wss://A.:443/ws"], 2],
    ] as const)
      expect(() => createChainClient({ nodes, quorum })).toThrow(AssertionError);
    await expect(clientOf([node]).blocks({ from: 3, to: 2, account: "1.2.1" })).rejects.toThrow(
      AssertionError,
    );
  });
});

describe("reading several nodes", () => {
  it("goes on with the next when one dies in the middle", async () => {
    const chain = new ScriptedChain().grow(500);
    let answered = 0;
    const dying = await nodeOf(chain, {
      get_block: (n: number) => (++answered > 50 ? hangUp : chain.blocks[n - 1]),
    });
    const healthy = [await nodeOf(chain), await nodeOf(chain)];
    const client = clientOf([dying, ...healthy]);
    const blocks = await client.blocks({ from: 1, to: 500, account: "1.2.1" });
    expect(blocks.map(({ blockId }) => blockId)).toEqual(chain.ids);
    expect(answered).toBeGreaterThan(50);
    expect(client.events.map(({ event }) => event)).toContain("node.failed");
  });

  it("goes on with the next when one falls silent, and stays with it", async () => {
    const chain = new ScriptedChain().grow(5);
    const balance = [{ amount: 5, asset_id: "1.3.0" }];
    const silent = await nodeOf(chain, { get_account_balances: () => silence });
    const healthy = () => nodeOf(chain, { get_account_balances: () => balance });
    const client = clientOf([silent, await healthy(), await healthy()]);
    expect(await client.balance("1.2.1")).toBe(5n);
    expect(await client.balance("1.2.1")).toBe(5n);
    expect(silent.count("get_account_balances")).toBe(1);
  });

  it("takes the head that a majority has seen", async () => {
    const chain = new ScriptedChain().grow(10);
    const [behind, ahead, last] = [
      await nodeOf(chain),
      await nodeOf(chain.copy().grow(3)),
      await nodeOf(chain.copy().grow(2)),
    ];
    expect((await clientOf([behind, ahead, last]).head()).headBlockNum).toBe(12);
    expect((await clientOf([behind, ahead]).head()).headBlockNum).toBe(10);
  });

  it("leaves out a node whose irreversible block lags, and takes it back when it has caught up", async () => {
    const slow = new ScriptedChain().grow(10);
    const fast = slow.copy().grow(60);
    const [lagging, current, other] = [await nodeOf(slow), await nodeOf(fast), await nodeOf(fast)];
    const nodes = [lagging, current, other];
    for (const node of nodes) node.script["get_account_balances"] = () => [{ amount: 1, asset_id: "1.3.0" }];
    const client = clientOf(nodes);
    await client.balance("1.2.1");
    expect(nodes.map((node) => node.count("get_account_balances"))).toEqual([0, 1, 1]);
    slow.blocks.push(...fast.blocks.slice(10));
    slow.ids.push(...fast.ids.slice(10));
    slow.irreversible = 70;
    await current.stop();
    await client.head();
    await client.balance("1.2.1");
    expect(lagging.count("get_account_balances")).toBe(1);
  });

  it("leaves out a node with an old head, and says so when none is left", async () => {
    const chain = new ScriptedChain().grow(5);
    const node = await nodeOf(chain);
    expect(await codeOf(clientOf([node], { headFreshnessMs: 30_000 }).head())).toBe("no_usable_node");
    chain.blocks[4] = { ...chain.blocks[4], timestamp: new Date().toISOString().slice(0, 19) } as never;
    expect(await codeOf(clientOf([node], { headFreshnessMs: 30_000 }).head())).toBe("no error");
  });

  it("leaves out a node on another chain, even when it is the first and the fastest", async () => {
    const other = new ScriptedChain().grow(500);
    other.chainId = "22".repeat(32);
    const chain = new ScriptedChain().grow(5);
    const [wrong, a, b] = [await nodeOf(other), await nodeOf(chain), await nodeOf(chain)];
    expect(await clientOf([wrong, a, b]).chainId()).toBe(CHAIN_ID);
    expect((await clientOf([wrong, a, b]).head()).headBlockNum).toBe(5);
    expect((await clientOf([wrong, a, b], { chainId: CHAIN_ID }).head()).headBlockNum).toBe(5);
    expect(await codeOf(clientOf([wrong, a], { chainId: CHAIN_ID }).head())).toBe("no_usable_node");
    expect(await codeOf(clientOf([wrong], { chainId: CHAIN_ID }).head())).toBe("wrong_chain");
  });

  it("comes back when all nodes were away", async () => {
    const chain = new ScriptedChain().grow(5);
    const node = await nodeOf(chain);
    const client = clientOf([node]);
    await client.head();
    for (const socket of node.clients) socket.terminate();
    const deadline = Date.now() + 30_000;
    let back = false;
    while (!back && Date.now() < deadline) back = (await codeOf(client.head())) === "no error";
    expect(back).toBe(true);
  });

  it("is not slowed down by a node that accepts questions and never answers", async () => {
    const chain = new ScriptedChain().grow(5);
    const mute = await nodeOf(chain, { get_objects: () => silence });
    const callDeadlineMs = 3_000;
    const client = clientOf([mute, await nodeOf(chain), await nodeOf(chain)], {
      callDeadlineMs,
      chainId: CHAIN_ID,
    });
    await client.head(); // waits once for every node
    const start = performance.now();
    for (let i = 0; i < 5; i++) await client.head();
    expect(performance.now() - start).toBeLessThan(callDeadlineMs);
  });
});

describe("a quorum", () => {
  it("counts the irreversible block that enough nodes have", async () => {
    const chain = new ScriptedChain().grow(20);
    const ahead = chain.copy().grow(4);
    const nodes = [await nodeOf(chain), await nodeOf(ahead), await nodeOf(ahead)];
    expect(await clientOf(nodes, { quorum: 2 }).head()).toMatchObject({
      headBlockNum: 24,
      irreversibleBlockNum: 24,
    });
    expect(await clientOf(nodes, { quorum: 3 }).head()).toMatchObject({
      headBlockNum: 20,
      irreversibleBlockNum: 20,
    });
  });

  it("is not reached by nodes that have different blocks", async () => {
    const chain = new ScriptedChain().grow(10);
    const [a, b] = [await nodeOf(chain.copy().grow(5, 1)), await nodeOf(chain.copy().grow(5, 2))];
    const client = clientOf([a, b], { quorum: 2 });
    expect(await codeOf(client.head())).toBe("inconsistent_chain");
    expect(client.events.map(({ event }) => event)).toContain("node.disagreement");
    expect(await codeOf(client.blocks({ from: 1, to: 15, account: "1.2.1" }))).toBe("inconsistent_chain");
    expect(await codeOf(client.blocks({ from: 1, to: 10, account: "1.2.1" }))).toBe("no error");
  });

  it("needs that many usable nodes", async () => {
    const chain = new ScriptedChain().grow(10);
    const [a, b] = [await nodeOf(chain), await nodeOf(chain, { get_objects: () => hangUp })];
    expect(await codeOf(clientOf([a, b], { quorum: 2 }).head())).toBe("no_usable_node");
  });

  it("is not fooled by one node that boasts", async () => {
    const chain = new ScriptedChain().grow(50);
    const boaster = new ScriptedChain().grow(500, 9);
    const nodes = [await nodeOf(boaster), await nodeOf(chain), await nodeOf(chain)];
    const client = clientOf(nodes, { quorum: 2 });
    expect((await client.head()).irreversibleBlockNum).toBe(50);
    const blocks = await client.blocks({ from: 1, to: 50, account: "1.2.1" });
    expect(blocks.map(({ blockId }) => blockId)).toEqual(chain.ids);
  });

  it("is asked for the transfers of a block that cannot be hashed", async () => {
    const chain = new ScriptedChain().grow(3);
    const paid = chain.copy().append([parseSignedTransaction(payout(chain).bytes)]);
    const [full] = (paid.blocks[3] as WireBlock)["transactions"] as [{ operations: unknown[] }];
    const foreign = { ...full, operations: [[75, {}]] };
    const withForeign = { ...paid.blocks[3], transactions: [full, foreign] };
    const hiding = { ...paid.blocks[3], transactions: [foreign] };
    const get_block = (fourth: unknown) => (n: number) => (n === 4 ? fourth : paid.blocks[n - 1]);
    const liar = await nodeOf(paid, { get_block: get_block(hiding) });
    const honest = await nodeOf(paid, { get_block: get_block(withForeign) });
    const second = await nodeOf(paid, { get_block: get_block(withForeign) });
    const request = { from: 1, to: 4, account: "1.2.101" } as const;
    expect((await clientOf([honest, second], { quorum: 2 }).blocks(request))[3]?.transfers).toHaveLength(1);
    expect(await codeOf(clientOf([liar, honest], { quorum: 2 }).blocks(request))).toBe("inconsistent_chain");
    // Nothing in a header contradicts what a single node says of such a block.
    for (const alone of [liar, honest])
      expect(await codeOf(clientOf([alone]).blocks(request))).toBe("inconsistent_chain");
  });
});

describe("broadcasting", () => {
  const expired = refuse({
    data: { name: "assert_exception", stack: [{ format: "now <= trx.expiration: " }] },
  });
  const duplicate = refuse({ data: { name: "duplicate_transaction" } });
  const noPeers = refuse({
    data: { name: "assert_exception", stack: [{ format: "_app.p2p_node() != nullptr: x" }] },
  });

  it("sends the saved bytes as the node's JSON", async () => {
    const chain = new ScriptedChain().grow(5);
    const node = await nodeOf(chain);
    const sent = payout(chain, "hello");
    expect(await clientOf([node]).broadcast(sent.bytes)).toEqual({ type: "accepted" });
    const question = node.questions.find(({ method }) => method === "broadcast_transaction");
    expect(question?.args).toMatchObject([
      {
        expiration: "2026-01-02T00:00:00",
        operations: [
          [0, { from: "1.2.100", amount: { amount: "5000000000", asset_id: "1.3.0" }, memo: { nonce: "7" } }],
        ],
      },
    ]);
  });

  const REFUSED_EXPIRED = { type: "refused", code: "expired", disposition: "look" };
  it.each<[string, unknown[], Partial<BroadcastOutcome>]>([
    ["the first accepts", [null, silence], { type: "accepted" }],
    ["the first is silent and the second accepts", [silence, null], { type: "accepted" }],
    ["the first hangs up and the second has it already", [hangUp, duplicate], { type: "duplicate" }],
    ["the first refuses and the second accepts", [expired, null], { type: "accepted" }],
    ["the first refuses and the second has it already", [expired, duplicate], { type: "duplicate" }],
    ["the first is silent and the second refuses", [silence, expired], REFUSED_EXPIRED as never],
    ["the first has no peers and the second refuses", [noPeers, expired], REFUSED_EXPIRED as never],
    ["the first has no peers and the second is silent", [noPeers, silence], { type: "unknown" }],
    ["both are silent", [silence, silence], { type: "unknown" }],
    ["both hang up", [hangUp, hangUp], { type: "unknown" }],
    ["both have no peers", [noPeers, noPeers], { type: "refused", code: "node_cannot_broadcast" } as never],
  ])("when %s", async (_, answers, outcome) => {
    const chain = new ScriptedChain().grow(5);
    const nodes = await Promise.all(
      answers.map((answer) => nodeOf(chain, { broadcast_transaction: () => answer })),
    );
    expect(await clientOf(nodes).broadcast(payout(chain).bytes)).toMatchObject(outcome);
  });

  it("tries a node that failed to broadcast last, the next time", async () => {
    const chain = new ScriptedChain().grow(5);
    const mute = await nodeOf(chain, { broadcast_transaction: () => silence });
    const healthy = await nodeOf(chain);
    const client = clientOf([mute, healthy]);
    await client.broadcast(payout(chain).bytes);
    await client.broadcast(payout(chain).bytes);
    expect([mute, healthy].map((node) => node.count("broadcast_transaction"))).toEqual([1, 2]);
  });

  it("goes to another node the next time: the first may take everything and pass nothing on", async () => {
    const chain = new ScriptedChain().grow(5);
    const [swallowing, honest] = [await nodeOf(chain), await nodeOf(chain)];
    const client = clientOf([swallowing, honest]);
    const { bytes } = payout(chain);
    await client.broadcast(bytes);
    await client.broadcast(bytes);
    expect([swallowing, honest].map((node) => node.count("broadcast_transaction"))).toEqual([1, 1]);
  });

  it("uses nodes that are too stale to read, but none on another chain", async () => {
    const chain = new ScriptedChain().grow(5);
    const other = new ScriptedChain().grow(5);
    other.chainId = "33".repeat(32);
    const [stale, wrong] = [await nodeOf(chain), await nodeOf(other)];
    const client = clientOf([wrong, stale], { headFreshnessMs: 1, chainId: CHAIN_ID });
    expect(await client.broadcast(payout(chain).bytes)).toEqual({ type: "accepted" });
    expect([wrong, stale].map((node) => node.count("broadcast_transaction"))).toEqual([0, 1]);
    expect(await clientOf([wrong], { chainId: CHAIN_ID }).broadcast(payout(chain).bytes)).toMatchObject({
      type: "unknown",
    });
  });

  it("does not know when no node is there", async () => {
    const chain = new ScriptedChain().grow(5);
    const client = createChainClient({ nodes: ["ws://127.0.0.1:1"], callDeadlineMs: DEADLINE_MS });
    expect(await client.broadcast(payout(chain).bytes)).toMatchObject({ type: "unknown" });
    await client.close();
  });
});

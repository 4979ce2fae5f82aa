import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { accountFromSeeds } from "./default-accounts.ts";
import { type Devnet, type DevnetOptions, startDevnet } from "./devnet.ts";
import type { Json } from "./node/json-text.ts";
import { DevnetWallet } from "./wallet.ts";

const alice = accountFromSeeds("alice", { balanceBts: 1_000_000n, lifetimeMember: true });
const bob = accountFromSeeds("bob", { balanceBts: 1_000n });

const started: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const each of started.splice(0).reverse()) await each.stop();
});

async function givenDevnet(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const devnet = await startDevnet({ accounts: [alice, bob], blockIntervalMs: "manual", ...options });
  started.push(devnet);
  return devnet;
}

function walletOf(devnet: Devnet, { node = 0, account = alice } = {}): DevnetWallet {
  const wallet = new DevnetWallet({ url: devnet.urls[node] ?? "", ...account });
  started.push({ stop: () => wallet.close() });
  return wallet;
}

interface Head {
  head_block_number: number;
  head_block_id: string;
  time: string;
  last_irreversible_block_num: number;
}
const headOf = (wallet: DevnetWallet) =>
  wallet.call(0, "get_dynamic_global_properties", []) as unknown as Promise<Head>;
interface BlockWire {
  previous: string;
  timestamp: string;
  transactions: { operations: [number, unknown][] }[];
}
const blockOf = (wallet: DevnetWallet, num: number) =>
  wallet.call(0, "get_block", [num]) as unknown as Promise<BlockWire | null>;
const knows = async (wallet: DevnetWallet, txid: string) =>
  (await wallet.call(0, "get_recent_transaction_by_id", [txid])) !== null;

/** Frames of a raw connection, in order; `next` waits for one. */
async function givenSocket(devnet: Devnet, node = 0) {
  const socket = new WebSocket(devnet.urls[node] ?? "");
  const frames: Json[] = [];
  const waiting: ((frame: Json) => void)[] = [];
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString("utf8")) as Json;
    const next = waiting.shift();
    if (next === undefined) frames.push(frame);
    else next(frame);
  });
  await once(socket, "open");
  started.push({ stop: () => socket.terminate() });
  return {
    socket,
    frames,
    send: (id: number, api: number | string, method: string, args: unknown[]) =>
      socket.send(JSON.stringify({ id, method: "call", params: [api, method, args] })),
    next: (): Promise<Json> => {
      const frame = frames.shift();
      return frame === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(frame);
    },
  };
}

describe("blocks", () => {
  it("follow one another, and the last irreversible one is four behind with seven witnesses", async () => {
    const devnet = await givenDevnet();
    const wallet = walletOf(devnet);
    const lags: number[] = [];
    for (let round = 0; round < 30; round++) {
      await devnet.produce();
      const head = await headOf(wallet);
      if (round >= 7) lags.push(head.head_block_number - head.last_irreversible_block_num);
    }
    // Which witness comes when is shuffled in each round, so that single blocks are further behind.
    expect([4, 5]).toContain(lags.toSorted((a, b) => a - b)[Math.floor(lags.length / 2)]);
    expect(Math.max(...lags)).toBeLessThanOrEqual(8);
  });

  it("go on without becoming irreversible while that is stalled", async () => {
    const devnet = await givenDevnet();
    const wallet = walletOf(devnet);
    await devnet.produce(20);
    const before = await headOf(wallet);
    devnet.stallIrreversibility(true);
    await devnet.produce(20);
    const stalled = await headOf(wallet);
    expect(stalled.head_block_number).toBe(40);
    expect(stalled.last_irreversible_block_num).toBe(before.last_irreversible_block_num);
    devnet.stallIrreversibility(false);
    await devnet.produce();
    expect((await headOf(wallet)).last_irreversible_block_num).toBeGreaterThan(30);
  });

  it("may be half a day apart, and the interval stays a legal one", async () => {
    const devnet = await givenDevnet({
      secondsPerBlock: 51_840,
      genesisTime: new Date("2026-01-01T00:00:00Z"),
    });
    const wallet = walletOf(devnet);
    await devnet.produce(50);
    const head = await headOf(wallet);
    expect(Date.parse(`${head.time}Z`) - Date.parse("2026-01-31T00:00:00Z")).toBeLessThan(3_600_000);
    expect(head.head_block_number - head.last_irreversible_block_num).toBeLessThanOrEqual(8);
    const [{ parameters }] = (await wallet.call(0, "get_objects", [["2.0.0"]])) as unknown as [
      { parameters: { block_interval: number } },
    ];
    expect(parameters.block_interval).toBe(3);
  });

  it("come by themselves, and stop when production is paused", async () => {
    const devnet = await givenDevnet({ blockIntervalMs: 5 });
    const peer = await givenSocket(devnet);
    peer.send(1, 0, "set_block_applied_callback", [9]);
    await peer.next();
    expect(await peer.next()).toMatchObject({
      method: "notice",
      params: [9, [expect.stringMatching(/^[0-9a-f]{40}$/)]],
    });
    devnet.pause();
    const wallet = walletOf(devnet);
    const head = await headOf(wallet);
    expect((await headOf(wallet)).head_block_number).toBe(head.head_block_number);
  });

  it("come at another pace from the next one on", async () => {
    const devnet = await givenDevnet({ genesisTime: new Date("2026-01-01T00:00:00Z") });
    const wallet = walletOf(devnet);
    await devnet.produce();
    const before = await headOf(wallet);
    devnet.setPace({ blockIntervalMs: 60_000, secondsPerBlock: 3_600 });
    await devnet.produce();
    devnet.pause();
    const after = await headOf(wallet);
    expect(Date.parse(after.time) - Date.parse(before.time)).toBe(3_600_000);
    expect(() => devnet.setPace({ blockIntervalMs: 60_000, secondsPerBlock: 0.5 })).toThrow(RangeError);
  });

  it("carry operations that no client knows", async () => {
    const devnet = await givenDevnet();
    const wallet = walletOf(devnet);
    devnet.injectOperation([77, { fee: { amount: 5, asset_id: "1.3.0" }, seller: "1.2.13" }]);
    await devnet.produce();
    expect((await blockOf(wallet, 1))?.transactions[0]?.operations[0]?.[0]).toBe(77);
  });
});

describe("a transfer", () => {
  it("lowers the balance at once, is in the next block, and stays out of a block it cannot reach in time", async () => {
    const devnet = await givenDevnet();
    const wallet = walletOf(devnet);
    await devnet.produce(3);
    const before = await wallet.balanceShares();
    const { txid } = await wallet.transfer({
      to: "bob",
      amountShares: 5n,
      memo: "Zürich",
      expirationSeconds: 0,
    });
    const fee = 86_869n + (92n * 57_913n) / 1024n;
    expect(await wallet.balanceShares()).toBe(before - 5n - fee);
    const included = wallet.waitForIrreversible(txid);
    await devnet.produce(10); // the block after an expiration that equals the head time still takes it
    expect(await included).toEqual({ blockNum: 4, trxInBlock: 0 });

    const late = await wallet.transfer({ to: "bob", amountShares: 6n, expirationSeconds: 2 });
    expect(await knows(wallet, late.txid)).toBe(true);
    const { transaction } = await wallet.sign({ to: "bob", amountShares: 7n, expirationSeconds: 2 });
    await devnet.produce(1);
    await expect(
      wallet.call("network_broadcast", "broadcast_transaction", [transaction.wire()]),
    ).rejects.toThrow("now <= trx.expiration");
  });

  it("waits through a halted chain: the parent's time decides, not the block's own", async () => {
    const devnet = await givenDevnet();
    const wallet = walletOf(devnet);
    await devnet.produce(3);
    const { txid } = await wallet.transfer({ to: "bob", amountShares: 5n, expirationSeconds: 30 });
    devnet.skipTime(3600);
    await devnet.produce();
    expect((await blockOf(wallet, 4))?.transactions).toHaveLength(1);
    expect(await knows(wallet, txid)).toBe(false); // forgotten, although it was included
  });

  it("is told to the callback at its inclusion, with its result", async () => {
    const devnet = await givenDevnet();
    await devnet.produce(3);
    const { txid, transaction } = await walletOf(devnet).sign({ to: "bob", amountShares: 5n });
    const peer = await givenSocket(devnet);
    peer.send(1, "network_broadcast", "broadcast_transaction_with_callback", [44, transaction.wire()]);
    expect(await peer.next()).toEqual({ id: 1, result: null });
    peer.send(2, "network_broadcast", "broadcast_transaction_with_callback", [45, transaction.wire()]);
    expect(await peer.next()).toMatchObject({ id: 2, error: { code: 3030001 } });
    await devnet.produce();
    // The refused call armed its callback in place of the first one.
    expect(await peer.next()).toMatchObject({
      method: "notice",
      params: [45, [{ id: txid, block_num: 4, trx_num: 0, trx: { operation_results: [[0, {}]] } }]],
    });
  });

  it("pays the new fee once it is in force", async () => {
    const devnet = await givenDevnet();
    await devnet.produce(3);
    const wallet = walletOf(devnet);
    await wallet.transfer({ to: "bob", amountShares: 5n });
    devnet.setTransferFee({ fee: 200_000n, pricePerKbyte: 57_913n });
    await devnet.produce();
    await expect(wallet.transfer({ to: "bob", amountShares: 6n })).rejects.toThrow("Insufficient Fee Paid");
    const after = walletOf(devnet);
    await expect(after.transfer({ to: "bob", amountShares: 6n })).resolves.toBeDefined();
  });
});

describe("a fork", () => {
  it("is won by the longer branch; popped transactions come back if they can", async () => {
    const devnet = await givenDevnet({ nodes: 2 });
    const [left, right] = [walletOf(devnet), walletOf(devnet, { node: 1 })];
    await devnet.produce(20);
    const lib = (await headOf(left)).last_irreversible_block_num;
    devnet.partition([[0], [1]]);
    const peer = await givenSocket(devnet, 1);
    peer.send(1, 0, "set_block_applied_callback", [9]);
    await peer.next();

    const survivor = await right.transfer({ to: "bob", amountShares: 111n });
    const { transaction: both, txid: bothId } = await right.sign({ to: "bob", amountShares: 222n });
    for (const wallet of [right, left])
      await wallet.call("network_broadcast", "broadcast_transaction", [both.wire()]);
    await devnet.produce(2);
    const orphan = await right.transfer({ to: "bob", amountShares: 333n }); // refers to a block that will be orphaned
    await devnet.produce(1, 1);
    await devnet.produce(3, 0);
    expect((await blockOf(right, 21))?.transactions).toHaveLength(2);
    expect((await blockOf(left, 21))?.transactions).toHaveLength(1);
    expect((await headOf(right)).head_block_number).toBe(23);
    expect((await headOf(left)).head_block_number).toBe(25);
    for (let block = 21; block <= 23; block++) await peer.next();

    devnet.heal();
    expect(await headOf(right)).toEqual(await headOf(left));
    expect((await headOf(right)).last_irreversible_block_num).toBeGreaterThanOrEqual(lib);
    // One notice for each block of the winner, none for those taken back.
    const notices: number[] = [];
    for (let block = 21; block <= 25; block++) {
      const { params } = (await peer.next()) as unknown as { params: [number, [string]] };
      notices.push(Number.parseInt(params[1][0].slice(0, 8), 16));
    }
    expect(notices).toEqual([21, 22, 23, 24, 25]);

    // The survivor waits on the node that popped it until a witness of that node is next.
    expect(await knows(right, survivor.txid)).toBe(true);
    expect(await knows(left, survivor.txid)).toBe(false);
    expect(await knows(right, orphan.txid)).toBe(false);
    expect(await knows(right, bothId)).toBe(true);
    await devnet.produce(7);
    const blocks = await Promise.all([26, 27, 28, 29, 30, 31, 32].map((num) => blockOf(left, num)));
    const included = blocks.flatMap((block) => block?.transactions ?? []);
    expect(included.map(({ operations }) => operations[0]?.[1])).toMatchObject([{ amount: { amount: 111 } }]);
    // Id 1.11.0 was the survivor's on the lost branch.
    const history = (await right.call("history", "get_account_history", [
      "bob",
      "1.11.0",
      10,
      "1.11.0",
    ])) as Json[];
    expect(history).toMatchObject([
      { id: "1.11.1", op: [0, { amount: { amount: 111 } }] },
      { id: "1.11.0", op: [0, { amount: { amount: 222 } }], block_num: 21 },
    ]);
  });

  it("switches no node at equal height", async () => {
    const devnet = await givenDevnet({ nodes: 2 });
    const [left, right] = [walletOf(devnet), walletOf(devnet, { node: 1 })];
    await devnet.produce(20);
    devnet.partition([[0], [1]]);
    await devnet.produce(2);
    const before = (await headOf(right)).head_block_id;
    devnet.heal();
    expect((await headOf(right)).head_block_id).toBe(before);
    expect((await headOf(left)).head_block_id).not.toBe(before);
    await devnet.produce();
    expect(await headOf(right)).toEqual(await headOf(left));
  });
});

describe("faults", () => {
  it("the reply can be lost after the transaction was accepted", async () => {
    const devnet = await givenDevnet();
    await devnet.produce(3);
    devnet.nodes[0]?.faults.dropReplyAfterAccept(1);
    await expect(walletOf(devnet).transfer({ to: "bob", amountShares: 5n })).rejects.toThrow("closed");
    await devnet.produce();
    expect((await blockOf(walletOf(devnet), 4))?.transactions).toHaveLength(1);
  });

  it("a broadcast can be swallowed, or refused", async () => {
    const devnet = await givenDevnet();
    await devnet.produce(3);
    const wallet = walletOf(devnet);
    devnet.nodes[0]?.faults.swallowBroadcasts(1);
    await wallet.transfer({ to: "bob", amountShares: 5n });
    await devnet.produce();
    expect((await blockOf(wallet, 4))?.transactions).toEqual([]);
    devnet.nodes[0]?.faults.refuseBroadcasts("Not connected to P2P network, can't broadcast!");
    await expect(wallet.transfer({ to: "bob", amountShares: 5n })).rejects.toThrow(
      "_app.p2p_node() != nullptr: Not connected to P2P network, can't broadcast!",
    );
    devnet.nodes[0]?.faults.refuseBroadcasts(null);
    await expect(wallet.transfer({ to: "bob", amountShares: 5n })).resolves.toBeDefined();
  });

  it("a restart loses what was pending", async () => {
    const devnet = await givenDevnet();
    await devnet.produce(3);
    const { txid } = await walletOf(devnet).transfer({ to: "bob", amountShares: 5n });
    devnet.nodes[0]?.faults.restart();
    await devnet.produce();
    const wallet = walletOf(devnet);
    expect((await blockOf(wallet, 4))?.transactions).toEqual([]);
    expect(await knows(wallet, txid)).toBe(false);
  });

  it("a node can lag behind while the chain goes on, and catch up", async () => {
    const devnet = await givenDevnet({ nodes: 2 });
    const [ahead, behind] = [walletOf(devnet), walletOf(devnet, { node: 1 })];
    await devnet.produce(30);
    devnet.nodes[1]?.faults.lagBlocks(10);
    expect((await headOf(behind)).head_block_number).toBe(20);
    await devnet.produce(5);
    expect((await headOf(behind)).head_block_number).toBe(25);
    expect(await blockOf(behind, 26)).toBeNull();
    expect(await blockOf(behind, 25)).toEqual(await blockOf(ahead, 25));
    await expect(ahead.transfer({ to: "bob", amountShares: 5n })).resolves.toBeDefined();
    devnet.nodes[1]?.faults.lagBlocks(0);
    expect(await headOf(behind)).toEqual(await headOf(ahead));
  });

  it("replies can be late or in the opposite order, and a frozen node says nothing", async () => {
    const devnet = await givenDevnet();
    const peer = await givenSocket(devnet);
    const faults = devnet.nodes[0]?.faults;
    faults?.reorderReplies(true);
    for (const id of [1, 2, 3]) peer.send(id, 0, "get_chain_id", []);
    const ids = [await peer.next(), await peer.next(), await peer.next()].map(
      (frame) => (frame as { id: number }).id,
    );
    expect(new Set(ids)).toEqual(new Set([1, 2, 3]));
    expect(ids).not.toEqual([1, 2, 3]);
    faults?.reorderReplies(false);
    faults?.delayRepliesMs(30);
    const asked = Date.now();
    peer.send(4, 0, "get_chain_id", []);
    await peer.next();
    expect(Date.now() - asked).toBeGreaterThanOrEqual(25);
    faults?.delayRepliesMs(0);
    faults?.freeze(true);
    peer.send(5, 0, "get_chain_id", []);
    const pong = once(peer.socket, "pong");
    peer.socket.ping(); // answered by the transport: all that was sent before it has been read
    await pong;
    expect(peer.frames).toEqual([]);
    faults?.freeze(false);
    peer.send(6, 0, "get_chain_id", []);
    expect(await peer.next()).toMatchObject({ id: 6 });
  });

  it("a node can lie, refuse connections, and cut them", async () => {
    const devnet = await givenDevnet();
    const peer = await givenSocket(devnet);
    const faults = devnet.nodes[0]?.faults;
    faults?.lie((method, result) => (method === "get_chain_id" ? "00" : result));
    peer.send(1, 0, "get_chain_id", []);
    expect(await peer.next()).toEqual({ id: 1, result: "00" });
    faults?.lie(null);
    const closed = once(peer.socket, "close");
    faults?.disconnectAll();
    await closed;
    faults?.refuseConnections(true);
    await expect(walletOf(devnet).call(0, "get_chain_id", [])).rejects.toThrow();
    faults?.refuseConnections(false);
    await expect(walletOf(devnet).call(0, "get_chain_id", [])).resolves.toBe(devnet.chainId);
  });

  it("can be switched from another process", async () => {
    const devnet = await givenDevnet({ controlPort: 0 });
    const order = async (body: unknown) => {
      const response = await fetch(devnet.controlUrl ?? "", { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    expect(await order({ do: "produce", args: [3] })).toEqual({ status: 200, body: { ok: true } });
    expect((await headOf(walletOf(devnet))).head_block_number).toBe(3);
    expect(await order({ node: 0, do: "freeze", args: ["yes"] })).toMatchObject({ status: 400 });
    expect(await order({ node: 7, do: "heal" })).toMatchObject({ status: 400 });
    expect(await order({ do: "constructor" })).toMatchObject({ status: 400 });
    expect(await order({ do: "lie", args: [{ method: "get_chain_id", result: "00" }] })).toMatchObject({
      status: 200,
    });
    expect(await walletOf(devnet).call(0, "get_chain_id", [])).toBe("00");
    expect(await order({ do: "stop" })).toMatchObject({ status: 200 });
    await devnet.stopped;
  });
});

describe("subscriptions", () => {
  it("tell of objects that were read, block by block", async () => {
    const devnet = await givenDevnet();
    const peer = await givenSocket(devnet);
    peer.send(1, 0, "set_subscribe_callback", [12, false]);
    peer.send(2, 0, "get_objects", [["2.1.0"]]);
    await peer.next();
    await peer.next();
    await devnet.produce();
    expect(await peer.next()).toMatchObject({
      method: "notice",
      params: [12, [[{ id: "2.1.0", head_block_number: 1 }]]],
    });
  });
});

describe("history", () => {
  it("is pruned to so many entries per account", async () => {
    const devnet = await givenDevnet({ maxOpsPerAccount: 3 });
    const wallet = walletOf(devnet);
    await devnet.produce();
    for (let n = 1; n <= 5; n++) await wallet.transfer({ to: "bob", amountShares: BigInt(n) });
    await devnet.produce();
    const entries = (await wallet.call("history", "get_account_history", [
      "alice",
      "1.11.0",
      100,
      "1.11.0",
    ])) as Json[];
    expect(entries.map((entry) => (entry as { id: string }).id)).toEqual(["1.11.4", "1.11.3", "1.11.2"]);
    const [statistics] = (await wallet.call(0, "get_objects", [["2.6.13"]])) as Json[];
    expect(statistics).toMatchObject({ total_ops: 5, removed_ops: 2 });
  });
});

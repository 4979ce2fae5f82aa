import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { blockIdOf, merkleRootOf, ZERO_HASH } from "@stakebts/bitshares/block-id";
import { privateKeyFromWif } from "@stakebts/bitshares/keys";
import { createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { createSigner } from "@stakebts/bitshares/signer";
import { parseSignedTransaction, transactionToWire } from "@stakebts/bitshares/transaction-codec";
import { shares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { wifFromSeed } from "@stakebts/devnet";
import { WebSocketServer } from "ws";

/** What the blocks of a chain hold. */
export interface CannedChain {
  readonly blocks: number;
  /** Every so many-th block has one transfer to the custodian; 0: none has. */
  readonly transferEvery: number;
  /** So many transfers between strangers are in each block. */
  readonly strangers: number;
}

export const CUSTODIAN = { id: "1.2.100", name: "custodian" } as const;
const NOMINATOR = { id: "1.2.101", name: "nominator-1" } as const;
const STRANGER = { id: "1.2.102", name: "stranger" } as const;
const CHAIN_ID = "4018d7844c78f6a6c41c6a552b898022310fc5dec06da467ee7905a8dad512c8";
const START_SEC = 1_700_000_000;
/** What a transfer results in: one result, which is nothing. */
const RESULTS = { json: "[[0,{}]]", bytes: Buffer.from([1, 0]) };

/** A node in a process of its own that has its answers ready: it sends blocks as fast as the best node, and does nothing else. */
export async function startCannedNode(
  chain: CannedChain,
): Promise<{ readonly url: string; readonly stop: () => void }> {
  const args = ["--import", "tsx", "--conditions=source", import.meta.filename, JSON.stringify(chain)];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("no output");
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { url, stop: () => void child.kill() };
}

interface Transaction {
  readonly json: string;
  readonly packed: Uint8Array;
}

/** A signed transfer as a block has it. The same one may stand in many blocks: this benchmark does not ask whether a chain would take it. */
function transfer(
  from: { id: `1.2.${number}`; name: string },
  toId: `1.2.${number}`,
  n: number,
): Transaction {
  const to = toId === CUSTODIAN.id ? CUSTODIAN.name : STRANGER.name;
  const memo = createMemoWriter({ wif: wifFromSeed(`${from.name}-memo`) }).write({
    text: "what is this",
    toPublicKey: privateKeyFromWif(wifFromSeed(`${to}-memo`)).publicKeyText(),
    nonce: BigInt(n + 1),
  });
  const { bytes } = createSigner({ wif: wifFromSeed(`${from.name}-active`), chainId: CHAIN_ID }).sign({
    fromId: from.id,
    toId,
    amount: shares(500_000n + BigInt(n)),
    fee: shares(100n),
    memo,
    refBlockId: "00000001b656820f72f6b28cda811778632d4998",
    expirationMs: millis(START_SEC * 1_000),
  });
  const wire = JSON.stringify(transactionToWire(parseSignedTransaction(bytes, "BTS")));
  return {
    json: `${wire.slice(0, -1)},"operation_results":${RESULTS.json}}`,
    packed: Buffer.concat([bytes, RESULTS.bytes]),
  };
}

const timeText = (n: number): string => new Date((START_SEC + 3 * n) * 1_000).toISOString().slice(0, 19);

function serve({ blocks, transferEvery, strangers }: CannedChain): void {
  const others = Array.from({ length: strangers }, (_, n) => transfer(STRANGER, NOMINATOR.id, n));
  const withOurs = [...others, transfer(NOMINATOR, CUSTODIAN.id, strangers)];
  const kinds = [others, withOurs].map((transactions) => ({
    root: transactions.length === 0 ? ZERO_HASH : merkleRootOf(transactions.map(({ packed }) => packed)),
    json: `[${transactions.map(({ json }) => json).join(",")}]`,
  }));
  const headers: string[] = [""];
  const texts: (readonly [string, string])[] = [["null", ""]];
  let previous = ZERO_HASH;
  for (let n = 1; n <= blocks; n++) {
    const kind = kinds[transferEvery > 0 && n % transferEvery === 0 ? 1 : 0];
    if (kind === undefined) return;
    const witnessSignature = "20".repeat(65);
    const transactionMerkleRoot = kind.root;
    const header = `"previous":"${previous}","timestamp":"${timeText(n)}","witness":"1.6.${n % 11}","transaction_merkle_root":"${transactionMerkleRoot}","extensions":[],"witness_signature":"${witnessSignature}"`;
    previous = blockIdOf({
      previous,
      timestampSec: START_SEC + 3 * n,
      witness: n % 11,
      transactionMerkleRoot,
      witnessSignature,
    });
    headers.push(`{${header}}`);
    texts.push([header, kind.json]);
  }
  const head = `{"id":"2.1.0","head_block_number":${blocks},"head_block_id":"${previous}","time":"${timeText(blocks)}","last_irreversible_block_num":${blocks}}`;
  const accountOf = (asked: unknown): string => {
    const found = [CUSTODIAN, NOMINATOR, STRANGER].find(({ id, name }) => asked === id || asked === name);
    if (found === undefined) return "null";
    const key = (kind: string) => privateKeyFromWif(wifFromSeed(`${found.name}-${kind}`)).publicKeyText();
    const active = {
      weight_threshold: 1,
      account_auths: [],
      key_auths: [[key("active"), 1]],
      address_auths: [],
    };
    return JSON.stringify({
      id: found.id,
      name: found.name,
      active,
      owner: active,
      options: { memo_key: key("memo") },
      membership_expiration_date: "1970-01-01T00:00:00",
    });
  };
  const answer = (method: string, args: readonly unknown[]): string => {
    switch (method) {
      case "get_block": {
        const [header, transactions] = texts[Number(args[0])] ?? ["", undefined];
        return transactions === undefined ? "null" : `{${header},"transactions":${transactions}}`;
      }
      case "get_block_header":
        return headers[Number(args[0])] ?? "null";
      case "get_objects":
        return `[${head}]`;
      case "get_accounts":
        return `[${(args[0] as unknown[]).map(accountOf).join(",")}]`;
      case "get_chain_id":
        return `"${CHAIN_ID}"`;
      case "login":
        return "true";
      default:
        throw new Error(`this node was not asked for ${method} when it was written`);
    }
  };
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const { id, params } = JSON.parse(data.toString()) as {
        id: number;
        params: [unknown, string, unknown[]];
      };
      socket.send(`{"id":${id},"jsonrpc":"2.0","result":${answer(params[1], params[2])}}`);
    });
  });
  server.on("listening", () => {
    process.stdout.write(`ws://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}

const [, script, chain] = process.argv;
if (script === import.meta.filename && chain !== undefined) serve(JSON.parse(chain) as CannedChain);

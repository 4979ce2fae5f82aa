import { assert } from "../../domain/index.ts";
import {
  type AccountId,
  type ChainAccount,
  type ChainBlock,
  ChainError,
  type ChainReader,
  type ChainWriter,
} from "../../ports/chain.ts";
import { type ParsedBlock, parseBlock } from "./block-parser.ts";
import { readBlocks } from "./block-reader.ts";
import { broadcastTo } from "./broadcaster.ts";
import { isAccountReference, parseAccount, parseBalance, parsePermission } from "./chain-answers.ts";
import { parseTransferFeeSchedule } from "./fees.ts";
import { DEFAULT_KEY_PREFIX } from "./keys.ts";
import { NodePool, type NodeState, readBlockId } from "./node-pool.ts";
import type { ChainLog } from "./rpc-connection.ts";
import { CORE_ASSET_ID } from "./signer.ts";
import { asArray } from "./wire-values.ts";

export interface ChainClientOptions {
  /** WebSocket URLs, best first. */
  readonly nodes: readonly string[];
  /** So many nodes must agree on the id of an irreversible block before it counts. 1 by default: any one is believed. */
  readonly quorum?: number | undefined;
  /** For one question to one node. */
  readonly callDeadlineMs?: number | undefined;
  /** How far a node's head may be behind the host's clock. `undefined`: the host's clock is not asked. */
  readonly headFreshnessMs?: number | undefined;
  /** The chain to be on. By default what most of the nodes are on when first asked. */
  readonly chainId?: string | undefined;
  /** Of public keys in this chain's texts. */
  readonly keyPrefix?: string | undefined;
  readonly log?: ChainLog | undefined;
}

const CALL_DEADLINE_MS = 5_000;
/** Nodes themselves have no limit; proxies before public ones do. */
const ACCOUNTS_PER_CALL = 100;

export interface ChainClient extends ChainReader, ChainWriter {
  /** What was found out about each node when it was last asked; asks none. */
  nodes(): readonly NodeState[];
}

/** The chain as nodes tell it. Connects when first asked; `close` ends it. */
export function createChainClient(options: ChainClientOptions): ChainClient {
  const {
    nodes,
    quorum = 1,
    callDeadlineMs = CALL_DEADLINE_MS,
    keyPrefix = DEFAULT_KEY_PREFIX,
    log = () => {},
  } = options;
  assert(nodes.length > 0, "a chain client needs at least one node");
  assert(
    Number.isInteger(quorum) && quorum >= 1 && quorum <= nodes.length,
    `a quorum of ${quorum} cannot be had from ${nodes.length} nodes`,
  );
  const pool = new NodePool({
    nodes,
    quorum,
    callDeadlineMs,
    headFreshnessMs: options.headFreshnessMs,
    chainId: options.chainId,
    log,
  });

  async function blocks(request: { from: number; to: number; account: AccountId }): Promise<ChainBlock[]> {
    const { from, to } = request;
    assert(Number.isInteger(from) && Number.isInteger(to) && from >= 1 && to >= from, `blocks ${from}…${to}`);
    const parsed = await pool.read((connection) => readBlocks(connection, { ...request, keyPrefix }), {
      hasBlock: to,
    });
    // Each block names the one before it: who agrees on the last agrees on all.
    const last = (parsed.at(-1) as ParsedBlock).block;
    await pool.confirm(`block ${to}`, last.blockId, (connection) => readBlockId(connection, to));
    for (const { block, merkle } of parsed)
      if (merkle === "unverifiable") await confirmTransfers(block, request.account);
    return parsed.map(({ block }) => block);
  }

  /** The id says nothing of transactions that cannot be hashed here: let the other nodes say. */
  async function confirmTransfers(block: ChainBlock, account: AccountId): Promise<void> {
    log("block.unverifiable", { blockNum: block.blockNum, transfers: block.transfers.length });
    const { blockNum } = block;
    await pool.confirm(`transfers of block ${blockNum}`, transfersText(block), async (connection) => {
      const raw = await connection.call("database", "get_block", [blockNum]);
      return transfersText(parseBlock(raw, account, keyPrefix).block);
    });
  }

  async function accountsOf(asked: readonly string[]): Promise<(ChainAccount | undefined)[]> {
    if (asked.length === 0) return [];
    return pool.read(async (connection) => {
      // `false`: no subscription, or the connection would be sent whatever happens around these accounts.
      const answer = asArray(await connection.call("database", "get_accounts", [asked, false]), "accounts");
      if (answer.length !== asked.length) {
        throw new ChainError("malformed_answer", `${answer.length} accounts for ${asked.length} asked`);
      }
      return answer.map((value, i) => {
        if (value === null) return undefined;
        const account = parseAccount(value);
        if (account.id !== asked[i] && account.name !== asked[i]) {
          throw new ChainError("malformed_answer", `account ${account.id} in the place of ${asked[i]}`);
        }
        return account;
      });
    });
  }

  return {
    chainId: () => pool.chainId(),
    head: () => pool.head(),
    blocks,
    async accounts(namesOrIds) {
      const asked = [...new Set(namesOrIds.filter(isAccountReference))];
      const chunks: string[][] = [];
      for (let i = 0; i < asked.length; i += ACCOUNTS_PER_CALL)
        chunks.push(asked.slice(i, i + ACCOUNTS_PER_CALL));
      const found = (await Promise.all(chunks.map(accountsOf))).flat();
      const byReference = new Map(asked.map((reference, i) => [reference, found[i]]));
      return namesOrIds.map((reference) => byReference.get(reference));
    },
    balance: (account) =>
      pool.read(async (connection) =>
        parseBalance(
          await connection.call("database", "get_account_balances", [account, [CORE_ASSET_ID]]),
          CORE_ASSET_ID,
        ),
      ),
    permission: (id) =>
      pool.read(async (connection) => {
        const [answer = null] = asArray(await connection.call("database", "get_objects", [[id]]), "objects");
        return answer === null ? undefined : parsePermission(answer, id);
      }),
    transferFees: () =>
      pool.read(async (connection) => {
        const answer = await connection.call("database", "get_objects", [["2.0.0"]]);
        return parseTransferFeeSchedule(asArray(answer, "objects")[0]);
      }),
    broadcast: (bytes) => broadcastTo(pool, bytes, keyPrefix),
    nodes: () => pool.states(),
    close: async () => pool.close(),
  };
}

const transfersText = ({ transfers }: ChainBlock): string =>
  JSON.stringify(transfers, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));

import { assert } from "@stakebts/kernel/assert";
import { shares } from "@stakebts/kernel/amount";
import {
  type AccountId,
  type BalanceBounds,
  type ChainAccount,
  ChainError,
  type ChainReader,
  type ChainWriter,
  type NodeTrouble,
} from "./chain.ts";
import { type HistoryEntry, placeOf, readAccountHistory } from "./account-history.ts";
import type {
  AccountBlock,
  AccountHistoryEntry,
  AccountHistoryReader,
  AccountOperationReader,
  NewestBlockReader,
  ProposalReader,
  UndeliveredBlockReader,
} from "./account-operations.ts";
import { isActing, keySet, NO_KEYS, operationName } from "./acting-account.ts";
import { type ParsedBlock, parseBlock, parseClaim, parseTransfer } from "./block-parser.ts";
import { readBlockId, readBlocks } from "./block-reader.ts";
import { broadcastTo } from "./broadcaster.ts";
import {
  isAccountReference,
  parseAccount,
  parseAuthority,
  parseBalance,
  parsePermission,
} from "./chain-answers.ts";
import { parseTransferFeeSchedule } from "./fees.ts";
import { DEFAULT_KEY_PREFIX } from "./keys.ts";
import { distinctNodes, majorityOf } from "./node-address.ts";
import { NodePool, type NodeState } from "./node-pool.ts";
import type { ChainLog, RpcConnection } from "./rpc-connection.ts";
import { CORE_ASSET_ID } from "./signer.ts";
import { readProposal } from "./proposal.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import { readUndelivered } from "./undelivered-block.ts";
import { CLAIM_TAG, TRANSFER_TAG } from "./transaction-codec.ts";
import { asArray, asObject, asUint32 } from "./wire-values.ts";

export interface ChainClientOptions {
  /** WebSocket URLs, best first. */
  readonly nodes: readonly string[];
  /**
   * So many nodes must agree before anything counts. Default and minimum: more than half of the nodes, each server counted
   * once however it is spelled. Nodes that do not answer count as well. One node alone is believed.
   */
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
  /** Of each node. Default: as many as it bears. */
  readonly requestsPerSecond?: number | undefined;
  /** Questions for blocks that are on their way to one node at once. */
  readonly window?: number | undefined;
  /** Blocks that are asked for in one call. */
  readonly blocksAtOnce?: number | undefined;
  /** How long nothing is read from a node that was caught in a lie. Default: an hour. */
  readonly distrustMs?: number | undefined;
}

const CALL_DEADLINE_MS = 5_000;
const DISTRUST_MS = 3_600_000;
/** What a single node could say of a block that cannot be checked, no hash contradicts. */
const WITNESSES_OF_UNVERIFIABLE = 2;
/** What blocks may take of memory until they are reduced to what an account does in them. */
const WATCHED_BYTES_MAX = 48 * 1024 * 1024;
/** Questions about such blocks that are on their way at once. */
const UNVERIFIABLE_AT_ONCE = 16;
/** Nodes themselves have no limit; proxies before public ones do. */
const ACCOUNTS_PER_CALL = 100;

export interface ChainClient
  extends
    ChainReader,
    ChainWriter,
    AccountOperationReader,
    AccountHistoryReader,
    NewestBlockReader,
    ProposalReader,
    UndeliveredBlockReader {
  blocksAtOnce(max: number): Promise<number>;
  /** What was found out about each node when it was last asked; asks none. */
  nodes(): readonly NodeState[];
  /** What nodes were caught in, and what they could not agree on, since this was last asked. */
  takeTroubles(): readonly NodeTrouble[];
}

/** The chain as nodes tell it. Connects when first asked; `close` ends it. */
export function createChainClient(options: ChainClientOptions): ChainClient {
  const nodes = distinctNodes(options.nodes);
  const majority = majorityOf(nodes);
  const {
    quorum = majority,
    callDeadlineMs = CALL_DEADLINE_MS,
    keyPrefix = DEFAULT_KEY_PREFIX,
    log = () => {},
  } = options;
  assert(nodes.length > 0, "a chain client needs at least one node");
  assert(
    Number.isInteger(quorum) && quorum >= majority && quorum <= nodes.length,
    `a quorum of ${quorum} is none of ${nodes.length} different nodes: at least ${majority}, at most all`,
  );
  const pool = new NodePool({
    nodes,
    quorum,
    callDeadlineMs,
    headFreshnessMs: options.headFreshnessMs,
    chainId: options.chainId,
    log,
    requestsPerSecond: options.requestsPerSecond,
    distrustMs: options.distrustMs ?? DISTRUST_MS,
  });

  interface BlocksRequest {
    readonly from: number;
    readonly to: number;
    readonly account: AccountId;
    readonly keys?: ReadonlySet<string> | undefined;
    readonly heldBytesMax?: number;
  }

  /**
   * Blocks of one node on which a majority agrees. Also of a block that may still be replaced: what one node alone says of
   * it would stop payments, or hide a theft until it is final.
   */
  const agreedBlocks = (request: BlocksRequest, { isReversible }: { readonly isReversible: boolean }) => {
    const { from, to } = request;
    assert(Number.isInteger(from) && Number.isInteger(to) && from >= 1 && to >= from, `blocks ${from}…${to}`);
    return pool.read(
      async (connection) => {
        const read = await readBlocks(connection, {
          ...request,
          window: options.window,
          isFinal: !isReversible,
        });
        // Each block names the one before it: who agrees on the last agrees on all.
        const last = (read.at(-1) as ParsedBlock).block;
        await pool.confirm(
          `block ${last.blockNum}`,
          last.blockId,
          (other) => readBlockId(other, last.blockNum),
          {
            canChange: isReversible,
          },
        );
        const unverifiable = read.filter(({ merkle }) => merkle === "unverifiable");
        for (let i = 0; i < unverifiable.length; i += UNVERIFIABLE_AT_ONCE)
          await Promise.all(
            unverifiable
              .slice(i, i + UNVERIFIABLE_AT_ONCE)
              .map((parsed) => confirmOurs(parsed, request, isReversible)),
          );
        return read;
      },
      { hasBlock: to },
    );
  };

  /**
   * The id says nothing of transactions that cannot be hashed here: let the nodes say, at least two of them. On the word of
   * one, a transfer in such a block could be invented or hidden without a trace in any header.
   */
  async function confirmOurs(
    parsed: ParsedBlock,
    { account, keys }: Pick<BlocksRequest, "account" | "keys">,
    canChange: boolean,
  ): Promise<void> {
    const { blockNum, transfers } = parsed.block;
    log("block.unverifiable", { blockNum, transfers: transfers.length });
    await pool.confirm(
      `transfers of block ${blockNum}, which holds an operation that cannot be checked here`,
      oursIn(parsed),
      async (connection) => {
        const raw = await connection.call("database", "get_block", [blockNum]);
        return oursIn(parseBlock(raw, account, keys));
      },
      { atLeast: Math.max(quorum, WITNESSES_OF_UNVERIFIABLE), canChange },
    );
  }

  /** Whose money it is depends on these answers, and no hash vouches for them: the nodes have to agree. */
  async function accountsOf(asked: readonly string[]): Promise<readonly (ChainAccount | undefined)[]> {
    if (asked.length === 0) return [];
    return pool.agree(
      `accounts ${asked.join(", ").slice(0, 80)}`,
      (connection) => askAccounts(connection, asked),
      {
        text: (accounts) => JSON.stringify(accounts.map((account) => account ?? null)),
        isLie: (told, truth) =>
          told.some((account, i) => {
            const other = truth[i];
            return account !== undefined && other !== undefined && account.id !== other.id;
          }),
      },
    );
  }

  async function balanceBounds(account: AccountId): Promise<BalanceBounds> {
    const { atLeast, atMost } = await pool.agreeOnNumber(async (connection) =>
      parseBalance(
        await connection.call("database", "get_account_balances", [account, [CORE_ASSET_ID]]),
        CORE_ASSET_ID,
      ),
    );
    return { atLeast: shares(atLeast), atMost: shares(atMost) };
  }

  return {
    chainId: () => pool.chainId(),
    head: () => pool.head(),
    blocksAtOnce: async (max) => pool.blocksAtOnce(Math.min(max, options.blocksAtOnce ?? max)),
    async blocks(request) {
      return (await agreedBlocks(request, { isReversible: false })).map(({ block }) => block);
    },
    blockId: (blockNum) =>
      pool.agreeForEver(`block ${blockNum}`, (connection) => readBlockId(connection, blockNum)),
    async accountBlocks({ isReversible, keys, ...range }) {
      // Who watches wants few of the operations, and asks for the rest.
      const request = { ...range, keys: keySet(keys ?? []), heldBytesMax: WATCHED_BYTES_MAX };
      const read = await agreedBlocks(request, { isReversible });
      return read.map(accountBlockOf);
    },
    accountHistory: ({ account, from, to, toMs }) =>
      pool.agree(
        `history of ${account} in blocks ${from} to ${to}`,
        async (connection) => {
          await needBlock(connection, to);
          const entries = await readAccountHistory(connection, { account, from, upToMs: toMs });
          return entries.filter(({ blockNum }) => blockNum <= to).map((entry) => historyOf(account, entry));
        },
        { text: textOf, isLie: () => false },
      ),
    newestBlockNum: async () =>
      Number((await pool.agreeOnNumber(async (connection) => BigInt(await headOf(connection)))).atMost),
    proposal: (request) =>
      pool.agree(
        `proposal ${operationId(request.at)}`,
        async (connection) => readProposal(connection, request),
        { text: textOf, isLie: () => false },
      ),
    async undelivered(request) {
      const read = await pool.read((connection) => readUndelivered(connection, request), {
        hasBlock: request.blockNum,
      });
      const told = (parsed: ParsedBlock) => `${parsed.block.blockId} with ${oursIn(parsed)}`;
      await pool.confirm(
        `block ${request.blockNum}, which no node can deliver`,
        told(read),
        async (connection) => told(await readUndelivered(connection, request)),
      );
      return { block: read.block, operations: accountBlockOf(read) };
    },
    authorityOf: (account) =>
      pool.agree(
        `authority of ${account}`,
        async (connection) => {
          const answer = asArray(await connection.call("database", "get_objects", [[account]]), "objects");
          return parseAuthority(answer[0], account);
        },
        { text: (authority) => authority, isLie: () => false },
      ),
    async accounts(namesOrIds) {
      const asked = [...new Set(namesOrIds.filter(isAccountReference))];
      const chunks: string[][] = [];
      for (let i = 0; i < asked.length; i += ACCOUNTS_PER_CALL)
        chunks.push(asked.slice(i, i + ACCOUNTS_PER_CALL));
      const found = (await Promise.all(chunks.map(accountsOf))).flat();
      const byReference = new Map(asked.map((reference, i) => [reference, found[i]]));
      return namesOrIds.map((reference) => byReference.get(reference));
    },
    balance: async (account) => (await balanceBounds(account)).atLeast,
    balanceBounds,
    permission: (id) =>
      pool.agree(
        `permission ${id}`,
        async (connection) => {
          const [answer = null] = asArray(
            await connection.call("database", "get_objects", [[id]]),
            "objects",
          );
          return answer === null ? undefined : parsePermission(answer, id);
        },
        { text: (permission) => textOf(permission ?? null), isLie: () => false },
      ),
    transferFees: () =>
      pool.agree(
        "fees",
        async (connection) => {
          const answer = await connection.call("database", "get_objects", [["2.0.0"]]);
          return parseTransferFeeSchedule(asArray(answer, "objects")[0]);
        },
        { text: textOf, isLie: () => false },
      ),
    broadcast: (bytes) => broadcastTo(pool, bytes, keyPrefix),
    nodes: () => pool.states(),
    takeTroubles: () => pool.takeTroubles(),
    close: async () => pool.close(),
  };
}

async function askAccounts(
  connection: RpcConnection,
  asked: readonly string[],
): Promise<readonly (ChainAccount | undefined)[]> {
  // `false`: no subscription, or the connection would be sent all that happens around these accounts.
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
}

/** Of a node that is behind, the history ends before it should, and nothing in it says so. */
async function needBlock(connection: RpcConnection, blockNum: number): Promise<void> {
  if ((await headOf(connection)) < blockNum)
    throw new ChainError("no_usable_node", `${connection.name} does not have block ${blockNum} yet`);
}

async function headOf(connection: RpcConnection): Promise<number> {
  const [dynamic] = asArray(await connection.call("database", "get_objects", [["2.1.0"]]), "objects");
  return asUint32(asObject(dynamic, "dynamic properties")["head_block_number"], "head block");
}

function historyOf(account: AccountId, entry: HistoryEntry): AccountHistoryEntry {
  const { tag, body, blockNum, trxInBlock, opInTrx } = entry;
  const place = placeOf(entry);
  const position = place ?? { blockNum, trxInBlock, opInTrx };
  const isTransfer = place !== undefined && (tag === TRANSFER_TAG || tag === CLAIM_TAG);
  return {
    position,
    name: operationName(tag),
    isActing: isActing({ account, keys: NO_KEYS }, tag, body),
    transfer: isTransfer
      ? {
          permissionId: undefined,
          trxInBlock,
          opInTrx: position.opInTrx,
          ...(tag === TRANSFER_TAG ? parseTransfer(body) : parseClaim(body)),
        }
      : undefined,
  };
}

const accountBlockOf = ({ block, accountOperations }: ParsedBlock): AccountBlock => ({
  blockNum: block.blockNum,
  blockId: block.blockId,
  previousId: block.previousId,
  timeMs: block.timeMs,
  operations: accountOperations,
});

/** What such a block says of the account. */
const oursIn = ({ block, accountOperations }: ParsedBlock): string =>
  textOf([block.transfers, accountOperations, block.memoKeys ?? []]);

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part));

import { createHash, randomBytes } from "node:crypto";
import { PrivateKey as ReferencePrivateKey } from "bitsharesjs";
import { refBlockOf } from "@stakebts/bitshares/block-id";
import { createChainClient } from "@stakebts/bitshares/chain-client";
import { transferFee } from "@stakebts/bitshares/fees";
import { PrivateKey, privateKeyFromWif } from "@stakebts/bitshares/keys";
import { createMemoReader, createMemoWriter } from "@stakebts/bitshares/memo-cipher";
import { readBlockId } from "@stakebts/bitshares/block-reader";
import { createRpcConnection, type RpcConnection } from "@stakebts/bitshares/rpc-connection";
import { CORE_ASSET_ID, signDigest } from "@stakebts/bitshares/signer";
import {
  serializeSignedTransaction,
  serializeTransaction,
  type SignedTransferTransaction,
  transactionId,
  transactionToWire,
} from "@stakebts/bitshares/transaction-codec";
import { asArray, asText } from "@stakebts/bitshares/wire-values";
import { shares } from "@stakebts/kernel/amount";
import type {
  AccountId,
  ChainAccount,
  ChainBlock,
  ChainReader,
  ChainTransfer,
  ChainWriter,
  EncryptedMemo,
  PermissionId,
  TransferFeeSchedule,
} from "@stakebts/bitshares/chain";
import type { MemoReader, MemoWriter } from "@stakebts/bitshares/signing";

export interface ChainUnderTestOptions {
  readonly node: string;
  /** Name of a funded account. Each run sends about ten transfers of a few shares, and their fees, to `to`. */
  readonly account: string;
  /** Active key of the account. */
  readonly wif: string;
  /** Memo key of the account; the active key if it is the same. */
  readonly memoWif?: string | undefined;
  /** Receives the shares. By default the first account found that has an owner. */
  readonly to?: string | undefined;
  readonly keyPrefix?: string | undefined;
  readonly callDeadlineMs?: number | undefined;
}

/** One node, and one funded account on its chain. */
export interface ChainUnderTest {
  readonly rpc: RpcConnection;
  readonly client: ChainReader & ChainWriter;
  readonly chainId: string;
  readonly account: ChainAccount;
  readonly recipient: ChainAccount;
  readonly key: PrivateKey;
  readonly memoReader: MemoReader;
  readonly memoWriter: MemoWriter;
  readonly fees: TransferFeeSchedule;
  readonly keyPrefix: string;
  close(): Promise<void>;
}

/** Reserved accounts, 1.2.0 to 1.2.5: what is sent there is lost at once. */
const RESERVED_ACCOUNTS = 6;

async function findRecipient(rpc: RpcConnection, own: string): Promise<string> {
  const found = asArray(await rpc.call("database", "lookup_accounts", ["", 100, false]), "accounts");
  for (const entry of found) {
    const [name, id] = asArray(entry, "name and id").map((text) => asText(text, "name or id"));
    if (name !== undefined && name !== own && Number(id?.slice(4)) >= RESERVED_ACCOUNTS) return name;
  }
  throw new Error("no other account found on the chain: say which with --to");
}

/** Throws for a node that cannot be reached or does not know the accounts. */
export async function openChainUnderTest(options: ChainUnderTestOptions): Promise<ChainUnderTest> {
  const { node, keyPrefix = "BTS", callDeadlineMs = 10_000 } = options;
  const rpc = createRpcConnection({ url: node, callDeadlineMs, log: () => {} });
  const client = createChainClient({ nodes: [node], callDeadlineMs, keyPrefix });
  try {
    const chainId = await rpc.chainId();
    const to = options.to ?? (await findRecipient(rpc, options.account));
    const [account, recipient] = await client.accounts([options.account, to]);
    if (account === undefined) throw new Error(`no account ${options.account} on this chain`);
    if (recipient === undefined) throw new Error(`no account ${to} on this chain`);
    const memoWif = options.memoWif ?? options.wif;
    return {
      rpc,
      client,
      chainId,
      account,
      recipient,
      key: privateKeyFromWif(options.wif),
      memoReader: createMemoReader({ wifs: [memoWif], keyPrefix }),
      memoWriter: createMemoWriter({ wif: memoWif, keyPrefix }),
      fees: await client.transferFees(),
      keyPrefix,
      close: async () => {
        rpc.close();
        await client.close();
      },
    };
  } catch (error) {
    rpc.close();
    await client.close();
    throw error;
  }
}

/** What differs from an ordinary transfer of a few shares to the recipient. */
export interface CraftedParts {
  readonly amount?: bigint;
  readonly fee?: bigint;
  readonly memo?: EncryptedMemo;
  readonly fromId?: AccountId;
  readonly toId?: AccountId;
  /** Makes it a claim, of `toId` from `fromId`. */
  readonly permissionId?: PermissionId;
  readonly expirationSec?: number;
  readonly refBlockPrefix?: number;
  readonly key?: PrivateKey;
  readonly chainId?: string;
}

export interface CraftedTransfer {
  readonly txid: string;
  readonly bytes: Uint8Array;
  readonly unsigned: Uint8Array;
  readonly wire: object;
  readonly refBlockNum: number;
  readonly expirationSec: number;
  readonly amount: bigint;
  readonly fee: bigint;
}

let crafted = 0n;

/** Every crafted transfer has another amount: two equal ones within a second would be one transaction. */
const nextAmount = (): bigint => (++crafted % 1_000n) + 1n;

export const freshKey = (): PrivateKey => new PrivateKey(randomBytes(32).fill(1, 0, 1));

/** A key of no account on the chain: memos may name any key. */
export function freshMemoKey(keyPrefix: string): { publicKey: string; memoReader: MemoReader } {
  const wif = ReferencePrivateKey.fromBuffer(randomBytes(32).fill(1, 0, 1)).toWif();
  const memoReader = createMemoReader({ wifs: [wif], keyPrefix });
  return { publicKey: memoReader.publicKeys[0] as string, memoReader };
}

/** Signs what the product's own signer would refuse to. References the last irreversible block. */
export async function craft(test: ChainUnderTest, parts: CraftedParts = {}): Promise<CraftedTransfer> {
  const head = await test.client.head();
  const refNum = head.irreversibleBlockNum > 0 ? head.irreversibleBlockNum : head.headBlockNum;
  const reference = refBlockOf(await readBlockId(test.rpc, refNum));
  const amount = parts.amount ?? nextAmount();
  const fee = parts.fee ?? transferFee(test.fees, parts.memo);
  const expirationSec = parts.expirationSec ?? head.headTimeMs / 1000 + 60;
  const transaction = {
    ...reference,
    ...(parts.refBlockPrefix === undefined ? {} : { refBlockPrefix: parts.refBlockPrefix }),
    expirationSec,
    transfers: [
      {
        feeAmount: shares(fee),
        feeAssetId: CORE_ASSET_ID,
        fromId: parts.fromId ?? test.account.id,
        toId: parts.toId ?? test.recipient.id,
        amount: shares(amount),
        assetId: CORE_ASSET_ID,
        memo: parts.memo,
        permissionId: parts.permissionId,
      },
    ],
  };
  const unsigned = serializeTransaction(transaction);
  const digest = createHash("sha256")
    .update(Buffer.from(parts.chainId ?? test.chainId, "hex"))
    .update(unsigned)
    .digest();
  const signed: SignedTransferTransaction = {
    ...transaction,
    signatures: [signDigest(parts.key ?? test.key, digest)],
  };
  return {
    txid: transactionId(unsigned),
    bytes: serializeSignedTransaction(signed),
    unsigned,
    wire: transactionToWire(signed),
    refBlockNum: refNum,
    expirationSec,
    amount,
    fee,
  };
}

const POLL_MS = 50;

/** Asks again and again until there is an answer. `undefined` when there is none in time. */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  withinMs = 90_000,
): Promise<T | undefined> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > deadlineMs) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export interface Inclusion {
  readonly block: ChainBlock;
  readonly transfer: ChainTransfer;
}

/** The block of the head's branch that holds the transaction. `undefined` when none does in time. */
export function inclusionOf(test: ChainUnderTest, sent: CraftedTransfer): Promise<Inclusion | undefined> {
  let next = sent.refBlockNum + 1;
  return eventually(async () => {
    const { headBlockNum } = await test.client.head();
    if (headBlockNum < next) return undefined;
    const blocks = await test.client.blocks({ from: next, to: headBlockNum, account: test.account.id });
    next = headBlockNum + 1;
    for (const block of blocks) {
      const transfer = block.transfers.find(({ txid }) => txid === sent.txid);
      if (transfer) return { block, transfer };
    }
    return undefined;
  });
}

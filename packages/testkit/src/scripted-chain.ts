import { blockIdOf, merkleRootOf, ZERO_HASH } from "@stakebts/bitshares/block-id";
import {
  serializeSignedTransaction,
  type SignedTransferTransaction,
  transactionToWire,
} from "@stakebts/bitshares/transaction-codec";
import type { Script } from "./scripted-node.ts";

export const CHAIN_ID = "11".repeat(32);
const GENESIS_SEC = Date.UTC(2026, 0, 1) / 1000;
const INTERVAL_SEC = 3;

export interface WireBlock {
  readonly previous: string;
  readonly timestamp: string;
  readonly [key: string]: unknown;
}

/** A chain with real links and merkle roots. `branch` enters the signatures, so that branches have different ids. */
export class ScriptedChain {
  readonly blocks: WireBlock[] = [];
  readonly ids: string[] = [];
  irreversible = 0;
  chainId = CHAIN_ID;

  get head(): number {
    return this.blocks.length;
  }

  append(transactions: readonly SignedTransferTransaction[] = [], branch = 0): this {
    const timestampSec = GENESIS_SEC + (this.head + 1) * INTERVAL_SEC;
    const packed = transactions.map((transaction) =>
      Buffer.concat([serializeSignedTransaction(transaction), Buffer.of(0)]),
    );
    const header = {
      previous: this.ids.at(-1) ?? ZERO_HASH,
      timestampSec,
      witness: 1,
      transactionMerkleRoot: merkleRootOf(packed),
      witnessSignature: Buffer.alloc(65, branch).toString("hex"),
    };
    this.blocks.push({
      previous: header.previous,
      timestamp: new Date(timestampSec * 1000).toISOString().slice(0, 19),
      witness: "1.6.1",
      transaction_merkle_root: header.transactionMerkleRoot,
      extensions: [],
      witness_signature: header.witnessSignature,
      transactions: transactions.map((transaction) => ({
        ...transactionToWire(transaction),
        operation_results: [],
      })),
    });
    this.ids.push(blockIdOf(header));
    this.irreversible = this.head;
    return this;
  }

  grow(count: number, branch = 0): this {
    for (let i = 0; i < count; i++) this.append([], branch);
    return this;
  }

  copy(): ScriptedChain {
    const copy = new ScriptedChain();
    copy.blocks.push(...this.blocks);
    copy.ids.push(...this.ids);
    copy.irreversible = this.irreversible;
    return copy;
  }

  /** The questions that a chain client asks, answered truthfully. */
  script(): Script {
    return {
      get_chain_id: () => this.chainId,
      get_objects: (ids: string[]) => ids.map((id) => (id === "2.1.0" ? this.dynamicProperties() : null)),
      get_block: (n: number) => this.blocks[n - 1] ?? null,
      get_block_header: (n: number) => {
        const { transactions: _, ...header } = this.blocks[n - 1] ?? { transactions: [] };
        return n <= this.head ? header : null;
      },
      broadcast_transaction: () => null,
    };
  }

  dynamicProperties(): object {
    return {
      id: "2.1.0",
      head_block_number: this.head,
      head_block_id: this.ids.at(-1),
      time: this.blocks.at(-1)?.timestamp,
      last_irreversible_block_num: this.irreversible,
    };
  }
}

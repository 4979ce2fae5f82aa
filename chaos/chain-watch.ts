import {
  decryptMemo,
  type Devnet,
  DevnetWallet,
  parsePublicKeyText,
  privateKeyFromWif,
  wifFromSeed,
} from "@stakebts/devnet";
import type { AuditedBlock, AuditTerms } from "@stakebts/testkit/simulator/auditor";

type AccountId = AuditTerms["custodian"];
type Memo = NonNullable<AuditedBlock["transactions"][number]["memo"]>;

const TRANSFER = 0;
interface WireTransfer {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: { readonly amount: number | string; readonly asset_id: string };
  readonly memo?: Record<"from" | "to" | "message", string> & { readonly nonce: string | number };
}
interface WireBlock {
  readonly timestamp: string;
  readonly transactions: readonly {
    readonly operations: readonly (readonly [number, WireTransfer])[];
    readonly signatures: readonly string[];
  }[];
}

/**
 * Reads the final blocks of the chain, as anybody could, from a node that the cluster does not know and that nothing
 * happens to. Uses nothing of the product.
 */
export class ChainWatch {
  readonly blocks: AuditedBlock[] = [];
  headTimeMs = 0;
  readonly #url: string;
  readonly #wallet: DevnetWallet;

  constructor(url: string) {
    this.#url = url;
    this.#wallet = new DevnetWallet({ url, name: "auditor", activeKey: wifFromSeed("auditor") });
  }

  /** Reads what has become final since the last time. */
  async read(): Promise<void> {
    const head = (await this.#wallet.call(0, "get_dynamic_global_properties", [])) as unknown as {
      time: string;
      last_irreversible_block_num: number;
    };
    this.headTimeMs = Date.parse(`${head.time}Z`);
    while (this.blocks.length + 1 < head.last_irreversible_block_num) {
      const blockNum = this.blocks.length + 1;
      this.blocks.push(toAudited(blockNum, await this.#block(blockNum)));
    }
  }

  /** Over HTTP: a block with text that is no UTF-8 comes over no WebSocket. */
  async #block(num: number): Promise<WireBlock> {
    const body = JSON.stringify({ id: 1, method: "call", params: [0, "get_block", [num]] });
    const answer = await fetch(this.#url.replace(/^ws/u, "http"), { method: "POST", body });
    return ((await answer.json()) as { result: WireBlock }).result;
  }

  /** Time of the newest final block. */
  get finalTimeMs(): number {
    return this.blocks.at(-1)?.timeMs ?? 0;
  }

  async accountId(name: string): Promise<AccountId> {
    const [account] = (await this.#wallet.call(0, "get_accounts", [[name]])) as unknown as {
      id: AccountId;
    }[];
    if (account === undefined) throw new Error(`there is no account ${name}`);
    return account.id;
  }

  close(): void {
    this.#wallet.close();
  }
}

/** Transactions with one transfer; the auditor knows each by its first signature, as its sender does. What moves nothing is left out. */
function toAudited(blockNum: number, { timestamp, transactions }: WireBlock): AuditedBlock {
  return {
    blockNum,
    timeMs: Date.parse(`${timestamp}Z`),
    transactions: transactions.flatMap(({ operations, signatures }) => {
      if (!operations.some(([tag]) => tag === TRANSFER)) return [];
      const [[, transfer] = []] = operations;
      if (operations.length !== 1 || transfer === undefined)
        throw new Error(`block ${blockNum} holds a transfer among other operations`);
      const { from, to, amount, memo } = transfer;
      return {
        txid: signatures[0] ?? "",
        fromId: from,
        toId: to,
        amount: BigInt(amount.amount),
        assetId: amount.asset_id,
        memo:
          memo === undefined
            ? undefined
            : { from: memo.from, to: memo.to, nonce: String(memo.nonce), messageHex: memo.message },
      };
    }),
  };
}

/** Opens a memo that the custodian has written. */
export function memoOpener(wif: string): (memo: Memo | undefined) => string | undefined {
  const privateKey = privateKeyFromWif(wif);
  return (memo) =>
    memo === undefined
      ? undefined
      : decryptMemo({
          privateKey,
          publicKey: parsePublicKeyText(memo.to, "BTS"),
          nonce: BigInt(memo.nonce),
          encrypted: Buffer.from(memo.messageHex, "hex"),
        })?.toString("utf8");
}

/** The node that only the oracle and the nominators use: the last one. */
export const ownNode = ({ urls }: Devnet): string => urls.at(-1) as string;

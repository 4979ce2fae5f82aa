import {
  decryptMemo,
  type Devnet,
  DevnetWallet,
  parsePublicKeyText,
  privateKeyFromWif,
  wifFromSeed,
} from "@stakebts/devnet";
import type { AuditedBlock, AuditedTransaction, AuditTerms } from "@stakebts/testkit/simulator/auditor";

type AccountId = AuditTerms["custodian"];
type Memo = NonNullable<AuditedTransaction["memo"]>;

const TRANSFER = 0;
const PROPOSAL_CREATE = 22;
interface WireTransfer {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: { readonly amount: number | string; readonly asset_id: string };
  readonly memo?: Record<"from" | "to" | "message", string> & { readonly nonce: string | number };
}
type WireOperation = readonly [number, unknown];
interface WireProposal {
  readonly proposed_ops: readonly { readonly op: WireOperation }[];
}
interface WireBlock {
  readonly timestamp: string;
  readonly transactions: readonly {
    readonly operations: readonly WireOperation[];
    readonly signatures: readonly string[];
  }[];
}
/** What a block did, also what stands in none of its transactions. */
interface WireHistoryEntry {
  readonly op: WireOperation;
  /** Of an operation that makes something: its id. */
  readonly result: readonly [number, unknown];
  readonly trx_in_block: number;
  readonly op_in_trx: number;
  /** From 1 on: carried out by the operation at this place. */
  readonly virtual_op: number;
}

/**
 * Reads the final blocks of the chain, as any stranger could, from a node that the cluster does not know and that nothing
 * happens to. Uses nothing of the product.
 */
export class ChainWatch {
  readonly blocks: AuditedBlock[] = [];
  headTimeMs = 0;
  readonly #url: string;
  readonly #wallet: DevnetWallet;
  /** First signature of the transaction that proposed it, by {@link nameOfProposed}. */
  readonly #proposed = new Map<string, string>();

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
      const block = await blockOf(this.#url, blockNum);
      this.#remember(block);
      const { timestamp } = block;
      const transactions = [
        ...inTransactions(blockNum, block),
        ...(await this.#byProposals(blockNum, block)),
      ];
      this.blocks.push({
        blockNum,
        timeMs: Date.parse(`${timestamp}Z`),
        transactions: transactions.sort(inOrder),
      });
    }
  }

  #remember({ transactions }: WireBlock): void {
    for (const { operations, signatures } of transactions)
      for (const [tag, proposal] of operations)
        if (tag === PROPOSAL_CREATE)
          for (const { op } of (proposal as WireProposal).proposed_ops)
            if (op[0] === TRANSFER)
              this.#proposed.set(nameOfProposed(op[1] as WireTransfer), signatures[0] ?? "");
  }

  /** What the chain carried out itself, because it was approved. */
  async #byProposals(blockNum: number, { transactions }: WireBlock): Promise<AuditedTransaction[]> {
    const history = await historyOf(this.#url, blockNum);
    return history.flatMap(
      ({ op: [tag, operation], trx_in_block: trx, op_in_trx: op, virtual_op: virtual }) => {
        // What is carried out at the end of a block comes after all transactions, and is numbered from 0 on.
        if (tag !== TRANSFER || (virtual === 0 && trx < transactions.length)) return [];
        const transfer = operation as WireTransfer;
        const place = `${trx}:${op}${virtual === 0 ? "" : `.${virtual}`}`;
        const proposedBy = this.#proposed.get(nameOfProposed(transfer)) ?? "";
        return [{ ...audited(proposedBy, transfer, place), isProposed: true }];
      },
    );
  }

  /** How many transfers proposals have paid so far. */
  get proposed(): number {
    return this.blocks.flatMap(({ transactions }) => transactions).filter(({ isProposed }) => isProposed)
      .length;
  }

  /** Time of the newest final block. */
  get finalTimeMs(): number {
    return this.blocks.at(-1)?.timeMs ?? 0;
  }

  accountId(name: string): Promise<AccountId> {
    return accountIdOf(this.#wallet, name);
  }

  close(): void {
    this.#wallet.close();
  }
}

/** Transactions with one transfer; the auditor knows each by its first signature, as its sender does. What moves nothing is left out. */
function inTransactions(blockNum: number, { transactions }: WireBlock): AuditedTransaction[] {
  return transactions.flatMap(({ operations, signatures }, trx) => {
    if (!operations.some(([tag]) => tag === TRANSFER)) return [];
    const [[, transfer] = []] = operations;
    if (operations.length !== 1 || transfer === undefined)
      throw new Error(`block ${blockNum} holds a transfer among other operations`);
    return [audited(signatures[0] ?? "", transfer as WireTransfer, `${trx}:0`)];
  });
}

const audited = (
  txid: string,
  { from, to, amount, memo }: WireTransfer,
  place: string,
): AuditedTransaction => ({
  txid,
  fromId: from,
  toId: to,
  amount: BigInt(amount.amount),
  assetId: amount.asset_id,
  place,
  memo:
    memo === undefined
      ? undefined
      : { from: memo.from, to: memo.to, nonce: String(memo.nonce), messageHex: memo.message },
});

/** No two memos of one key have the same nonce. */
const nameOfProposed = ({ from, memo }: WireTransfer): string => `${from} ${memo?.nonce ?? ""}`;

/** What a proposal pays comes after the operation that carried it out. */
function inOrder({ place: one = "" }: AuditedTransaction, { place: other = "" }: AuditedTransaction): number {
  const [a, b] = [one, other].map((place) => place.split(/[:.]/u).map(Number));
  const differs = [0, 1, 2].find((part) => (a?.[part] ?? 0) !== (b?.[part] ?? 0));
  return differs === undefined ? 0 : (a?.[differs] ?? 0) - (b?.[differs] ?? 0);
}

/** Over HTTP: text that is no UTF-8 comes over no WebSocket. */
async function ask<Answer>(
  url: string,
  api: number | string,
  method: string,
  args: readonly unknown[],
): Promise<Answer> {
  const body = JSON.stringify({ id: 1, method: "call", params: [api, method, args] });
  const answer = await fetch(url.replace(/^ws/u, "http"), { method: "POST", body });
  const { result, error } = (await answer.json()) as { result: Answer; error?: unknown };
  if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
  return result;
}

const blockOf = (url: string, blockNum: number): Promise<WireBlock> => ask(url, 0, "get_block", [blockNum]);

const historyOf = (url: string, blockNum: number): Promise<readonly WireHistoryEntry[]> =>
  ask(url, "history", "get_block_operation_history", [blockNum]);

/** Of the wallet's account, or of another one. */
export async function accountIdOf(wallet: DevnetWallet, name = wallet.name): Promise<AccountId> {
  const [account] = (await wallet.call(0, "get_accounts", [[name]])) as unknown as { id: AccountId }[];
  if (account === undefined) throw new Error(`there is no account ${name}`);
  return account.id;
}

export async function headBlockNum(url: string): Promise<number> {
  const head = await ask<{ head_block_number: number }>(url, 0, "get_dynamic_global_properties", []);
  return head.head_block_number;
}

/** The proposal that the transaction with this signature has made, once the node has a block with it; it looks at the blocks from one on. */
export async function proposalMadeBy(
  url: string,
  { signature, fromBlockNum }: { readonly signature: string; readonly fromBlockNum: number },
): Promise<string | undefined> {
  const head = await headBlockNum(url);
  for (let blockNum = fromBlockNum; blockNum <= head; blockNum++) {
    const { transactions } = await blockOf(url, blockNum);
    const trx = transactions.findIndex(({ signatures }) => signatures[0] === signature);
    if (trx === -1) continue;
    const made = (await historyOf(url, blockNum)).find(
      ({ op: [tag], trx_in_block: at }) => at === trx && tag === PROPOSAL_CREATE,
    );
    if (made !== undefined) return String(made.result[1]);
  }
  return undefined;
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

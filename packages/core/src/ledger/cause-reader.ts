import type { AccountId, ChainAccount, ChainReader, ChainTransfer } from "@stakebts/bitshares/chain";
import { ChainError } from "@stakebts/bitshares/chain";
import type {
  AccountHistoryReader,
  ProposalReader,
  UndeliveredBlockReader,
} from "@stakebts/bitshares/account-operations";
import { ServiceError } from "@stakebts/kernel/errors";
import {
  executionOf,
  mayBeVirtual,
  operationId,
  type OperationPosition,
} from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import {
  type AskingTransfer,
  claimsOf,
  type Debt,
  type PaymentAttempt,
  type TransferOnChain,
  whyNotOnChain,
  whyReadOtherwise,
} from "../rules/owed.ts";
import type { MemoRequest } from "../rules/request.ts";
import type { PassedBlocks, RecordedTransfers } from "./ledger.ts";
import { readOrPass } from "./pass-blocks.ts";

export interface CauseReaderDeps {
  readonly chain: Pick<ChainReader, "blocks" | "accounts"> &
    Partial<UndeliveredBlockReader> &
    Partial<ProposalReader> &
    Partial<AccountHistoryReader>;
  /** Blocks that no node delivers: a majority is asked in another way what they hold of the custodian. */
  readonly passedBlocks: PassedBlocks;
  /** Transfers of executed proposals that no node tells of any more: where the proposal was made. */
  readonly recordedTransfers: Pick<RecordedTransfers, "at">;
  readonly custodian: { readonly id: AccountId };
  /** What a transfer asks for; without it memos are left alone, as by a process that has no key to them. */
  readonly requestOf?:
    | ((transfer: ChainTransfer, blockNum: number) => MemoRequest | Promise<MemoRequest>)
    | undefined;
}

/** A cause whose memo is for a memo key of the custodian that this process does not have: nothing is known of the debt. */
export class CauseUnread extends ServiceError {
  override readonly name = "CauseUnread";
  readonly publicKey: string;
  constructor(transfer: string, publicKey: string) {
    super(`the memo of transfer ${transfer} is for ${publicKey}, which is not in STAKEBTS_MEMO_KEY`);
    this.publicKey = publicKey;
  }
}

/** Remembered transfers, one with a long memo counting for several: a few megabytes. */
const REMEMBERED_MAX = 20_000;
const MEMO_DIGITS_OF_ONE = 1_024;
/** Single blocks that are asked for at once, and blocks in a row. */
const AT_ONCE = 100;
const BLOCKS_AT_ONCE = 100;

export interface NotDead {
  readonly isInBlock: boolean;
  readonly why: string;
}

const isReadable = (request: MemoRequest | undefined): boolean =>
  request !== undefined && !(request.type === "invalid" && request.reason === "unreadable");

/** The custodian's incoming transfers of one block. */
interface SeenBlock {
  readonly timeMs: Millis;
  readonly transfers: readonly ChainTransfer[];
  readonly weight: number;
  /** What the chain itself did in it is asked for when a claim names a place that no transaction has. */
  readonly virtual: "unread" | "read";
}

/**
 * Reads from this process's own nodes the transfers that debts follow from. A block that was read once is remembered with all
 * of the custodian's transfers in it, because final blocks do not change: twelve rewards of an agreement cost one question.
 */
export class CauseReader {
  readonly #deps: CauseReaderDeps;
  /** Those asked for last are at the end. */
  readonly #blocks = new Map<number, SeenBlock>();
  #weight = 0;
  /** Questions that are not answered yet. */
  readonly #asked = new Map<number, Promise<SeenBlock>>();
  readonly #names = new Map<AccountId, string>();
  /** What remembered transfers ask for. */
  readonly #requests = new WeakMap<ChainTransfer, MemoRequest>();
  /** Transactions that are in no block and never will be. */
  readonly #dead = new Set<string>();

  constructor(deps: CauseReaderDeps) {
    this.#deps = deps;
  }

  /**
   * Why what the debt follows from is not so on the chain; `undefined`: it is.
   * @param upToBlockNum the newest block that nodes may have; a cause in a later one is none
   * Throws ChainError when no node can be asked and CauseUnread when a memo cannot be read: then nothing is known.
   */
  async whyNotOnChain(debt: Debt, upToBlockNum: number): Promise<string | undefined> {
    const claims = claimsOf(debt);
    const blocks = await this.#read(
      claims.map(({ transfer }) => transfer.operation),
      upToBlockNum,
    );
    for (const claim of claims) {
      const found = await this.#find(blocks, claim.transfer.operation);
      const request = found?.request;
      // What all can see is looked at first. A refund of a transfer with a readable memo is owed with any memo.
      // What only a lost key opens is taken on the ledger's word: people have said so.
      const isUnread =
        request?.type === "unread" &&
        request.isLost !== true &&
        !(claim.asks === "any" && isReadable(claim.transfer.request));
      const visible =
        found === undefined || request?.type !== "unread" ? found : { ...found, request: undefined };
      const problem = whyNotOnChain(claim, visible);
      if (problem === undefined && isUnread)
        throw new CauseUnread(operationId(claim.transfer.operation), request.publicKey);
      if (problem !== undefined) return `payout ${debt.key} does not follow from the chain: ${problem}`;
    }
    return undefined;
  }

  /** Begins to read what {@link whyNotOnChain} will ask for. What fails is met again there. */
  readAhead(debts: readonly Debt[], upToBlockNum: number): void {
    const asked = new Set(debts.flatMap(blockNumsOf));
    for (const blockNum of asked) {
      if (blockNum < 1 || blockNum > upToBlockNum || this.#blocks.has(blockNum)) continue;
      this.#askOnce(blockNum).catch(() => undefined);
    }
  }

  /**
   * Why the ledger says something else of an incoming transfer than the chain, for each of which it does (rules/owed.ts). What an
   * executed proposal may have sent is left to the watcher. Throws ChainError when no node can be asked.
   */
  async whyReadOtherwise(
    transfers: readonly Pick<AskingTransfer, "operation" | "request">[],
    upToBlockNum: number,
  ): Promise<readonly { readonly operation: OperationPosition; readonly why: string }[]> {
    const blocks = await this.#readBlocks(
      transfers.map(({ operation }) => operation),
      upToBlockNum,
    );
    const problems: { operation: OperationPosition; why: string }[] = [];
    for (const transfer of transfers) {
      const { operation } = transfer;
      const found = await this.#find(blocks, operation);
      if (found === undefined && mayBeVirtual(operation)) continue;
      const why = whyReadOtherwise(transfer, found);
      if (why !== undefined) problems.push({ operation, why });
    }
    return problems;
  }

  /**
   * Why a transaction may still be, or is, in a block; `undefined`: it is in none and never will be (ADR 0006).
   * A block that no node delivers names no transactions, so over it nothing can be said, and a person decides.
   * @param finalBlockNum the newest block that will not be undone
   * Throws ChainError.
   */
  async whyNotDead(
    { txid, refBlockNum, expirationMs }: PaymentAttempt,
    finalBlockNum: number,
  ): Promise<NotDead | undefined> {
    if (this.#dead.has(txid)) return undefined;
    const { chain, custodian } = this.#deps;
    for (let from = refBlockNum + 1; from <= finalBlockNum; from += BLOCKS_AT_ONCE) {
      const to = Math.min(finalBlockNum, from + BLOCKS_AT_ONCE - 1);
      for (const block of await chain.blocks({ from, to, account: custodian.id })) {
        if (block.payments.some((payment) => payment.txid === txid))
          return { isInBlock: true, why: `transaction ${txid} is in block ${block.blockNum}` };
        if (block.timeMs <= expirationMs) continue;
        if (this.#dead.size >= REMEMBERED_MAX) this.#dead.clear();
        this.#dead.add(txid);
        return undefined;
      }
    }
    return { isInBlock: false, why: `transaction ${txid} may still be taken by a block` };
  }

  /** An account that was looked up already need not be asked for again. Names never change. */
  knows({ id, name }: Pick<ChainAccount, "id" | "name">): void {
    if (this.#names.size >= REMEMBERED_MAX) this.#names.clear();
    this.#names.set(id, name);
  }

  async #read(
    places: readonly OperationPosition[],
    upToBlockNum: number,
  ): Promise<ReadonlyMap<number, SeenBlock>> {
    const found = await this.#readBlocks(places, upToBlockNum);
    for (const at of places) {
      const block = found.get(at.blockNum);
      if (block?.virtual === "unread" && mayBeVirtual(at) && inBlock(block, at) === undefined) {
        const whole = await this.#withVirtual(at, block);
        found.set(at.blockNum, whole);
        this.#remember(at.blockNum, whole);
      }
    }
    return found;
  }

  async #readBlocks(
    places: readonly OperationPosition[],
    upToBlockNum: number,
  ): Promise<Map<number, SeenBlock>> {
    const asked = [...new Set(places.map(({ blockNum }) => blockNum))];
    const possible = asked.filter((blockNum) => blockNum >= 1 && blockNum <= upToBlockNum);
    const found = new Map<number, SeenBlock>();
    for (let i = 0; i < possible.length; i += AT_ONCE)
      await Promise.all(
        possible.slice(i, i + AT_ONCE).map(async (blockNum) => {
          found.set(blockNum, this.#blocks.get(blockNum) ?? (await this.#askOnce(blockNum)));
        }),
      );
    for (const [blockNum, block] of found) this.#remember(blockNum, block);
    return found;
  }

  /** Debts that are looked at together often follow from the same block. */
  #askOnce(blockNum: number): Promise<SeenBlock> {
    const asked = this.#asked.get(blockNum) ?? this.#ask(blockNum);
    this.#asked.set(blockNum, asked);
    return asked.finally(() => this.#asked.delete(blockNum));
  }

  async #ask(blockNum: number): Promise<SeenBlock> {
    const { chain, passedBlocks, custodian } = this.#deps;
    const [block] = await readOrPass(
      { chain, passedBlocks, account: custodian.id },
      { from: blockNum, to: blockNum },
      (range) => chain.blocks({ ...range, account: custodian.id }),
    );
    if (block?.blockNum !== blockNum)
      throw new ChainError("inconsistent_chain", `asked for block ${blockNum}, and got another`);
    const transfers = block.transfers.filter(({ toId }) => toId === custodian.id);
    return { timeMs: block.timeMs, transfers, weight: weightOf(transfers), virtual: "unread" };
  }

  /**
   * With what the chain itself did in the block, which stands in none of its transactions and which the account's history has.
   * Throws ChainError where no majority of the nodes can tell.
   */
  async #withVirtual(at: OperationPosition, block: SeenBlock): Promise<SeenBlock> {
    const { chain, custodian } = this.#deps;
    if (chain.accountHistory === undefined) return block;
    const { blockNum } = at;
    const range = { from: blockNum, to: blockNum, toMs: block.timeMs };
    let entries: readonly { readonly transfer: Omit<ChainTransfer, "txid"> | undefined }[];
    try {
      entries = await chain.accountHistory({ account: custodian.id, ...range });
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      return this.#asRecorded(at, block, error);
    }
    const found = entries.flatMap(({ transfer }) =>
      transfer === undefined || transfer.toId !== custodian.id || inBlock(block, transfer) !== undefined
        ? []
        : [{ ...transfer, txid: undefined }],
    );
    const transfers = [...block.transfers, ...found];
    return { ...block, transfers, weight: weightOf(transfers), virtual: "read" };
  }

  /**
   * What a person has recorded says where the proposal was made; what the transfer is, its block says. That it was executed, the watcher's
   * balance shows (ADR 0022). Nothing else of the block is known by it.
   */
  async #asRecorded(at: OperationPosition, block: SeenBlock, why: ChainError): Promise<SeenBlock> {
    const { chain, custodian, recordedTransfers } = this.#deps;
    const recorded = await recordedTransfers.at(at);
    if (recorded === undefined || chain.proposal === undefined)
      throw new ChainError(
        why.code,
        `${why.message}; if an executed proposal has paid ${operationId(at)}: stakebts transfers record`,
        { cause: why },
      );
    const { proposal, proposedOp } = recorded;
    const { transfers } = await chain.proposal({
      at: proposal,
      executedAt: executionOf(at),
      account: custodian.id,
    });
    const found = transfers.find((one) => one.proposedOp === proposedOp)?.transfer;
    if (found === undefined) return block;
    const { trxInBlock, opInTrx } = at;
    return { ...block, transfers: [...block.transfers, { ...found, trxInBlock, opInTrx, txid: undefined }] };
  }

  #remember(blockNum: number, block: SeenBlock): void {
    const before = this.#blocks.get(blockNum);
    this.#blocks.delete(blockNum);
    this.#weight += block.weight - (before?.weight ?? 0);
    this.#blocks.set(blockNum, block);
    for (const [oldest, { weight }] of this.#blocks) {
      if (this.#weight <= REMEMBERED_MAX) break;
      this.#blocks.delete(oldest);
      this.#weight -= weight;
    }
  }

  async #find(
    blocks: ReadonlyMap<number, SeenBlock>,
    at: OperationPosition,
  ): Promise<TransferOnChain | undefined> {
    const { blockNum } = at;
    const block = blocks.get(blockNum);
    const found = block === undefined ? undefined : inBlock(block, at);
    if (block === undefined || found === undefined) return undefined;
    const { amount, assetId } = found;
    const request = await this.#requestOf(found, blockNum);
    return { sender: await this.#nameOf(found.fromId), timeMs: block.timeMs, amount, assetId, request };
  }

  /** One memo is opened, and not those of all who sent something in that block. What no key opens is looked at anew: one may come. */
  async #requestOf(transfer: ChainTransfer, blockNum: number): Promise<MemoRequest | undefined> {
    const known = this.#requests.get(transfer);
    if (known !== undefined) return known;
    const request = await this.#deps.requestOf?.(transfer, blockNum);
    if (request !== undefined && request.type !== "unread" && isReadable(request))
      this.#requests.set(transfer, request);
    return request;
  }

  async #nameOf(id: AccountId): Promise<string> {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const [account] = await this.#deps.chain.accounts([id]);
    if (account === undefined)
      throw new ChainError("inconsistent_chain", `no node knows account ${id}, which has sent something`);
    this.knows(account);
    return account.name;
  }
}

const blockNumsOf = (debt: Debt): readonly number[] =>
  claimsOf(debt).map(({ transfer }) => transfer.operation.blockNum);

const inBlock = (
  { transfers }: Pick<SeenBlock, "transfers">,
  { trxInBlock, opInTrx }: Pick<OperationPosition, "trxInBlock" | "opInTrx">,
): ChainTransfer | undefined =>
  transfers.find((transfer) => transfer.trxInBlock === trxInBlock && transfer.opInTrx === opInTrx);

const weightOf = (transfers: readonly ChainTransfer[]): number =>
  transfers.reduce(
    (sum, { memo }) => sum + 1 + Math.floor((memo?.messageHex.length ?? 0) / MEMO_DIGITS_OF_ONE),
    1,
  );

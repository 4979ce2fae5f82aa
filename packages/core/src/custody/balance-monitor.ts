import { executionOf, operationId } from "@stakebts/kernel/operation-id";
import { assert } from "@stakebts/kernel/assert";
import { sharesText } from "@stakebts/kernel/text";
import { shares } from "@stakebts/kernel/amount";
import type { Log } from "@stakebts/kernel/log";
import {
  type AccountId,
  type ChainBlock,
  ChainError,
  type ChainReader,
  type ChainTransfer,
} from "@stakebts/bitshares/chain";
import type {
  AccountHistoryReader,
  NewestBlockReader,
  ProposalReader,
  UndeliveredBlockReader,
} from "@stakebts/bitshares/account-operations";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";
import { readOrPass } from "../ledger/pass-blocks.ts";
import { virtualOnly } from "../ledger/read-history.ts";
import { CORE_ASSET_ID } from "../rules/transfer.ts";
import type { MonitorLedger } from "./monitor-ledger.ts";
import {
  type BalanceDifference,
  type BalanceSample,
  differenceOf,
  type Movement,
  movementOf,
  windowOf,
} from "./reckon-balance.ts";

export interface BalanceMonitorDeps {
  readonly chain: Pick<ChainReader, "head" | "blocks" | "blocksAtOnce" | "balanceBounds"> &
    Partial<AccountHistoryReader> &
    Partial<ProposalReader> &
    Partial<NewestBlockReader> &
    Partial<UndeliveredBlockReader>;
  readonly ledger: Pick<
    MonitorLedger,
    | "lastNote"
    | "note"
    | "stopPayments"
    | "tell"
    | "adjustmentsAfter"
    | "inFlight"
    | "passedBlocks"
    | "recordedTransfers"
    | "addReceipts"
  >;
  readonly log: Log;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** Called once for each alert. */
  readonly onAlert: (alert: NewReceipt) => void;
}

export interface BalanceState {
  /** The last block after which the balance was what it should be. */
  readonly agreesAtBlockNum: number | undefined;
  /** Shares more than expected, as last found to persist; 0: none. */
  readonly difference: bigint;
}

const BLOCKS_PER_STEP = 500;
/** Of movements, beyond what the oldest sample needs. */
const BLOCKS_KEPT = 100;
/** So many samples in a row, at rising heads, have to show a difference: less than half a minute of blocks. */
const SAMPLES_IN_A_ROW = 4;
/** Samples that wait for their blocks to become final. */
const SAMPLES_MAX = 200;
/** What is expected is written down this often, in blocks: an hour. */
const NOTE_EVERY_BLOCKS = 1_200;
/** A history that no majority tells for half an hour of blocks is given up: what it held is a difference then. */
const HISTORY_GIVE_UP_BLOCKS = 600;

/** What a watcher notes, as JSON with digits for amounts. */
interface Expectation {
  /** After this block the custodian holds `shares`, as far as blocks, history and people say. */
  blockNum: number;
  shares: bigint;
  /** Up to where the history was read for what proposals have paid. */
  historyBlockNum: number;
  /** The last adjustment that is in it. */
  adjustmentId: bigint;
  agreesAtBlockNum: number;
  /** After this block it began. */
  baseBlockNum: number;
  /** Places of transfers that people have recorded and that were looked at. */
  recorded: readonly string[];
  /** What proposals have paid in since, by block, sender and amount: told by the history or recorded, and counted once. */
  paidIn: readonly string[];
}

/**
 * Compares what the custodian holds with what came and left by all that this watcher can see: transfers in final blocks, those that
 * proposals have made, fees, and what people vouch for (ADR 0022). Money that is missing stops payments; what is too much is said.
 */
export class BalanceMonitor {
  readonly #deps: BalanceMonitorDeps;
  #expected: Expectation | undefined;
  /** Of the newest final blocks, in order: those that the windows of samples reach back to. */
  #movements: readonly Movement[] = [];
  #samples: readonly BalanceSample[] = [];
  /** What blocks hold that the history has not been compared with yet. */
  readonly #inBlocks = new Map<number, readonly ChainTransfer[]>();
  #sampledBlockNum = 0;
  #notedBlockNum = 0;
  /** Before there is an expectation: samples in a row with one answer and nothing that moved. */
  #quiet: readonly BalanceSample[] = [];
  /** Differences in a row, all of one sign. */
  #inARow: readonly BalanceDifference[] = [];
  #difference = 0n;
  #historyFailingSince: number | undefined;

  constructor(deps: BalanceMonitorDeps) {
    this.#deps = deps;
  }

  get state(): BalanceState {
    return { agreesAtBlockNum: this.#expected?.agreesAtBlockNum, difference: this.#difference };
  }

  /** Everything new; safe to call again after it has thrown. Answers whether final blocks are left. Throws ChainError. */
  async look(): Promise<boolean> {
    const head = await this.#deps.chain.head();
    const final = lastFinalBlockNum(head.irreversibleBlockNum);
    const expected = (this.#expected ??= await this.#begin());
    if (expected === undefined) {
      await this.#sample(head.headBlockNum, final);
      await this.#findBaseline(final);
      return false;
    }
    if (await this.#readBlocks(expected, final)) return true;
    await this.#readHistory(expected);
    await this.#readRecorded(expected);
    await this.#adjust(expected);
    await this.#sample(head.headBlockNum, final);
    await this.#judge(expected);
    return false;
  }

  /** `undefined`: no watcher of this ledger has ever known what the custodian holds. */
  async #begin(): Promise<Expectation | undefined> {
    const note = await this.#deps.ledger.lastNote("balance");
    if (note === undefined) return undefined;
    const expected = fromNote(note);
    this.#notedBlockNum = expected.blockNum;
    this.#deps.log.info("balance.continues", { afterBlock: expected.blockNum });
    return expected;
  }

  /**
   * The first expectation is what nodes say, again and again, while nothing moves: then the answer is of each of these blocks. Once would
   * not do: the block that it was of may have been replaced.
   */
  async #findBaseline(final: number): Promise<void> {
    for (const sample of this.#samples) {
      const { afterBlockNum, toBlockNum } = windowOf(sample);
      if (toBlockNum > final) return;
      this.#samples = this.#samples.slice(1);
      const isExact = sample.atLeast === sample.atMost && sample.inFlight === 0n && afterBlockNum >= 0;
      const isQuiet = isExact && (await this.#isQuiet(afterBlockNum + 1, toBlockNum));
      const isSame = this.#quiet.every(({ atLeast }) => atLeast === sample.atLeast);
      this.#quiet = isQuiet ? [...(isSame ? this.#quiet : []), sample] : [];
      if (this.#quiet.length < SAMPLES_IN_A_ROW) continue;
      const adjustments = await this.#deps.ledger.adjustmentsAfter(0n);
      const expected: Expectation = {
        blockNum: toBlockNum,
        shares: sample.atLeast,
        historyBlockNum: toBlockNum,
        adjustmentId: adjustments.at(-1)?.id ?? 0n,
        agreesAtBlockNum: toBlockNum,
        baseBlockNum: toBlockNum,
        recorded: [],
        paidIn: [],
      };
      await this.#note(expected, 0n);
      await this.#deps.ledger.addReceipts([
        {
          event: "balance.recorded",
          subject: this.#deps.custodian.name,
          details: { block: toBlockNum, shares: `${sample.atLeast}` },
        },
      ]);
      this.#samples = [];
      this.#expected = expected;
      return;
    }
  }

  /** As far as nodes tell: where they keep no history, what a proposal has paid in just then is a difference later. */
  async #isQuiet(from: number, to: number): Promise<boolean> {
    const { chain, custodian } = this.#deps;
    if ((await this.#blocks(from, to)).some(({ transfers }) => transfers.length > 0)) return false;
    if (chain.accountHistory === undefined) return true;
    try {
      const entries = await chain.accountHistory({ account: custodian.id, from, to });
      return entries.every(({ transfer }) => transfer === undefined);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      return true;
    }
  }

  async #readBlocks(expected: Expectation, final: number): Promise<boolean> {
    if (final <= expected.blockNum) return false;
    const size = (await this.#deps.chain.blocksAtOnce?.(BLOCKS_PER_STEP)) ?? BLOCKS_PER_STEP;
    const to = Math.min(final, expected.blockNum + size);
    const blocks = await this.#blocks(expected.blockNum + 1, to);
    // What may fail comes before anything is counted: the step is done again as a whole.
    for (const block of blocks) await this.#sayOtherAssets(block);
    for (const block of blocks) {
      this.#move(expected, block.blockNum, block.transfers);
      if (block.transfers.length > 0) this.#inBlocks.set(block.blockNum, block.transfers);
    }
    expected.blockNum = to;
    this.#forgetOld(expected);
    return to < final;
  }

  /** What came and left in a block, now or as found out later. */
  #move(expected: Expectation, blockNum: number, transfers: readonly ChainTransfer[]): void {
    const moved = transfers.map((transfer) => movementOf(transfer, this.#deps.custodian.id));
    const came = moved.reduce((sum, movement) => sum + movement.came, 0n);
    const left = moved.reduce((sum, movement) => sum + movement.left, 0n);
    if (came === 0n && left === 0n) return;
    expected.shares += came - left;
    this.#movements = [...this.#movements, { blockNum, came, left }];
  }

  /** What the chain carried out itself, as an approved proposal: no block holds it. */
  async #readHistory(expected: Expectation): Promise<void> {
    const { chain, custodian, log } = this.#deps;
    const { historyBlockNum, blockNum } = expected;
    if (chain.accountHistory === undefined || blockNum <= historyBlockNum) return;
    try {
      const range = { from: historyBlockNum + 1, to: blockNum };
      const entries = await chain.accountHistory({ account: custodian.id, ...range });
      const byBlock = new Map<number, ChainTransfer[]>();
      for (const { transfer, position } of entries)
        if (transfer !== undefined)
          byBlock.set(position.blockNum, [
            ...(byBlock.get(position.blockNum) ?? []),
            { ...transfer, txid: undefined },
          ]);
      const found: { blockNum: number; transfers: readonly ChainTransfer[] }[] = [];
      for (const [at, there] of byBlock)
        found.push({ blockNum: at, transfers: virtualOnly(await this.#held(at), there) });
      for (const one of found)
        this.#move(
          expected,
          one.blockNum,
          one.transfers.filter((transfer) => this.#isNews(expected, one.blockNum, transfer)),
        );
      this.#inBlocks.clear();
      expected.historyBlockNum = blockNum;
      this.#historyFailingSince = undefined;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      if (this.#historyFailingSince === undefined)
        log.warn("balance.history_unread", { afterBlock: historyBlockNum, reason: error.message });
      this.#historyFailingSince ??= blockNum;
      if (blockNum - this.#historyFailingSince >= HISTORY_GIVE_UP_BLOCKS) expected.historyBlockNum = blockNum;
    }
  }

  /** What the block holds of the account: kept since it was read, if it was read by this process. */
  async #held(blockNum: number): Promise<Pick<ChainBlock, "transfers">> {
    const transfers = this.#inBlocks.get(blockNum);
    if (transfers !== undefined) return { transfers };
    const [block] = await this.#blocks(blockNum, blockNum);
    assert(block !== undefined, `asked for block ${blockNum} and got none`);
    return block;
  }

  /** Money that a proposal paid in: `false` when it is counted already, told by the other source. */
  #isNews(
    expected: Expectation,
    blockNum: number,
    { fromId, toId, amount, assetId }: Pick<ChainTransfer, "fromId" | "toId" | "amount" | "assetId">,
  ): boolean {
    if (toId !== this.#deps.custodian.id) return true;
    const name = `${blockNum} ${fromId} ${amount} ${assetId}`;
    if (expected.paidIn.includes(name)) return false;
    expected.paidIn = [...expected.paidIn, name];
    return true;
  }

  /** What people have recorded, as the block of its proposal says: of who has recorded it nothing but its place is believed. */
  async #readRecorded(expected: Expectation): Promise<void> {
    const { chain, ledger, custodian } = this.#deps;
    const range = { from: expected.baseBlockNum + 1, to: expected.blockNum };
    for (const { operation, proposal, proposedOp } of await ledger.recordedTransfers.within(range)) {
      const name = operationId(operation);
      if (expected.recorded.includes(name) || chain.proposal === undefined) continue;
      const executedAt = executionOf(operation);
      const { transfers } = await chain.proposal({ at: proposal, executedAt, account: custodian.id });
      const found = transfers.find((one) => one.proposedOp === proposedOp)?.transfer;
      const { trxInBlock, opInTrx } = operation;
      if (found !== undefined && this.#isNews(expected, operation.blockNum, found))
        this.#move(expected, operation.blockNum, [{ ...found, trxInBlock, opInTrx, txid: undefined }]);
      expected.recorded = [...expected.recorded, name];
    }
  }

  async #adjust(expected: Expectation): Promise<void> {
    for (const { id, amount } of await this.#deps.ledger.adjustmentsAfter(expected.adjustmentId)) {
      expected.shares += amount;
      expected.adjustmentId = id;
      this.#inARow = [];
      this.#samples = []; // They are of what was expected before.
    }
  }

  async #sample(headBlockNum: number, finalBlockNum: number): Promise<void> {
    const { chain, ledger, custodian } = this.#deps;
    if (headBlockNum <= this.#sampledBlockNum || this.#samples.length >= SAMPLES_MAX) return;
    // Before the question: what is confirmed meanwhile is in the blocks of the window.
    const inFlight = await ledger.inFlight();
    const { atLeast, atMost } = await chain.balanceBounds(custodian.id);
    // Not the head of a moment ago: the answer may be of a later block.
    const newest = (await chain.newestBlockNum?.()) ?? (await chain.head()).headBlockNum;
    this.#sampledBlockNum = headBlockNum;
    const toBlockNum = Math.max(headBlockNum, newest);
    const bounds = { fromBlockNum: headBlockNum, toBlockNum, finalBlockNum };
    this.#samples = [...this.#samples, { ...bounds, atLeast, atMost, inFlight }];
  }

  async #judge(expected: Expectation): Promise<void> {
    while (this.#samples[0] !== undefined && windowOf(this.#samples[0]).toBlockNum <= expected.blockNum) {
      const [sample, ...others] = this.#samples;
      const { afterBlockNum, toBlockNum } = windowOf(sample);
      const later = this.#movements.filter(({ blockNum }) => blockNum > afterBlockNum);
      const then = later.reduce((sum, { came, left }) => sum - came + left, expected.shares);
      const difference = differenceOf(
        sample,
        then,
        later.filter(({ blockNum }) => blockNum <= toBlockNum),
      );
      if (difference === undefined) await this.#agrees(expected, afterBlockNum);
      else await this.#differs(expected, difference);
      this.#samples = others;
    }
  }

  #forgetOld({ blockNum }: Expectation): void {
    const [oldest] = this.#samples;
    const needed = Math.min(blockNum, oldest === undefined ? blockNum : windowOf(oldest).afterBlockNum);
    this.#movements = this.#movements.filter((movement) => movement.blockNum > needed - BLOCKS_KEPT);
    // What the history could not be compared with for so long is asked for again.
    for (const at of this.#inBlocks.keys())
      if (at <= blockNum - HISTORY_GIVE_UP_BLOCKS) this.#inBlocks.delete(at);
  }

  async #agrees(expected: Expectation, blockNum: number): Promise<void> {
    this.#inARow = [];
    expected.agreesAtBlockNum = Math.max(expected.agreesAtBlockNum, blockNum);
    const isOver = this.#difference !== 0n;
    if (isOver || expected.blockNum >= this.#notedBlockNum + NOTE_EVERY_BLOCKS)
      await this.#note(expected, 0n);
    if (isOver) this.#deps.log.info("balance.agrees", { block: blockNum });
    this.#difference = 0n;
  }

  async #differs(expected: Expectation, difference: BalanceDifference): Promise<void> {
    const before = this.#inARow.at(-1);
    const isSameSign = before === undefined || before.amount > 0n === difference.amount > 0n;
    this.#inARow = [...(isSameSign ? this.#inARow : []), difference].slice(-SAMPLES_IN_A_ROW);
    if (this.#inARow.length < SAMPLES_IN_A_ROW) return;
    const exact = this.#inARow.findLast(({ isExact }) => isExact);
    const amount = (exact ?? leastOf(this.#inARow)).amount;
    // Of one that is not exact no second alarm follows when it changes.
    if (this.#difference === amount || (this.#difference !== 0n && exact === undefined)) return;
    await this.#alarm(expected, amount, exact !== undefined);
    this.#difference = amount;
  }

  async #alarm(expected: Expectation, amount: bigint, isExact: boolean): Promise<void> {
    const { ledger, log, custodian } = this.#deps;
    const isMissing = amount < 0n;
    const size = shares(isMissing ? -amount : amount);
    const since = expected.agreesAtBlockNum;
    const how = isExact ? "" : "at least ";
    const reason = `${custodian.name} holds ${how}${sharesText(size)} ${isMissing ? "less" : "more"} than what came and left since block ${since}`;
    const accept = `stakebts balance accept --amount ${isMissing ? "-" : ""}${plainBts(size)} --reason '…'`;
    const receipt: NewReceipt = {
      event: isMissing ? "balance.missing" : "balance.surplus",
      subject: `${custodian.name} ${amount} after block ${since}`,
      details: {
        amountShares: `${amount}`,
        isExact,
        afterBlock: since,
        reason,
        todo: isMissing
          ? `payments are off: look at the account's history since that block; if it is legitimate: ${accept}`
          : `an executed proposal? stakebts transfers record; anything else that is legitimate: ${accept}`,
      },
    };
    await this.#note(expected, amount);
    const isNew = isMissing ? await ledger.stopPayments(receipt, reason) : await ledger.tell(receipt);
    if (!isNew) return;
    logReceipt(log, receipt);
    this.#deps.onAlert(receipt);
  }

  async #sayOtherAssets({ transfers }: ChainBlock): Promise<void> {
    const { ledger, custodian } = this.#deps;
    for (const transfer of transfers) {
      const { toId, assetId, amount, trxInBlock, opInTrx } = transfer;
      if (toId !== custodian.id || assetId === CORE_ASSET_ID) continue;
      const reason = `${custodian.name} got ${assetId} for the first time`;
      const details = { units: `${amount}`, at: `${trxInBlock}:${opInTrx}`, reason };
      await ledger.tell({ event: "balance.other_asset", subject: assetId, details });
    }
  }

  async #note(expected: Expectation, difference: bigint): Promise<void> {
    await this.#deps.ledger.note("balance", this.#deps.custodian.name, toNote(expected, difference));
    this.#notedBlockNum = expected.blockNum;
  }

  async #blocks(from: number, to: number): Promise<readonly ChainBlock[]> {
    const { chain, ledger, custodian } = this.#deps;
    const account = custodian.id;
    const blocks: ChainBlock[] = [];
    while (blocks.length < to - from + 1)
      blocks.push(
        ...(await readOrPass(
          { chain, passedBlocks: ledger.passedBlocks, account },
          { from: from + blocks.length, to },
          (range) => chain.blocks({ ...range, account }),
        )),
      );
    return blocks;
  }
}

const leastOf = (differences: readonly BalanceDifference[]): BalanceDifference =>
  differences.reduce((least, one) => (one.amount ** 2n < least.amount ** 2n ? one : least));

/** Digits with a point, as the command takes them. */
const plainBts = (amount: bigint): string =>
  `${amount / 100_000n}.${(amount % 100_000n).toString().padStart(5, "0")}`;

/** `ledger/reconciled-balance.ts` reads a part of it for people; the difference is there for them alone. */
const toNote = (expected: Expectation, difference: bigint): string =>
  JSON.stringify({ ...expected, difference }, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );

/** Only watchers write there. */
function fromNote(text: string): Expectation {
  const { difference: _, ...note } = JSON.parse(text) as Omit<Expectation, "shares" | "adjustmentId"> & {
    readonly shares: string;
    readonly adjustmentId: string;
    readonly difference?: string;
  };
  return { ...note, shares: BigInt(note.shares), adjustmentId: BigInt(note.adjustmentId) };
}

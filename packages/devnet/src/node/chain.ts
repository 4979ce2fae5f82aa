import { verifyAuthority } from "./authority.ts";
import { type Block, type BlockDirectives, refPrefixOf, signBlock } from "./block.ts";
import {
  type CarriedOut,
  type ChainState,
  MAINTENANCE_SKIP_SLOTS,
  MAXIMUM_BLOCK_SIZE,
} from "./chain-state.ts";
import { applyOperation, concernedAccounts } from "./evaluate.ts";
import { expireProposals } from "./evaluate-proposal.ts";
import { assertion, at, DUPLICATE_TRANSACTION, NodeError } from "./node-error.ts";
import { irreversibleBlockNum, shuffledWitnesses, slotTime } from "./schedule.ts";
import type { OperationResult, Transaction } from "./transaction.ts";
import type { Change } from "./undo-map.ts";
import { wireTime } from "./wire-values.ts";

const TRANSACTION_BYTES_MAX = 1024 * 1024;

/** Blocks that can still be taken back although they are irreversible: what a lagging node is made from. */
const UNDO_MARGIN_BLOCKS = 200;

export interface AppliedBlock {
  readonly block: Block;
  /** Per transaction, per operation. */
  readonly results: readonly (readonly OperationResult[])[];
  readonly changes: readonly Change[];
}

/**
 * One node's chain: main branch, other branches, pending transactions.
 *
 * The state stands on the head block with the pending transactions on top, in an undo session of their own. A new block
 * takes that session back, is applied, and the pending transactions are tried again, those that fail now being dropped
 * without a word. If a branch grows higher than the head, the blocks above the fork are taken back, and their
 * transactions go to the front of the pending ones.
 */
export class Chain {
  readonly state: ChainState;
  /** Main branch; index 0 is block 1. */
  #main: Block[] = [];
  /** Blocks off the main branch that may still win. */
  #branches = new Map<string, Block>();
  #pending: Transaction[] = [];
  /** Told after the head moved; several blocks at once when the branch was switched. */
  onApplied: ((blocks: readonly AppliedBlock[]) => void) | undefined;
  /** Told of every pending transaction, and again whenever it is re-applied after a block. */
  onPending: ((transaction: Transaction) => void) | undefined;

  constructor(state: ChainState) {
    this.state = state;
    this.state.log.begin();
  }

  get pending(): readonly Transaction[] {
    return this.#pending;
  }

  /** Block of the main branch. */
  block(num: number): Block | undefined {
    return this.#main[num - 1];
  }

  get head(): Block | undefined {
    return this.#main.at(-1);
  }

  /** Takes a transaction into the pending pool. Throws the node's refusal. */
  push(transaction: Transaction): void {
    this.#applyPending(transaction);
    this.#pending.push(transaction);
    this.onPending?.(transaction);
  }

  /** A dry run on head and pending. */
  dryRun(transaction: Transaction): readonly OperationResult[] {
    this.state.log.begin();
    try {
      return this.#checked(transaction);
    } finally {
      this.state.log.undo();
    }
  }

  #applyPending(transaction: Transaction): readonly OperationResult[] {
    this.state.log.begin();
    try {
      const results = this.#checked(transaction);
      this.state.log.merge();
      return results;
    } catch (error) {
      this.state.log.undo();
      throw error;
    }
  }

  /** All checks in the node's order, then the operations. */
  #checked(transaction: Transaction): readonly OperationResult[] {
    if (!transaction.injected) {
      transaction.validate();
      transaction.signatureKeys(this.state.chainId);
    }
    const place = at("db_block.cpp", 280, "push_transaction");
    try {
      if (transaction.packedSigned().length >= TRANSACTION_BYTES_MAX)
        throw assertion(
          "fc::raw::pack_size( trx ) < (1024 * 1024)",
          at("db_block.cpp", 273, "push_transaction"),
          {
            text: "Transaction exceeds maximum transaction size.",
          },
        );
      return this.#apply(transaction);
    } catch (error) {
      throw error instanceof NodeError ? error.passing(place, () => ({ trx: transaction.wire() })) : error;
    }
  }

  #apply(transaction: Transaction): readonly OperationResult[] {
    try {
      this.#admit(transaction);
      this.state.remember(transaction);
      this.state.carriedOut.length = 0;
      return transaction.operations.map((operation, opInTrx) => {
        this.state.evaluating = opInTrx;
        return applyOperation(this.state, operation);
      });
    } catch (error) {
      throw error instanceof NodeError
        ? error.passing(at("db_block.cpp", 782, "_apply_transaction"), () => ({ trx: transaction.wire() }))
        : error;
    }
  }

  #admit(transaction: Transaction): void {
    const { state } = this;
    const place = (line: number) => at("db_block.cpp", line, "_apply_transaction");
    if (state.known.has(transaction.id))
      throw new NodeError(
        DUPLICATE_TRANSACTION,
        place(708),
        "Transaction '${txid}' is already in the database",
        {
          txid: transaction.id,
        },
      );
    if (transaction.injected) return;
    verifyAuthority(state, transaction, transaction.signatureKeys(state.chainId));
    const { headNum, headTime } = state.dynamic;
    if (headNum === 0) return; // nothing to refer to and no time has passed
    if (transaction.refBlockPrefix !== refPrefixOf(state.blockSummary(transaction.refBlockNum)))
      throw assertion("trx.ref_block_prefix == tapos_block_summary.block_id._hash[1].value()", place(740));
    const { maximumTimeUntilExpirationSeconds, maximumTransactionSize } = state.genesis;
    if (transaction.expiration > headTime + maximumTimeUntilExpirationSeconds)
      throw assertion("trx.expiration <= now + chain_parameters.maximum_time_until_expiration", place(745), {
        data: {
          "trx.expiration": wireTime(transaction.expiration),
          now: wireTime(headTime),
          max_til_exp: maximumTimeUntilExpirationSeconds,
        },
      });
    if (headTime > transaction.expiration)
      throw assertion("now <= trx.expiration", place(747), {
        data: { now: wireTime(headTime), "trx.exp": wireTime(transaction.expiration) },
      });
    if (transaction.unsigned.length > maximumTransactionSize)
      throw assertion(
        "head_block_time() <= HARDFORK_CORE_1573_TIME || trx.get_packed_size() <= chain_parameters.maximum_transaction_size",
        place(749),
        { text: "Transaction exceeds maximum transaction size." },
      );
  }

  /** Time of a slot after the head, UTC seconds. */
  slotTime(slot: number): number {
    const { dynamic, genesis } = this.state;
    return slotTime({
      time: dynamic.headTime,
      blockIntervalSeconds: genesis.blockIntervalSeconds,
      maintenanceBlock: dynamic.maintenanceBlock,
      maintenanceSkipSlots: MAINTENANCE_SKIP_SLOTS,
      slot,
    });
  }

  /** Whose turn it is, `turns` turns after the last one taken (1 = the next). */
  witnessAfter(turns: number): number {
    const { order, turn } = this.state.rota;
    return order[(turn + turns) % order.length] as number;
  }

  /** Makes the next block of the pending transactions that still hold and fit, and applies it. */
  produce(options: { timestamp: number; directives: BlockDirectives }): Block {
    const { state } = this;
    const { log } = state;
    log.undo(); // the pending session
    log.begin();
    const included: Transaction[] = [];
    let size = 0;
    for (const transaction of this.#pending) {
      const bytes = transaction.packedSigned().length + 1;
      if (size + bytes > MAXIMUM_BLOCK_SIZE) continue;
      log.begin();
      try {
        this.#apply(transaction);
        log.merge();
        included.push(transaction);
        size += bytes;
      } catch (error) {
        log.undo();
        if (!(error instanceof NodeError)) throw error;
      }
    }
    log.undo();
    log.begin(); // left empty: pushBlock is about to take the pending session back anyway
    const witness = this.witnessAfter(options.directives.turns);
    const key = state.genesis.witnesses[witness - 1]?.signingKey;
    if (key === undefined) throw new Error(`no signing key for witness 1.6.${witness}`);
    const block = signBlock(
      {
        previous: state.dynamic.headId,
        timestamp: options.timestamp,
        witness,
        transactions: included,
        directives: options.directives,
      },
      key,
    );
    this.pushBlock(block);
    return block;
  }

  /**
   * Takes a block from a peer or from this node's witness.
   * @returns whether the block is known now; `false` for one without a known parent, or too old to matter.
   */
  pushBlock(block: Block): boolean {
    const { headNum, headId, irreversibleNum } = this.state.dynamic;
    if (this.block(block.num)?.id === block.id || this.#branches.has(block.id)) return true;
    if (block.previous === headId) {
      this.#extend([], [block]);
      return true;
    }
    if (block.num <= irreversibleNum) return false;
    const parentIsMain = this.block(block.num - 1)?.id === block.previous;
    if (!parentIsMain && !this.#branches.has(block.previous)) return false;
    this.#branches.set(block.id, block);
    if (block.num > headNum) this.#switchTo(block);
    return true;
  }

  #switchTo(tip: Block): void {
    const branch: Block[] = [];
    let at: Block | undefined = tip;
    while (at !== undefined && this.block(at.num)?.id !== at.id) {
      branch.unshift(at);
      at = this.#branches.get(at.previous) ?? this.block(at.num - 1);
    }
    const forkNum = (branch[0] as Block).num - 1;
    this.#extend(this.#main.slice(forkNum), branch);
  }

  /** Takes `popped` (the newest blocks of the main branch) back and applies `added`. */
  #extend(popped: readonly Block[], added: readonly Block[]): void {
    const { log } = this.state;
    log.undo(); // the pending session
    for (const block of [...popped].reverse()) {
      log.undo();
      this.#main.pop();
      this.#branches.set(block.id, block);
    }
    const applied = added.map((block) => {
      this.#branches.delete(block.id);
      return this.#applyBlock(block);
    });
    this.#dropDeadBranches();
    log.begin();
    this.#reapplyPending(popped.flatMap((block) => block.transactions));
    this.onApplied?.(applied);
  }

  #applyBlock(block: Block): AppliedBlock {
    const { state } = this;
    state.log.begin();
    const results = block.transactions.map((transaction, trxInBlock) => {
      const outcome = this.#apply(transaction);
      for (const [opInTrx, operation] of transaction.operations.entries()) {
        const place = { block, trxInBlock, opInTrx };
        this.#record({ operation, result: outcome[opInTrx] as OperationResult }, place, 0);
        const carried = state.carriedOut.filter((one) => one.opInTrx === opInTrx);
        for (const [index, one] of carried.entries()) this.#record(one, place, index + 1);
      }
      return outcome;
    });
    this.#updateWitness(block);
    this.#updateDynamic(block);
    state.summarize(block.num, block.id);
    state.forgetExpired(block.timestamp);
    state.carriedOut.length = 0;
    expireProposals(state, applyOperation);
    const end = { block, trxInBlock: block.transactions.length, opInTrx: 0 };
    for (const [virtualOp, one] of state.carriedOut.entries()) this.#record(one, end, virtualOp);
    state.expirePermissions(block.timestamp);
    if (state.dynamic.maintenanceBlock) this.#maintain(block);
    this.#updateRota(block);
    this.#main.push(block);
    const changes = state.log.changes();
    const { headNum, irreversibleNum } = state.dynamic;
    state.log.forget(headNum - irreversibleNum + UNDO_MARGIN_BLOCKS);
    return { block, results, changes };
  }

  #record(
    { operation, result }: Pick<CarriedOut, "operation" | "result">,
    { block, ...place }: { block: Block; trxInBlock: number; opInTrx: number },
    virtualOp: number,
  ): void {
    this.state.recordOperation(
      { operation, result, blockNum: block.num, blockTime: block.timestamp, ...place, virtualOp },
      concernedAccounts(operation, result),
    );
  }

  /** Slots from the head to the block: 1 if none was missed. */
  #slotsTo(block: Block): number {
    const { genesis, dynamic } = this.state;
    const interval = genesis.blockIntervalSeconds;
    const skipped = dynamic.maintenanceBlock ? MAINTENANCE_SKIP_SLOTS : 0;
    return Math.max(1, Math.round((block.timestamp - dynamic.headTime) / interval) - skipped);
  }

  #updateWitness(block: Block): void {
    const { state } = this;
    const witness = state.witnesses.get(block.witness);
    if (witness === undefined) throw new Error(`block by unknown witness 1.6.${block.witness}`);
    for (let turn = 1; turn < Math.min(block.directives.turns, state.rota.order.length); turn++) {
      const absent = state.witnesses.get(this.witnessAfter(turn));
      if (absent !== undefined && absent.id !== block.witness)
        state.witnesses.set(absent.id, { ...absent, totalMissed: absent.totalMissed + 1 });
    }
    state.witnesses.set(witness.id, {
      ...witness,
      lastSlot: state.dynamic.slot + this.#slotsTo(block),
      lastConfirmedBlockNum: block.num,
    });
  }

  #updateDynamic(block: Block): void {
    const { state } = this;
    const { dynamic } = state;
    const slots = this.#slotsTo(block);
    const missed = slots - 1;
    const confirmed = [...state.witnesses.values()].map((witness) => witness.lastConfirmedBlockNum);
    const irreversible = block.directives.stallIrreversibility ? 0 : irreversibleBlockNum(confirmed);
    state.dynamic = {
      ...dynamic,
      headNum: block.num,
      headId: block.id,
      headTime: block.timestamp,
      currentWitness: block.witness,
      slot: dynamic.slot + slots,
      recentlyMissed:
        missed > 0 ? dynamic.recentlyMissed + 4 * missed : Math.max(0, dynamic.recentlyMissed - 3),
      recentSlotsFilled:
        slots >= 128 ? 1n : BigInt.asUintN(128, (dynamic.recentSlotsFilled << BigInt(slots)) | 1n),
      maintenanceBlock:
        block.timestamp >= dynamic.nextMaintenanceTime || block.directives.transferFee !== undefined,
      irreversibleNum: Math.max(dynamic.irreversibleNum, irreversible),
    };
  }

  /** No votes are counted and no budget is paid here: fees take effect, the clock is set, fees paid are booked. */
  #maintain(block: Block): void {
    const { state } = this;
    const interval = state.genesis.maintenanceIntervalSeconds;
    const { transferFee } = block.directives;
    if (transferFee !== undefined) state.parameters = { ...state.parameters, transferFee };
    state.dynamic = {
      ...state.dynamic,
      nextMaintenanceTime: (Math.floor(block.timestamp / interval) + 1) * interval,
      lastMaintenanceTime: block.timestamp,
      accountsRegistered: 0,
    };
    for (const statistics of state.statistics.values()) {
      const paid = statistics.pendingFees + statistics.pendingVestedFees;
      if (paid > 0n)
        state.statistics.set(statistics.owner, {
          ...statistics,
          pendingFees: 0n,
          pendingVestedFees: 0n,
          lifetimeFeesPaid: statistics.lifetimeFeesPaid + paid,
        });
    }
  }

  #updateRota(block: Block): void {
    const { state } = this;
    const { order, turn } = state.rota;
    const round = block.num % order.length === 0;
    state.rota = {
      order: round ? shuffledWitnesses(order, block.id) : order,
      turn: (turn + block.directives.turns) % order.length,
    };
  }

  /** Tries `first` and then the pending transactions on the new head; those that fail now are dropped silently. */
  #reapplyPending(first: readonly Transaction[]): void {
    if (first.length === 0 && this.#pending.length === 0) return;
    const candidates = [...first, ...this.#pending];
    this.#pending = [];
    for (const transaction of candidates) {
      try {
        this.#applyPending(transaction);
        this.#pending.push(transaction);
        this.onPending?.(transaction);
      } catch (error) {
        if (!(error instanceof NodeError)) throw error;
      }
    }
  }

  #dropDeadBranches(): void {
    const { irreversibleNum } = this.state.dynamic;
    for (const [id, block] of this.#branches) if (block.num <= irreversibleNum) this.#branches.delete(id);
  }

  /** The same chain as it was up to `blocks` blocks ago (as far as it can be taken back), without pending transactions. */
  rewound(blocks: number): Chain {
    const state = this.state.clone();
    state.log.undo();
    const count = Math.min(blocks, state.log.depth, this.#main.length);
    for (let i = 0; i < count; i++) state.log.undo();
    const chain = new Chain(state);
    chain.#main = this.#main.slice(0, this.#main.length - count);
    return chain;
  }

  /** Pending transactions are lost, as when a node is restarted. */
  dropPending(): void {
    this.state.log.undo();
    this.state.log.begin();
    this.#pending = [];
  }
}

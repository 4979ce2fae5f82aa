import { assert } from "@stakebts/kernel/assert";
import { whyOnRecoveryHold } from "../rules/recovery-hold.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import type { Policy } from "../rules/policy.ts";
import { type OperationEffect, type OperationVerdict, checkOperation } from "./check-operation.ts";
import { type AccountId, ChainError, type ChainHead, type ChainReader } from "@stakebts/bitshares/chain";
import { keysOfAuthority } from "@stakebts/bitshares/chain-answers";
import { type Millis, millis } from "@stakebts/kernel/time";
import type {
  AccountOperation,
  AccountBlock,
  AccountHistoryEntry,
  AccountHistoryReader,
  AccountOperationReader,
  UndeliveredBlockReader,
} from "@stakebts/bitshares/account-operations";
import type { MonitorLedger } from "./monitor-ledger.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import type { Log } from "@stakebts/kernel/log";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Debt, OwedRules } from "../rules/owed.ts";
import { CauseReader } from "../ledger/cause-reader.ts";
import { AccountNames } from "./account-names.ts";
import { raiseAlert } from "./raise-alert.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { readOperationsOrPass } from "../ledger/pass-blocks.ts";

export interface SpendMonitorDeps {
  readonly chain: Pick<ChainReader, "head" | "accounts" | "blocks" | "blocksAtOnce"> &
    AccountOperationReader &
    Partial<AccountHistoryReader> &
    Partial<UndeliveredBlockReader>;
  readonly ledger: MonitorLedger;
  readonly log: Log;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** Those of this moment: a policy may change while this process runs. */
  readonly rules: () => OwedRules & Pick<Policy, "maxNetworkFee">;
  /** Called once for each alert, after payments were switched off or could not be switched off. */
  readonly onAlert: (alert: NewReceipt) => void;
}

/** How far a watcher has looked; `undefined` before the first time. */
export interface SpendMonitorState {
  readonly headBlockNum: number | undefined;
  readonly finalBlockNum: number | undefined;
  /** Operations that a restored ledger may still learn of. */
  readonly candidates: number;
}

/** Final blocks that are looked at in one step, on the way up after an absence. */
const FINAL_BLOCKS_PER_STEP = 500;
/** The account's history that could not be read is given up after a day of blocks, when the watcher starts anew. */
const HISTORY_BLOCKS_MAX = 28_800;
/** Reversible blocks beyond this are looked at when they are final: nothing has become final for an hour. */
const REVERSIBLE_BLOCKS_MAX = 1_200;
/** From where the next watcher goes on is written down this often, in blocks: an hour. */
const STAND_EVERY_BLOCKS = 1_200;
/** A ledger that has passed the block by so much and is not on recovery hold has had the time to apply what it has read. */
const REMEMBER_BLOCKS_MAX = 100;
/** A recovery hold lasts minutes. An operation that stays unknown for half an hour of blocks was not forgotten: it is not ours. */
const UNMATCHED_BLOCKS_MAX = 600;

interface UnmatchedOperation {
  readonly operation: AccountOperation;
  readonly block: Pick<AccountBlock, "blockNum" | "timeMs"> & Partial<Pick<AccountBlock, "blockId">>;
  readonly effect: OperationEffect;
}

/**
 * Reads each operation that the custodian's authority makes on the chain, and stops payments when the ledger does not account
 * for it (check-operation.ts, ADR 0016). It needs no key, does not rely on payer or ingester, and may run more than once.
 *
 * Every block is looked at twice: as soon as a majority of the nodes has it, because minutes count; and when it is final,
 * because another fork may have won.
 */
export class SpendMonitor {
  readonly #deps: SpendMonitorDeps;
  readonly #causes: CauseReader;
  #finalBlockNum: number | undefined;
  #headBlockNum = 0;
  /** Of the reversible blocks that were looked at, by their numbers. */
  readonly #headIds = new Map<number, string>();
  readonly #unmatched = new Map<string, UnmatchedOperation>();
  readonly #names: AccountNames;
  /** What final blocks hold that the history has not been compared with yet, with the blocks' numbers. */
  readonly #finalActs = new Map<string, number>();
  #standBlockNum = 0;
  #authority: string | undefined;
  /** Of all authorities that this watcher has seen: a key that was replaced still signs what was prepared before. */
  readonly #keys = new Set<string>();
  /** How far the account's history was compared with the operations of blocks. */
  #historyBlockNum = 0;
  #historyProblem: string | undefined;

  constructor(deps: SpendMonitorDeps) {
    this.#deps = deps;
    this.#names = new AccountNames(deps.chain);
    this.#causes = new CauseReader({
      chain: deps.chain,
      passedBlocks: deps.ledger.passedBlocks,
      recordedTransfers: deps.ledger.recordedTransfers,
      custodian: deps.custodian,
    });
  }

  get state(): SpendMonitorState {
    return {
      headBlockNum: this.#finalBlockNum === undefined ? undefined : this.#headBlockNum,
      finalBlockNum: this.#finalBlockNum,
      candidates: this.#unmatched.size,
    };
  }

  /** Everything new; safe to call again after it has thrown, at any point. Answers whether final blocks are left. */
  async look(): Promise<boolean> {
    const head = await this.#deps.chain.head();
    const lastFinal = lastFinalBlockNum(head.irreversibleBlockNum);
    this.#finalBlockNum ??= await this.#begin(lastFinal);
    let isLeft = false;
    // Each of them, also after another one has failed: nodes that are on different forks, or of which one lies about one thing, are
    // no reason not to look at the rest. The authority first, because its keys are looked for in the blocks.
    const failures: unknown[] = [];
    for (const look of [
      () => this.#lookAtAuthority(head.headBlockNum),
      () => this.#lookAtHead(head, lastFinal),
      () => this.#lookAgain(head.headBlockNum),
      async () => void (isLeft = await this.#lookAtFinal(lastFinal)),
    ])
      await look().catch((error: unknown) => failures.push(error));
    // Trouble that passes does not hide a broken assumption.
    if (failures.length > 0) throw failures.find((failure) => !mayPass(failure)) ?? failures[0];
    return isLeft;
  }

  /** Where the last watcher of this ledger stood. The very first one begins now. */
  async #begin(lastFinal: number): Promise<number> {
    const { ledger, log } = this.#deps;
    const stand = await ledger.lastNote("position");
    const from = stand === undefined ? lastFinal : Math.min(Number(stand), lastFinal);
    this.#standBlockNum = from;
    this.#historyBlockNum = from;
    if (stand === undefined) await this.#notePosition(from);
    log.info("monitor.started", { afterBlock: from });
    return from;
  }

  async #lookAtHead({ headBlockNum }: ChainHead, lastFinal: number): Promise<void> {
    for (const blockNum of this.#headIds.keys()) if (blockNum < lastFinal) this.#headIds.delete(blockNum);
    const first = Math.max(lastFinal + 1, headBlockNum - REVERSIBLE_BLOCKS_MAX, 1);
    const from = Math.max(first, this.#headBlockNum + 1);
    if (from > headBlockNum) return;
    let blocks = await this.#read(from, headBlockNum, true);
    const before = this.#headIds.get(from - 1);
    // Another branch has won: what it holds from the fork on has not been looked at.
    if (before !== undefined && blocks[0]?.previousId !== before && from > first)
      blocks = await this.#read(first, headBlockNum, true);
    await this.#judge(
      blocks.filter(({ blockNum, blockId }) => this.#headIds.get(blockNum) !== blockId),
      lastFinal,
    );
    for (const { blockNum, blockId } of blocks) this.#headIds.set(blockNum, blockId);
    this.#headBlockNum = headBlockNum;
  }

  async #lookAtFinal(lastFinal: number): Promise<boolean> {
    const done = this.#finalBlockNum;
    assert(done !== undefined, "it has begun");
    if (lastFinal <= done) return false;
    const size = (await this.#deps.chain.blocksAtOnce?.(FINAL_BLOCKS_PER_STEP)) ?? FINAL_BLOCKS_PER_STEP;
    const to = Math.min(lastFinal, done + size);
    const blocks = await this.#read(done + 1, to, false);
    this.#forgetLostBranches(blocks);
    await this.#judge(blocks, lastFinal);
    if (this.#deps.chain.accountHistory !== undefined)
      for (const operation of blocks.flatMap(({ operations }) => operations))
        this.#finalActs.set(actOf(operation), operation.position.blockNum);
    this.#finalBlockNum = to;
    await this.#lookAtHistory(to, blocks.at(-1)?.timeMs ?? millis(0));
    const remembered = Math.max(this.#historyBlockNum, to - HISTORY_BLOCKS_MAX);
    const oldest = Math.min(
      remembered,
      ...[...this.#unmatched.values()].map(({ block }) => block.blockNum - 1),
    );
    if (oldest >= this.#standBlockNum + STAND_EVERY_BLOCKS) {
      await this.#notePosition(oldest);
      this.#standBlockNum = oldest;
    }
    return to < lastFinal;
  }

  #notePosition(blockNum: number): Promise<void> {
    return this.#deps.ledger.note("position", this.#deps.custodian.name, `${blockNum}`);
  }

  async #read(from: number, to: number, isReversible: boolean): Promise<readonly AccountBlock[]> {
    const { chain, custodian, ledger } = this.#deps;
    const deps = {
      chain,
      passedBlocks: ledger.passedBlocks,
      account: custodian.id,
      keys: [...this.#keys],
      isReversible,
    };
    const blocks: AccountBlock[] = [];
    while (blocks.length < to - from + 1)
      blocks.push(...(await readOperationsOrPass(deps, { from: from + blocks.length, to })));
    return blocks;
  }

  /**
   * An approved proposal is carried out by the chain itself, no matter which keys approved it and how: no block holds the operations,
   * but the account's history does. None of our processes signed what blocks do not hold at that place.
   */
  async #lookAtHistory(to: number, timeMs: Millis): Promise<void> {
    const { chain, custodian, log } = this.#deps;
    if (chain.accountHistory === undefined || to <= this.#historyBlockNum) return;
    let entries: readonly AccountHistoryEntry[];
    try {
      entries = await chain.accountHistory({ account: custodian.id, from: this.#historyBlockNum + 1, to });
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      // Blocks are watched all the same. It is tried again from where it stood.
      if (this.#historyProblem !== error.message)
        log.warn("monitor.history_unread", { afterBlock: this.#historyBlockNum, reason: error.message });
      this.#historyProblem = error.message;
      return;
    }
    this.#historyProblem = undefined;
    const hidden = entries.filter((entry) => entry.isActing && !this.#finalActs.has(actOf(entry)));
    await this.#names.learn(
      hidden.flatMap(({ transfer }) => (transfer === undefined ? [] : [transfer.toId])),
    );
    for (const { position, name, transfer } of hidden) {
      const operation: AccountOperation = {
        position,
        name,
        transfer,
        txid: undefined,
        refBlockNum: position.blockNum,
      };
      const candidate = {
        operation,
        block: { blockNum: position.blockNum, timeMs },
        effect: this.#effectOf(operation),
      };
      await this.#trip(candidate, "no transaction holds it: a proposal was approved and carried out");
    }
    this.#historyBlockNum = to;
    for (const [act, blockNum] of this.#finalActs) if (blockNum <= to) this.#finalActs.delete(act);
  }

  async #judge(blocks: readonly AccountBlock[], lastFinal: number): Promise<void> {
    const found = blocks.flatMap((block) => block.operations.map((operation) => ({ block, operation })));
    if (found.length === 0) return;
    await this.#names.learn(
      found.flatMap(({ operation }) => (operation.transfer === undefined ? [] : [operation.transfer.toId])),
    );
    const candidates = found.map(({ block, operation }): UnmatchedOperation => ({
      block,
      operation,
      effect: this.#effectOf(operation),
    }));
    const verdicts = await this.#verdicts(candidates);
    for (const [i, candidate] of candidates.entries()) {
      const verdict = verdicts[i];
      if (verdict === undefined || verdict.known) continue;
      const recoveryHold = verdict.mayBeForgotten
        ? await this.#whyForgetful(candidate.operation, lastFinal)
        : undefined;
      if (recoveryHold === undefined) await this.#trip(candidate, verdict.why);
      else this.#keepUnmatched(candidate, recoveryHold);
    }
    for (const [i, candidate] of candidates.entries()) {
      const verdict = verdicts[i];
      if (verdict?.known === true && !(await this.#isCauseKnown(candidate, verdict.payout)))
        this.#unmatched.set(subjectOf(candidate.operation), candidate);
    }
  }

  /**
   * The ledger says what it pays, and a thief who can write to the ledger could have said so: the chain has to show why it is owed.
   * `false`: no node could say, and it is asked again; other operations do not wait for it.
   */
  async #isCauseKnown(candidate: UnmatchedOperation, payout: Debt | undefined): Promise<boolean> {
    if (payout === undefined) return true;
    try {
      const why = await this.#causes.whyNotOnChain(
        payout,
        Math.max(this.#headBlockNum, candidate.block.blockNum),
      );
      if (why !== undefined) await this.#trip(candidate, why);
      return true;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      const { code, message } = error;
      this.#deps.log.warn("cause.unread", { payout: payout.key, code, message });
      return false;
    }
  }

  /**
   * Why the ledger may not know an honest payment; `undefined`: it would. What this product signs refers to a final block,
   * where wallets refer to the head. A ledger without any withdrawal has lost nothing, or everything; in both cases a
   * person is at work.
   */
  async #whyForgetful({ refBlockNum }: AccountOperation, lastFinal: number): Promise<string | undefined> {
    const { ledger } = this.#deps;
    if (refBlockNum > lastFinal) return undefined;
    const recoveryHold = whyOnRecoveryHold(await ledger.recoveryHoldState());
    return recoveryHold !== undefined && (await ledger.hasWithdrawals()) ? recoveryHold : undefined;
  }

  async #verdicts(candidates: readonly UnmatchedOperation[]): Promise<readonly OperationVerdict[]> {
    const { ledger } = this.#deps;
    const rules = this.#deps.rules();
    const known = await ledger.knownOf(
      candidates.map(({ operation, effect }) => ({
        position: operation.position,
        txid: operation.txid,
        effect,
      })),
    );
    return candidates.map(({ effect }, i) => {
      const facts = known[i];
      assert(facts !== undefined, "an answer for each operation");
      return checkOperation(effect, facts, rules);
    });
  }

  /**
   * Has another block taken the place of this one since it was read? A watcher that stood still for minutes in between may ask
   * a ledger that has rightly given the payment up. The operations of the other block are looked at there.
   */
  async #isGone({ block: { blockNum, blockId } }: UnmatchedOperation): Promise<boolean> {
    if (blockId === undefined || blockNum <= (this.#finalBlockNum ?? 0)) return false;
    const [now] = await this.#read(blockNum, blockNum, true);
    return now?.blockId !== blockId;
  }

  /** What was seen in a block that another one has taken the place of for good never happened. */
  #forgetLostBranches(final: readonly AccountBlock[]): void {
    const idOf = new Map(final.map(({ blockNum, blockId }) => [blockNum, blockId]));
    for (const [subject, { block }] of this.#unmatched) {
      const finalId = idOf.get(block.blockNum);
      if (finalId !== undefined && finalId !== block.blockId) this.#unmatched.delete(subject);
    }
  }

  /** A restored ledger learns from the keys in memos what it has paid. Until it has read that far, the operation stays open. */
  #keepUnmatched(candidate: UnmatchedOperation, recoveryHold: string): void {
    const subject = subjectOf(candidate.operation);
    if (this.#unmatched.has(subject)) return;
    this.#unmatched.set(subject, candidate);
    this.#deps.log.warn("spend.unmatched", { subject, ...detailsOf(candidate), reason: recoveryHold });
  }

  async #lookAgain(headBlockNum: number): Promise<void> {
    if (this.#unmatched.size === 0) return;
    // Read before the answers: what the ledger had passed by then is in them.
    const [recoveryHold, cursor] = await Promise.all([
      this.#deps.ledger.recoveryHoldState(),
      this.#deps.ledger.cursor.read(),
    ]);
    const passed = whyOnRecoveryHold(recoveryHold) === undefined ? (cursor?.blockNum ?? 0) : 0;
    const candidates = [...this.#unmatched];
    const verdicts = await this.#verdicts(candidates.map(([, candidate]) => candidate));
    for (const [i, [subject, candidate]] of candidates.entries()) {
      const verdict = verdicts[i];
      assert(verdict !== undefined, "an answer for each unmatched operation");
      const { blockNum } = candidate.block;
      const isOver =
        passed - blockNum > REMEMBER_BLOCKS_MAX || headBlockNum - blockNum > UNMATCHED_BLOCKS_MAX;
      if (verdict.known) {
        if (!(await this.#isCauseKnown(candidate, verdict.payout))) {
          if (headBlockNum - blockNum <= UNMATCHED_BLOCKS_MAX) continue;
          await this.#trip(candidate, "no node could say for half an hour why it is owed");
        } else this.#deps.log.info("spend.matched", { subject });
      } else if (isOver || !verdict.mayBeForgotten) await this.#trip(candidate, verdict.why);
      else continue;
      this.#unmatched.delete(subject);
    }
  }

  async #lookAtAuthority(headBlockNum: number): Promise<void> {
    const { chain, custodian, ledger } = this.#deps;
    const authority = await chain.authorityOf(custodian.id);
    if (authority === this.#authority) return;
    for (const key of keysOfAuthority(authority)) this.#keys.add(key);
    const before = await ledger.lastNote("authority");
    if (before !== undefined) for (const key of keysOfAuthority(before)) this.#keys.add(key);
    if (before === undefined) {
      await ledger.addReceipts([
        { event: "authority.recorded", subject: custodian.name, details: { authority } },
      ]);
    } else if (before !== authority)
      await this.#alert(
        {
          event: "authority.changed",
          // A name of its own for each change: back to what it was is one too.
          subject: `${custodian.name} at block ${headBlockNum}`,
          details: {
            authority,
            reason: `the keys of ${custodian.name} were changed on the chain; before: ${before}`,
            todo: "payments are off: if it was not you, the account is in other hands",
          },
        },
        `the authority of ${custodian.name} was changed on the chain`,
      );
    // Afterwards: a watcher that dies in between says it again.
    if (before !== authority) await ledger.note("authority", custodian.name, authority);
    this.#authority = authority;
  }

  async #trip(candidate: UnmatchedOperation, why: string): Promise<void> {
    if (await this.#isGone(candidate)) return;
    const { operation, block } = candidate;
    const at = operationId(operation.position);
    const reason = `unknown ${operation.name} of the custodian in block ${block.blockNum} (${at}, transaction ${operation.txid ?? "unreadable"}): ${why}`;
    await this.#alert(
      {
        event: "spend.unexplained",
        subject: subjectOf(operation),
        chainTimeMs: block.timeMs,
        details: {
          ...detailsOf(candidate),
          reason,
          todo: "payments are off: find out who signed it; if it was not you, move the funds to new keys first",
        },
      },
      reason,
    );
  }

  #alert(receipt: NewReceipt, reason: string): Promise<void> {
    return raiseAlert(this.#deps, receipt, reason);
  }

  #effectOf({ name, transfer }: AccountOperation): OperationEffect {
    const { custodian } = this.#deps;
    if (transfer === undefined) return { type: "other", name };
    const { fromId, toId, amount, assetId, feeAmount: fee, feeAssetId, permissionId } = transfer;
    if (permissionId !== undefined)
      return fromId === custodian.id ? { type: "other", name } : { type: "draw", amount, assetId, fee };
    return { type: "payment", receiver: this.#names.of(toId), amount, assetId, fee, feeAssetId };
  }
}

/** By its transaction, wherever a fork puts it; an unreadable one by its place. */
const subjectOf = ({ txid, position }: AccountOperation): string =>
  txid === undefined ? operationId(position) : `${txid}:${position.opInTrx}`;

/** The place of an operation, and what it is: that which a proposal sets off has the place of the approval. */
const actOf = ({ position, name }: Pick<AccountOperation, "position" | "name">): string =>
  `${operationId(position)} ${name}`;

const detailsOf = ({ operation, block, effect }: UnmatchedOperation): NewReceipt["details"] => ({
  operation: operationId(operation.position),
  block: block.blockNum,
  name: operation.name,
  txid: operation.txid ?? null,
  ...(effect.type === "payment" ? { receiver: effect.receiver, amountShares: `${effect.amount}` } : {}),
});

import type { AccountHistoryReader, UndeliveredBlockReader } from "@stakebts/bitshares/account-operations";
import { type AccountId, type ChainBlock, ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import { assert } from "@stakebts/kernel/assert";
import { mayBeVirtual, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import { HELD_BYTES_MAX } from "../ledger/read-ahead.ts";
import { readOrPass } from "../ledger/pass-blocks.ts";
import {
  type AnswerRules,
  whyWrittenOtherwise,
  whyWronglyAnswered,
  type WrittenTransfer,
} from "../rules/answered.ts";
import type { MonitorLedger } from "./monitor-ledger.ts";
import { KnownRules } from "./known-rules.ts";
import { AccountNames } from "./account-names.ts";
import { type AlertDeps, raiseAlert } from "./raise-alert.ts";

export interface IncomingCheckDeps extends AlertDeps {
  readonly chain: Pick<ChainReader, "head" | "accounts" | "blocks"> &
    Partial<AccountHistoryReader> &
    Partial<UndeliveredBlockReader>;
  readonly ledger: Pick<
    MonitorLedger,
    "stopPayments" | "passedBlocks" | "incoming" | "cursor" | "lastNote" | "note"
  >;
  readonly custodian: { readonly id: AccountId; readonly name: string };
  /** Those of this moment: a policy may change while this process runs. */
  readonly rules: () => AnswerRules;
}

const BLOCKS_PER_STEP = 200;
const TRANSFERS_PER_STEP = 2_000;
const ANSWERS_PER_STEP = 500;
/** Transfers that wait for an answer. When there are more, no further blocks are looked at. */
const WAITING_MAX = 5_000;
/** Where the next watcher goes on is noted this often, in blocks: an hour. */
const NOTE_EVERY_BLOCKS = 1_200;
/** What waits for an answer for longer than a day is not looked for again by the next watcher. */
const WAITING_BLOCKS_MAX = 28_800;

/**
 * Holds what the ledger has of incoming transfers against the blocks of this process's own nodes, and what it makes of them against
 * the rules (rules/answered.ts): an intruder who can write to the ledger cannot leave out, change or keep what was sent.
 * It holds no memo key: what memos ask for it takes from the ledger.
 */
export class IncomingCheck {
  readonly #deps: IncomingCheckDeps;
  readonly #names: AccountNames;
  readonly #rules: KnownRules;
  /** Transfers that have no answer yet, those that were asked for last at the end. */
  readonly #waiting = new Map<string, OperationPosition>();
  #done: number | undefined;
  #noted = 0;

  constructor(deps: IncomingCheckDeps) {
    this.#deps = deps;
    this.#names = new AccountNames(deps.chain);
    this.#rules = new KnownRules(deps.ledger, { subject: deps.custodian.name, read: deps.rules });
  }

  /** Safe to call again after it has thrown, at any point. Answers whether blocks are left. Throws ChainError. */
  async look(): Promise<boolean> {
    const { chain, ledger } = this.#deps;
    const cursor = await ledger.cursor.read();
    if (cursor === undefined) return false;
    const head = await chain.head();
    const lastFinal = lastFinalBlockNum(head.irreversibleBlockNum);
    this.#done ??= await this.#begin(Math.min(cursor.blockNum, lastFinal));
    await this.#rules.all(); // Noted also while nothing is answered.
    await this.#lookAtAnswers();
    const to = Math.min(lastFinal, cursor.blockNum, this.#done + BLOCKS_PER_STEP);
    if (to <= this.#done || this.#waiting.size > WAITING_MAX) return false;
    await this.#lookAtBlocks(this.#done + 1, to);
    await this.#lookAtAnswers();
    await this.#note();
    return this.#done < Math.min(lastFinal, cursor.blockNum);
  }

  /** Where the last watcher of this ledger stood. The very first one begins where the ledger stands. */
  async #begin(standsAt: number): Promise<number> {
    const note = await this.#deps.ledger.lastNote("incoming");
    const from = note === undefined ? standsAt : Number(note);
    if (note === undefined) await this.#deps.ledger.note("incoming", this.#deps.custodian.name, `${from}`);
    this.#noted = from;
    return from;
  }

  async #note(): Promise<void> {
    assert(this.#done !== undefined, "it has begun");
    const oldest = Math.min(this.#done, ...[...this.#waiting.values()].map(({ blockNum }) => blockNum - 1));
    const from = Math.max(oldest, this.#done - WAITING_BLOCKS_MAX);
    if (from < this.#noted + NOTE_EVERY_BLOCKS) return;
    await this.#deps.ledger.note("incoming", this.#deps.custodian.name, `${from}`);
    this.#noted = from;
  }

  async #lookAtBlocks(from: number, upTo: number): Promise<void> {
    const { chain, ledger, custodian } = this.#deps;
    const blocks = await readOrPass(
      { chain, passedBlocks: ledger.passedBlocks, account: custodian.id },
      { from, to: upTo },
      (range) => chain.blocks({ ...range, account: custodian.id, heldBytesMax: HELD_BYTES_MAX }),
    );
    if (blocks[0]?.blockNum !== from)
      throw new ChainError("inconsistent_chain", `asked for block ${from}, and got another`);
    const found: WrittenTransfer[] = [];
    let to = from - 1;
    for (const block of blocks) {
      const incoming = await this.#incomingOf(block);
      if (found.length > 0 && found.length + incoming.length > TRANSFERS_PER_STEP) break;
      for (const transfer of incoming) found.push(transfer);
      to = block.blockNum;
    }
    const inLedger = await ledger.incoming.written({ from, to, limit: found.length + 100 });
    const written = new Map(inLedger.map((transfer) => [operationId(transfer.operation), transfer]));
    const isComplete = found.every(({ operation }) => written.has(operationId(operation)));
    const leftOut = isComplete ? new Set<string>() : await ledger.incoming.leftOut();
    const problems: Problem[] = [];
    for (const transfer of found) {
      const name = operationId(transfer.operation);
      if (!written.has(name) && leftOut.has(name)) continue;
      const why = whyWrittenOtherwise(written.get(name), transfer);
      if (why !== undefined) problems.push({ at: transfer.operation, why });
      else this.#waiting.set(name, transfer.operation);
      written.delete(name);
    }
    const carriedOut = await this.#carriedOut([...written.values()].map(({ operation }) => operation));
    for (const { operation: at } of written.values())
      if (!carriedOut(at)) problems.push({ at, why: "it is not on the chain" });
    await this.#alert(problems);
    this.#done = to;
  }

  /**
   * Which of these did the chain carry out itself, as it does with an approved proposal? No block holds that, but the account's history
   * does. Where no majority of the nodes tells it, the payer asks before anything is paid for it, and the balance shows it.
   */
  async #carriedOut(places: readonly OperationPosition[]): Promise<(at: OperationPosition) => boolean> {
    const { chain, custodian } = this.#deps;
    const possible = places.filter(mayBeVirtual);
    if (possible.length === 0) return () => false;
    const blocks = possible.map(({ blockNum }) => blockNum);
    try {
      if (chain.accountHistory === undefined) return mayBeVirtual;
      const range = { from: Math.min(...blocks), to: Math.max(...blocks) };
      const entries = await chain.accountHistory({ account: custodian.id, ...range });
      const there = new Set(entries.map(({ position }) => operationId(position)));
      return (at) => there.has(operationId(at));
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      return mayBeVirtual;
    }
  }

  async #incomingOf({ blockNum, timeMs, transfers }: ChainBlock): Promise<readonly WrittenTransfer[]> {
    const { custodian } = this.#deps;
    const incoming = transfers.filter(({ fromId, toId }) => toId === custodian.id && fromId !== custodian.id);
    await this.#names.learn(incoming.map(({ fromId }) => fromId));
    return incoming.map(({ trxInBlock, opInTrx, fromId, amount, assetId, memo, permissionId }) => ({
      operation: { blockNum, trxInBlock, opInTrx },
      sender: this.#names.of(fromId),
      timeMs,
      amount,
      assetId,
      hasMemo: memo !== undefined,
      isDrawn: permissionId !== undefined,
    }));
  }

  async #lookAtAnswers(): Promise<void> {
    const asked = [...this.#waiting].slice(0, ANSWERS_PER_STEP);
    if (asked.length === 0) return;
    const answered = await this.#deps.ledger.incoming.answered(asked.map(([, operation]) => operation));
    const rules = await this.#rules.all();
    const problems = answered.flatMap((transfer): Problem[] => {
      const reasons = rules.map((one) => whyWronglyAnswered(transfer, one));
      const why = reasons.includes(undefined) ? undefined : reasons[0];
      return why === undefined
        ? []
        : [{ at: transfer.operation, why: `the ledger says "${transfer.outcome}", but ${why}` }];
    });
    await this.#alert(problems);
    const isAnswered = new Set<string>(answered.map(({ operation }) => operationId(operation)));
    for (const [name, operation] of asked) {
      this.#waiting.delete(name);
      if (!isAnswered.has(name)) this.#waiting.set(name, operation);
    }
  }

  /** One for each step, however many there are. */
  async #alert(problems: readonly Problem[]): Promise<void> {
    const [first] = problems;
    if (first === undefined) return;
    const name = operationId(first.at);
    const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
    const reason = `transfer ${name} to the custodian: ${first.why}${more}`;
    await raiseAlert(
      this.#deps,
      {
        event: "incoming.differs",
        subject: name,
        details: {
          reason,
          transfers: problems
            .slice(0, 20)
            .map(({ at }) => operationId(at))
            .join(" "),
          todo: "payments are off: an intruder writes to the ledger what is not on the chain, or a block was passed over; see `stakebts rebuild --compare`",
        },
      },
      reason,
    );
  }
}

interface Problem {
  readonly at: OperationPosition;
  readonly why: string;
}

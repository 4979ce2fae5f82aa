import type { ChainReader } from "@stakebts/bitshares/chain";
import type { Log } from "@stakebts/kernel/log";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { CauseReader } from "../ledger/cause-reader.ts";
import { lastFinalBlockNum } from "../ledger/ingest-blocks.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { logReceipt } from "../ledger/log-receipt.ts";

export interface MemoAuditDeps {
  readonly chain: Pick<ChainReader, "head">;
  readonly ledger: Pick<Ledger, "cursor" | "transfers" | "transaction">;
  readonly causes: Pick<CauseReader, "whyReadOtherwise">;
  readonly log: Log;
}

/** A day. What came in while no payer led is looked at by the next one, as far back as this. */
const LOOK_BACK_BLOCKS = 28_800;
/** A flood of junk is read in steps, beside the payments. */
const TRANSFERS_PER_LOOK = 200;

/**
 * Reads the memos of what came in with the payer's own keys and nodes, and holds them against what the ledger says that they ask for. Before
 * a payment that is done for its cause; here also for what nothing is paid for: a stop of 1 BTS that a thief has written down as
 * nonsense would otherwise leave its nominator without an answer, and the operators without an alert.
 */
export class MemoAudit {
  readonly #deps: MemoAuditDeps;
  #after: OperationPosition | undefined;

  constructor(deps: MemoAuditDeps) {
    this.#deps = deps;
  }

  /** Safe to call again after it has thrown. Answers whether more is left. Throws ChainError. */
  async look(): Promise<boolean> {
    const { chain, ledger, causes } = this.#deps;
    const cursor = await ledger.cursor.read();
    if (cursor === undefined) return false;
    const finalBlockNum = lastFinalBlockNum((await chain.head()).irreversibleBlockNum);
    const upToBlockNum = Math.min(cursor.blockNum, finalBlockNum);
    const after = this.#after ?? {
      blockNum: Math.max(0, upToBlockNum - LOOK_BACK_BLOCKS),
      trxInBlock: 0,
      opInTrx: 0,
    };
    const page = await ledger.transfers.incoming({ after, upToBlockNum, limit: TRANSFERS_PER_LOOK });
    const [problem, ...others] = await causes.whyReadOtherwise(page, finalBlockNum);
    if (problem !== undefined) await this.#stopPayments(problem.operation, problem.why, others.length);
    this.#after = page.at(-1)?.operation ?? after;
    return page.length === TRANSFERS_PER_LOOK;
  }

  async #stopPayments(at: OperationPosition, why: string, more: number): Promise<void> {
    const reason = more === 0 ? why : `${why} (and ${more} more)`;
    const todo =
      "payments are off: find out which process wrote it (stakebts rebuild --compare names all such transfers), rebuild, then switch them on again";
    const receipt = { event: "ledger.contradicted", subject: operationId(at), details: { reason, todo } };
    const isNew = await this.#deps.ledger.transaction(async (tx) => {
      const freeze = { source: "process", process: "payer", level: "pay-nothing", reason } as const;
      if (!(await tx.control.addFreeze(freeze))) return false;
      await tx.receipts.add([receipt]);
      return true;
    });
    if (isNew) logReceipt(this.#deps.log, receipt);
  }
}

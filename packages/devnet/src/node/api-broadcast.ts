import { type ApiMethod, ApiSet, RawJson, type Result } from "./api-set.ts";
import type { AppliedBlock, Chain } from "./chain.ts";
import { type FaultSwitches, takeOne } from "./faults.ts";
import type { Json } from "./json-text.ts";
import { assertion, at } from "./node-error.ts";
import type { Session } from "./session.ts";
import { Transaction } from "./transaction.ts";
import { asUint64 } from "./variant.ts";
import { wireUnsigned } from "./wire-values.ts";

const BROADCAST_METHODS = [
  "broadcast_transaction",
  "broadcast_transaction_with_callback",
  "broadcast_transaction_synchronous",
  "broadcast_block",
] as const;

export interface BroadcastHost {
  /** The chain that judges. */
  chain(): Chain;
  readonly switches: FaultSwitches;
  /** Hands an accepted transaction to the peers. */
  relay(transaction: Transaction): void;
  /** Closes the socket of the session without another word. */
  hangUp(session: Session): void;
}

type Told = (inclusionJson: string) => void;

/** Puts transactions in, and tells who asked when they are in a block: at every inclusion, never when one is dropped. */
export class Broadcaster {
  readonly api: ApiSet;
  readonly #host: BroadcastHost;
  /** By transaction id; never removed, so that a re-inclusion after a fork is told again. */
  readonly #waiting = new Map<string, Map<Session, Told>>();

  constructor(host: BroadcastHost) {
    this.#host = host;
    const method = (
      required: number,
      run: (args: readonly Json[], session: Session) => Result | Promise<Result>,
    ): ApiMethod => ({ required, run });
    this.api = new ApiSet(BROADCAST_METHODS, {
      broadcast_transaction: method(1, ([json = null], session) => this.#accept(this.#parse(json), session)),
      broadcast_transaction_with_callback: method(2, ([callback = null, json = null], session) => {
        const id = wireUnsigned(asUint64(callback));
        const transaction = this.#parse(json);
        // Before any check: even a call that fails as a duplicate arms the callback.
        this.#tell(transaction, session, (inclusion) => session.notice(id, inclusion));
        return this.#accept(transaction, session);
      }),
      broadcast_transaction_synchronous: method(1, ([json = null], session) => {
        const transaction = this.#parse(json);
        const included = new Promise<Result>((resolve) => {
          this.#tell(transaction, session, (inclusion) => resolve(new RawJson(inclusion)));
        });
        const refused = this.#accept(transaction, session);
        return refused instanceof Promise ? refused : included;
      }),
    });
  }

  #parse(json: Json): Transaction {
    return Transaction.parse(this.#host.chain().state.codec, json);
  }

  #tell(transaction: Transaction, session: Session, told: Told): void {
    const sessions = this.#waiting.get(transaction.id) ?? new Map<Session, Told>();
    this.#waiting.set(transaction.id, sessions.set(session, told));
  }

  #accept(transaction: Transaction, session: Session): Result | Promise<Result> {
    const { switches } = this.#host;
    if (switches.refusal !== null)
      throw assertion("_app.p2p_node() != nullptr", at("api.cpp", 170, "broadcast_transaction"), {
        text: switches.refusal,
      });
    if (takeOne(switches, "swallow")) return null;
    this.#host.chain().push(transaction);
    this.#host.relay(transaction);
    if (takeOne(switches, "dropReplies")) {
      this.#host.hangUp(session);
      return new Promise<Result>(() => undefined); // no connection is left to answer
    }
    return null;
  }

  blockApplied({ block, results }: AppliedBlock): void {
    if (this.#waiting.size === 0) return;
    for (const [index, transaction] of block.transactions.entries()) {
      const sessions = this.#waiting.get(transaction.id);
      if (sessions === undefined) continue;
      const trx = transaction.processedJson(results[index] ?? []);
      const inclusion = `{"id":"${transaction.id}","block_num":${block.num},"trx_num":${index},"trx":${trx}}`;
      for (const told of sessions.values()) told(inclusion);
    }
  }

  forget(session: Session): void {
    for (const [id, sessions] of this.#waiting) {
      if (sessions.delete(session) && sessions.size === 0) this.#waiting.delete(id);
    }
  }
}

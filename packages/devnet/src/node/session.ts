import type { AppliedBlock } from "./chain.ts";
import type { ChainState } from "./chain-state.ts";
import { concernedAccounts } from "./evaluate.ts";
import type { Wire } from "./json-text.ts";
import { objectWire } from "./object-wire.ts";
import type { OperationResult, Transaction } from "./transaction.ts";
import { asAnyObjectId } from "./variant.ts";

/** Accounts per connection whose every event is told (`api_limit_get_full_accounts_subscribe`). */
const FOLLOWED_ACCOUNTS_MAX = 100;

/** What one connection has been given and has asked to be told. */
export class Session {
  /** Names of the api sets by their id on this connection: two from the start, the others in the order of asking. */
  readonly apis: string[] = ["database", "login"];
  autoSubscribe = true;
  blockCallback: Wire | undefined;
  pendingCallback: Wire | undefined;
  readonly #send: (text: string) => void;
  #objectCallback: Wire | undefined;
  readonly #objects = new Set<string>();
  readonly #accounts = new Set<number>();

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  apiId(name: string): number {
    const known = this.apis.indexOf(name);
    return known >= 0 ? known : this.apis.push(name) - 1;
  }

  /** Begins object subscriptions afresh. */
  setObjectCallback(callback: Wire | undefined): void {
    this.#objectCallback = callback;
    this.#objects.clear();
    this.#accounts.clear();
  }

  /** Objects are followed by reading them, once a callback is set. Operations and history entries cannot be. */
  follow(id: string, wanted: boolean = this.autoSubscribe): void {
    if (this.#objectCallback === undefined || !wanted) return;
    if (id.startsWith("1.11.") || id.startsWith("2.9.")) return;
    this.#objects.add(id);
  }

  followAccount(account: number, wanted: boolean = this.autoSubscribe): void {
    if (this.#objectCallback === undefined || !wanted) return;
    this.follow(`1.2.${account}`, true);
    if (this.#accounts.size < FOLLOWED_ACCOUNTS_MAX) this.#accounts.add(account);
  }

  notice(callback: Wire, argumentText: string): void {
    this.#send(`{"method":"notice","params":[${JSON.stringify(callback)},[${argumentText}]]}`);
  }

  blockApplied(state: ChainState, applied: AppliedBlock): void {
    if (this.blockCallback !== undefined) this.notice(this.blockCallback, `"${applied.block.id}"`);
    if (this.#objectCallback === undefined) return;
    // A block that touches a followed account tells of every object it changed, those of strangers included.
    const everything = this.#accounts.size > 0 && touches(applied, this.#accounts);
    const told = applied.changes.filter(({ id }) => everything || this.#objects.has(id));
    const print = (kinds: readonly string[]): Wire[] =>
      told
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ id, kind }) => (kind === "removed" ? id : objectWire(state, asAnyObjectId(id))))
        .filter((object) => object !== null);
    for (const objects of [print(["new"]), print(["changed"]), print(["removed"])]) {
      if (objects.length > 0) this.notice(this.#objectCallback, JSON.stringify(objects));
    }
  }

  transactionPending(transaction: Transaction): void {
    if (this.pendingCallback !== undefined) this.notice(this.pendingCallback, transaction.json());
  }
}

function touches({ block, results }: AppliedBlock, accounts: ReadonlySet<number>): boolean {
  return block.transactions.some((transaction, trx) =>
    transaction.operations.some((operation, op) =>
      concernedAccounts(operation, results[trx]?.[op] as OperationResult).some((id) => accounts.has(id)),
    ),
  );
}

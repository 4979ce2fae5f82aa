import type { ChainState } from "./chain-state.ts";
import { type PublicKeyHex, publicKeyText } from "./keys.ts";
import {
  at,
  COMMITTEE_APPROVAL,
  IRRELEVANT_SIGNATURE,
  MISSING_ACTIVE,
  MISSING_OTHER,
  MISSING_OWNER,
  NodeError,
} from "./node-error.ts";
import { type Authority, type Operation, requiredAuthorities } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** `max_authority_depth`: accounts that stand for accounts that stand for accounts. */
const DEPTH_MAX = 2;
const COMMITTEE = 0;

/** Which of the available keys satisfy which authorities; remembers the ones that were of use. */
class SignatureState {
  readonly #state: ChainState;
  readonly #available: ReadonlySet<PublicKeyHex>;
  readonly used = new Set<PublicKeyHex>();
  /** Accounts already known to approve. */
  readonly #approved = new Set<number>();

  constructor(state: ChainState, available: readonly PublicKeyHex[]) {
    this.#state = state;
    this.#available = new Set(available);
  }

  signedBy(key: PublicKeyHex): boolean {
    if (!this.#available.has(key)) return false;
    this.used.add(key);
    return true;
  }

  approve(account: number): void {
    this.#approved.add(account);
  }

  check(authority: Authority, depth = 0): boolean {
    let weight = 0;
    const enough = () => weight >= authority.weight_threshold;
    if (enough()) return true;
    for (const [key, share] of authority.key_auths) {
      if (this.signedBy(key)) weight += share;
      if (enough()) return true;
    }
    for (const [account, share] of authority.account_auths) {
      if (!this.#approved.has(account)) {
        if (depth === DEPTH_MAX) continue;
        if (!this.check(this.#state.getAccount(account).active, depth + 1)) continue;
        this.#approved.add(account);
      }
      weight += share;
      if (enough()) return true;
    }
    return false;
  }
}

/** Throws unless the signatures are exactly what the operations ask for. */
export function verifyAuthority(
  state: ChainState,
  transaction: Transaction,
  keys: readonly PublicKeyHex[],
): void {
  try {
    verify(state, transaction, keys);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const { codec } = state;
    throw error
      .passing(at("transaction.cpp", 347, "verify_authority"), () => ({
        rejected_custom_auths: [],
        ops: transaction.operations.map((operation) => codec.wire(operation)),
        sigs: keys.map((key) => publicKeyText(key, codec.prefix)),
      }))
      .passing(at("transaction.cpp", 475, "verify_authority"), () => ({ "*this": transaction.wire() }));
  }
}

function verify(state: ChainState, transaction: Transaction, keys: readonly PublicKeyHex[]): void {
  const { active, owner, other } = required(transaction);
  const place = (line: number) => at("transaction.cpp", line, "verify_authority");
  if (active.has(COMMITTEE))
    throw new NodeError(COMMITTEE_APPROVAL, place(318), "Committee account may only propose transactions");
  const signatures = new SignatureState(state, keys);
  const print = (authority: Authority) => state.codec.types.authority.wire(authority);
  for (const key of other) {
    if (!signatures.signedBy(key)) throw new NodeError(MISSING_OTHER, place(325), "Missing Authority", {});
  }
  for (const id of owner) {
    const account = state.getAccount(id);
    if (!signatures.check(account.owner))
      throw new NodeError(MISSING_OWNER, place(331), "Missing Owner Authority ${id}", () => ({
        id: `1.2.${id}`,
        auth: print(account.owner),
      }));
    signatures.approve(id);
  }
  for (const id of active) {
    const account = state.getAccount(id);
    if (!signatures.check(account.active) && !signatures.check(account.owner))
      throw new NodeError(MISSING_ACTIVE, place(336), "Missing Active Authority ${id}", () => ({
        id: `1.2.${id}`,
        auth: print(account.active),
        owner: print(account.owner),
      }));
    signatures.approve(id);
  }
  if (signatures.used.size < keys.length)
    throw new NodeError(IRRELEVANT_SIGNATURE, place(342), "Unnecessary signature(s) detected");
}

/** Do these approvals of a proposal suffice for what it would do? */
export function authorizes(
  state: ChainState,
  operations: readonly Operation[],
  approvals: {
    readonly active: readonly number[];
    readonly owner: readonly number[];
    readonly keys: readonly PublicKeyHex[];
  },
): boolean {
  const { active, owner, other } = required({ operations });
  const signatures = new SignatureState(state, approvals.keys);
  for (const id of [...approvals.active, ...approvals.owner]) signatures.approve(id);
  const byOwner = (id: number) =>
    approvals.owner.includes(id) || signatures.check(state.getAccount(id).owner);
  return (
    [...other].every((key) => signatures.signedBy(key)) &&
    [...owner].every(byOwner) &&
    [...active].every(
      (id) => approvals.active.includes(id) || signatures.check(state.getAccount(id).active) || byOwner(id),
    )
  );
}

function required({ operations }: Pick<Transaction, "operations">) {
  const active = new Set<number>();
  const owner = new Set<number>();
  const other = new Set<PublicKeyHex>();
  for (const operation of operations) {
    const needs = requiredAuthorities(operation);
    for (const id of needs.active) active.add(id);
    for (const id of needs.owner) owner.add(id);
    for (const key of needs.keys) other.add(key);
  }
  for (const id of owner) active.delete(id); // the owner may do all that the active key may
  return { active, owner, other };
}

/** Keys that could take part in signing, `get_potential_signatures`. */
export function potentialKeys(state: ChainState, transaction: Transaction): PublicKeyHex[] {
  const keys = new Set<PublicKeyHex>();
  const collect = (authority: Authority, depth: number) => {
    for (const [key] of authority.key_auths) keys.add(key);
    if (depth < DEPTH_MAX)
      for (const [account] of authority.account_auths) collect(state.getAccount(account).active, depth + 1);
  };
  const { active, owner, other } = required(transaction);
  for (const key of other) keys.add(key);
  for (const id of active) {
    collect(state.getAccount(id).active, 0);
    collect(state.getAccount(id).owner, 0);
  }
  for (const id of owner) collect(state.getAccount(id).owner, 0);
  return [...keys];
}

/** Of the keys on offer those that are still needed, `get_required_signatures`. */
export function requiredKeys(
  state: ChainState,
  transaction: Transaction,
  offered: readonly PublicKeyHex[],
): PublicKeyHex[] {
  const present = transaction.signatureKeys(state.chainId);
  const signatures = new SignatureState(state, [...present, ...offered]);
  const { active, owner, other } = required(transaction);
  for (const key of other) signatures.signedBy(key);
  for (const id of owner) signatures.check(state.getAccount(id).owner);
  for (const id of active) {
    if (!signatures.check(state.getAccount(id).active)) signatures.check(state.getAccount(id).owner);
  }
  return [...signatures.used].filter((key) => !present.includes(key));
}

/** `verify_account_authority`: do these keys satisfy the active (or owner) authority? */
export function satisfies(state: ChainState, account: number, keys: readonly PublicKeyHex[]): boolean {
  const { active, owner } = state.getAccount(account);
  const signatures = new SignatureState(state, keys);
  return signatures.check(active) || signatures.check(owner);
}

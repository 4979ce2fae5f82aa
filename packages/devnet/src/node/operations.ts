import { BinaryWriter } from "./binary-writer.ts";
import type { Json, Wire } from "./json-text.ts";
import type { PublicKeyHex } from "./keys.ts";
import { assertion, at, type NodeThread } from "./node-error.ts";
import { asArray, asObject, asUint64 } from "./variant.ts";
import { isValidName } from "./account-name.ts";
import {
  accountId,
  type Asset,
  asset,
  blob,
  bool,
  compareKeys,
  emptyExtension,
  emptySet,
  list,
  objectId,
  optional,
  pairs,
  publicKey,
  struct,
  text,
  time,
  uint16,
  uint32,
  uint64,
  type ValueOf,
  voteId,
  type WireType,
} from "./wire-types.ts";

/** Number of operation types that core 7 knows. */
export const OPERATION_COUNT = 78;

export const TRANSFER = 0;
export const ACCOUNT_CREATE = 5;
export const ACCOUNT_UPDATE = 6;
export const ACCOUNT_UPGRADE = 8;
export const PROPOSAL_CREATE = 22;
export const PROPOSAL_UPDATE = 23;
export const PERMISSION_CREATE = 25;
export const PERMISSION_UPDATE = 26;
export const PERMISSION_CLAIM = 27;
export const PERMISSION_DELETE = 28;
export const CUSTOM = 35;
export const BALANCE_CLAIM = 37;

/** Fields of the operations that this node evaluates, in the order of their bytes. */
function operationTypes(prefix: string) {
  const key = publicKey(prefix);
  const byNumber = (a: number, b: number) => a - b;
  const authority = struct({
    weight_threshold: uint32,
    account_auths: pairs(accountId, uint16, byNumber),
    key_auths: pairs(key, uint16, compareKeys),
    address_auths: pairs(text, uint16, (a, b) => (a < b ? -1 : 1)),
  });
  const accountOptions = struct({
    memo_key: key,
    voting_account: accountId,
    num_witness: uint16,
    num_committee: uint16,
    votes: list(voteId),
    extensions: emptySet,
  });
  const memo = struct({ from: key, to: key, nonce: uint64, message: blob });
  const permissionId = objectId(1, 12);
  return {
    authority,
    accountOptions,
    memo,
    transfer: struct({
      fee: asset,
      from: accountId,
      to: accountId,
      amount: asset,
      memo: optional(memo),
      extensions: emptySet,
    }),
    accountCreate: struct({
      fee: asset,
      registrar: accountId,
      referrer: accountId,
      referrer_percent: uint16,
      name: text,
      owner: authority,
      active: authority,
      options: accountOptions,
      extensions: emptyExtension,
    }),
    accountUpdate: struct({
      fee: asset,
      account: accountId,
      owner: optional(authority),
      active: optional(authority),
      new_options: optional(accountOptions),
      extensions: emptyExtension,
    }),
    accountUpgrade: struct({
      fee: asset,
      account_to_upgrade: accountId,
      upgrade_to_lifetime_member: bool,
      extensions: emptySet,
    }),
    // None of the four has extensions.
    permissionCreate: struct({
      fee: asset,
      withdraw_from_account: accountId,
      authorized_account: accountId,
      withdrawal_limit: asset,
      withdrawal_period_sec: uint32,
      periods_until_expiration: uint32,
      period_start_time: time,
    }),
    permissionUpdate: struct({
      fee: asset,
      withdraw_from_account: accountId,
      authorized_account: accountId,
      permission_to_update: permissionId,
      withdrawal_limit: asset,
      withdrawal_period_sec: uint32,
      period_start_time: time,
      periods_until_expiration: uint32,
    }),
    permissionClaim: struct({
      fee: asset,
      withdraw_permission: permissionId,
      withdraw_from_account: accountId,
      withdraw_to_account: accountId,
      amount_to_withdraw: asset,
      memo: optional(memo),
    }),
    permissionDelete: struct({
      fee: asset,
      withdraw_from_account: accountId,
      authorized_account: accountId,
      withdrawal_permission: permissionId,
    }),
    custom: struct({ fee: asset, payer: accountId, required_auths: list(accountId), id: uint16, data: blob }),
    balanceClaim: struct({
      fee: asset,
      deposit_to_account: accountId,
      balance_to_claim: objectId(1, 15),
      balance_owner_key: key,
      total_claimed: asset,
    }),
  };
}

export interface ProposalCreate {
  readonly fee: Asset;
  readonly fee_paying_account: number;
  readonly expiration_time: number;
  readonly proposed_ops: readonly Operation[];
  readonly review_period_seconds: number | undefined;
  readonly extensions: readonly never[];
}

/** @param codec of the operations that are proposed */
function proposalTypes(codec: OperationCodec) {
  const key = publicKey(codec.prefix);
  const wrapped: WireType<Operation> = {
    parse: (json) => codec.parse(asObject(json)["op"] ?? null),
    wire: (operation) => ({ op: codec.wire(operation) }),
    pack: (out, operation) => codec.pack(out, operation),
    absent: () => codec.parse([]),
  };
  const proposalCreate: WireType<ProposalCreate> = struct({
    fee: asset,
    fee_paying_account: accountId,
    expiration_time: time,
    proposed_ops: list(wrapped),
    review_period_seconds: optional(uint32),
    extensions: emptySet,
  });
  const proposalUpdate = struct({
    fee: asset,
    fee_paying_account: accountId,
    proposal: objectId(1, 10),
    active_approvals_to_add: list(accountId),
    active_approvals_to_remove: list(accountId),
    owner_approvals_to_add: list(accountId),
    owner_approvals_to_remove: list(accountId),
    key_approvals_to_add: list(key),
    key_approvals_to_remove: list(key),
    extensions: emptySet,
  });
  return { proposalCreate, proposalUpdate };
}

export interface ProposalUpdate {
  readonly fee: Asset;
  readonly fee_paying_account: number;
  readonly proposal: number;
  readonly active_approvals_to_add: readonly number[];
  readonly active_approvals_to_remove: readonly number[];
  readonly owner_approvals_to_add: readonly number[];
  readonly owner_approvals_to_remove: readonly number[];
  readonly key_approvals_to_add: readonly PublicKeyHex[];
  readonly key_approvals_to_remove: readonly PublicKeyHex[];
  readonly extensions: readonly never[];
}

type Types = ReturnType<typeof operationTypes>;
export type Authority = ValueOf<Types["authority"]>;
export type AccountOptions = ValueOf<Types["accountOptions"]>;
export type Memo = ValueOf<Types["memo"]>;
export type Transfer = ValueOf<Types["transfer"]>;
export type AccountCreate = ValueOf<Types["accountCreate"]>;
export type AccountUpdate = ValueOf<Types["accountUpdate"]>;
export type AccountUpgrade = ValueOf<Types["accountUpgrade"]>;
export type PermissionCreate = ValueOf<Types["permissionCreate"]>;
export type PermissionUpdate = ValueOf<Types["permissionUpdate"]>;
export type PermissionClaim = ValueOf<Types["permissionClaim"]>;
export type PermissionDelete = ValueOf<Types["permissionDelete"]>;
export type Custom = ValueOf<Types["custom"]>;
export type BalanceClaim = ValueOf<Types["balanceClaim"]>;

/** An operation that this node passes on without understanding it: put in by the test, never broadcast. */
export interface ForeignOperation {
  readonly tag: number;
  readonly value: Wire;
  readonly packed: Buffer;
}

export type Operation =
  | { readonly tag: typeof TRANSFER; readonly value: Transfer }
  | { readonly tag: typeof ACCOUNT_CREATE; readonly value: AccountCreate }
  | { readonly tag: typeof ACCOUNT_UPDATE; readonly value: AccountUpdate }
  | { readonly tag: typeof ACCOUNT_UPGRADE; readonly value: AccountUpgrade }
  | { readonly tag: typeof PROPOSAL_CREATE; readonly value: ProposalCreate }
  | { readonly tag: typeof PROPOSAL_UPDATE; readonly value: ProposalUpdate }
  | { readonly tag: typeof PERMISSION_CREATE; readonly value: PermissionCreate }
  | { readonly tag: typeof PERMISSION_UPDATE; readonly value: PermissionUpdate }
  | { readonly tag: typeof PERMISSION_CLAIM; readonly value: PermissionClaim }
  | { readonly tag: typeof PERMISSION_DELETE; readonly value: PermissionDelete }
  | { readonly tag: typeof CUSTOM; readonly value: Custom }
  | { readonly tag: typeof BALANCE_CLAIM; readonly value: BalanceClaim }
  | { readonly tag: "foreign"; readonly value: ForeignOperation };

/** Reads, prints and packs operations of a chain whose keys begin with `prefix`. */
export class OperationCodec {
  readonly prefix: string;
  readonly types: Types;
  readonly #byTag: ReadonlyMap<number, WireType<unknown>>;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.types = operationTypes(prefix);
    const { proposalCreate, proposalUpdate } = proposalTypes(this);
    this.#byTag = new Map<number, WireType<unknown>>([
      [TRANSFER, this.types.transfer],
      [ACCOUNT_CREATE, this.types.accountCreate],
      [ACCOUNT_UPDATE, this.types.accountUpdate],
      [ACCOUNT_UPGRADE, this.types.accountUpgrade],
      [PROPOSAL_CREATE, proposalCreate],
      [PROPOSAL_UPDATE, proposalUpdate],
      [PERMISSION_CREATE, this.types.permissionCreate],
      [PERMISSION_UPDATE, this.types.permissionUpdate],
      [PERMISSION_CLAIM, this.types.permissionClaim],
      [PERMISSION_DELETE, this.types.permissionDelete],
      [CUSTOM, this.types.custom],
      [BALANCE_CLAIM, this.types.balanceClaim],
    ]);
  }

  parse(json: Json): Operation {
    const [tagJson = null, value = null] = asArray(json);
    const tag = Number(asUint64(tagJson));
    if (tag >= OPERATION_COUNT)
      throw assertion("static_cast<size_t>(tag) < count()", at("static_variant.hpp", 322, "set_which"), {
        text: "Unable to set tag '${tag}' when the number of supported tags is ${count}",
        data: { tag, count: OPERATION_COUNT },
      });
    const type = this.#byTag.get(tag);
    if (type === undefined)
      throw assertion("devnet", at("operations.ts", 0, "parse"), {
        text: "operation ${tag} is not evaluated by this development node",
        data: { tag },
      });
    return { tag, value: type.parse(value) } as Operation;
  }

  wire(operation: Operation): readonly [number, Wire] {
    if (operation.tag === "foreign") return [operation.value.tag, operation.value.value];
    return [operation.tag, this.#type(operation.tag).wire(operation.value)];
  }

  pack(out: BinaryWriter, operation: Operation): void {
    if (operation.tag === "foreign") {
      out.varint(operation.value.tag);
      out.raw(operation.value.packed);
      return;
    }
    out.varint(operation.tag);
    this.#type(operation.tag).pack(out, operation.value);
  }

  /** Bytes of the operation without its tag: what fees by size are computed from. */
  packedSize(operation: Exclude<Operation, { tag: "foreign" }>): number {
    const out = new BinaryWriter();
    this.#type(operation.tag).pack(out, operation.value);
    return out.bytes().length;
  }

  /** Bytes of the optional memo, 0 without one. */
  packedMemoSize(memo: Memo | undefined): number {
    if (memo === undefined) return 0;
    const out = new BinaryWriter();
    optional(this.types.memo).pack(out, memo);
    return out.bytes().length;
  }

  #type(tag: number): WireType<unknown> {
    const type = this.#byTag.get(tag);
    if (type === undefined) throw new Error(`operation ${tag} has no codec`);
    return type;
  }
}

/** The checks that need no state. */
export function validateOperation(operation: Operation, thread: NodeThread = "th_a"): void {
  const check = (holds: boolean, expression: string, file: string, line: number) => {
    if (!holds) throw assertion(expression, at(file, line, "validate"), { thread });
  };
  switch (operation.tag) {
    case TRANSFER: {
      const { fee, from, to, amount } = operation.value;
      check(fee.amount >= 0n, "fee.amount >= 0", "transfer.cpp", 41);
      check(from !== to, "from != to", "transfer.cpp", 42);
      check(amount.amount > 0n, "amount.amount > 0", "transfer.cpp", 43);
      return;
    }
    case ACCOUNT_CREATE:
      check(operation.value.fee.amount >= 0n, "fee.amount >= 0", "account.cpp", 194);
      check(isValidName(operation.value.name), "is_valid_name( name )", "account.cpp", 195);
      return;
    case ACCOUNT_UPDATE: {
      const { fee, account, owner, active, new_options } = operation.value;
      check(account !== 4, "account != GRAPHENE_TEMP_ACCOUNT", "account.cpp", 259);
      check(fee.amount >= 0n, "fee.amount >= 0", "account.cpp", 260);
      check(
        owner !== undefined || active !== undefined || new_options !== undefined,
        "has_action",
        "account.cpp",
        269,
      );
      return;
    }
    case PROPOSAL_CREATE:
      check(operation.value.proposed_ops.length > 0, "!proposed_ops.empty()", "proposal.cpp", 64);
      for (const proposed of operation.value.proposed_ops) validateOperation(proposed, thread);
      return;
    case ACCOUNT_UPGRADE:
    case PROPOSAL_UPDATE:
    case CUSTOM:
      check(operation.value.fee.amount >= 0n, "fee.amount >= 0", "account.cpp", 302);
      return;
    case PERMISSION_CREATE:
    case PERMISSION_UPDATE: {
      const { fee, withdraw_from_account: from, authorized_account: to, ...terms } = operation.value;
      const file = "withdraw_permission.cpp";
      check(fee.amount >= 0n, "fee.amount >= 0", file, 60);
      check(from !== to, "withdraw_from_account != authorized_account", file, 61);
      check(terms.withdrawal_limit.amount > 0n, "withdrawal_limit.amount > 0", file, 62);
      check(terms.withdrawal_period_sec > 0, "withdrawal_period_sec > 0", file, 64);
      check(terms.periods_until_expiration > 0, "periods_until_expiration > 0", file, 65);
      return;
    }
    case PERMISSION_CLAIM: {
      const { fee, withdraw_from_account: from, withdraw_to_account: to, ...claim } = operation.value;
      const file = "withdraw_permission.cpp";
      check(from !== to, "withdraw_to_account != withdraw_from_account", file, 41);
      check(claim.amount_to_withdraw.amount > 0n, "amount_to_withdraw.amount > 0", file, 42);
      check(fee.amount >= 0n, "fee.amount >= 0", file, 43);
      return;
    }
    case PERMISSION_DELETE: {
      const { fee, withdraw_from_account: from, authorized_account: to } = operation.value;
      const file = "withdraw_permission.cpp";
      check(fee.amount >= 0n, "fee.amount >= 0", file, 70);
      check(from !== to, "withdraw_from_account != authorized_account", file, 71);
      return;
    }
    case BALANCE_CLAIM:
      check(operation.value.fee.amount === 0n, "fee == asset()", "balance.cpp", 30);
      return;
    case "foreign":
      return;
  }
}

export interface RequiredAuthorities {
  readonly active: readonly number[];
  readonly owner: readonly number[];
  readonly keys: readonly PublicKeyHex[];
}

export function requiredAuthorities(operation: Operation): RequiredAuthorities {
  const active = (...ids: number[]) => ({ active: ids, owner: [], keys: [] });
  switch (operation.tag) {
    case TRANSFER:
      return active(operation.value.from);
    case ACCOUNT_CREATE:
      return active(operation.value.registrar);
    case ACCOUNT_UPDATE:
      return operation.value.owner === undefined
        ? active(operation.value.account)
        : { active: [], owner: [operation.value.account], keys: [] };
    case ACCOUNT_UPGRADE:
      return active(operation.value.account_to_upgrade);
    case PROPOSAL_CREATE:
      return active(operation.value.fee_paying_account);
    case PROPOSAL_UPDATE: {
      const { value } = operation;
      return {
        active: [
          value.fee_paying_account,
          ...value.active_approvals_to_add,
          ...value.active_approvals_to_remove,
        ],
        owner: [...value.owner_approvals_to_add, ...value.owner_approvals_to_remove],
        keys: [...value.key_approvals_to_add, ...value.key_approvals_to_remove],
      };
    }
    case PERMISSION_CREATE:
    case PERMISSION_UPDATE:
    case PERMISSION_DELETE:
      return active(operation.value.withdraw_from_account);
    case PERMISSION_CLAIM:
      return active(operation.value.withdraw_to_account);
    case CUSTOM:
      return active(operation.value.payer, ...operation.value.required_auths);
    case BALANCE_CLAIM:
      return {
        active: [operation.value.deposit_to_account],
        owner: [],
        keys: [operation.value.balance_owner_key],
      };
    case "foreign":
      return active();
  }
}

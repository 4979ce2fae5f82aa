import { type Account, type AssetObject, type ChainState, notFound, prettyAmount } from "./chain-state.ts";
import {
  claimPermission,
  createPermission,
  deletePermission,
  updatePermission,
} from "./evaluate-permission.ts";
import { createProposal, updateProposal } from "./evaluate-proposal.ts";
import { checkFee, evaluating, NOTHING, payFee } from "./evaluation.ts";
import { assertion, at, NodeError } from "./node-error.ts";
import {
  ACCOUNT_CREATE,
  ACCOUNT_UPDATE,
  ACCOUNT_UPGRADE,
  type AccountCreate,
  type AccountUpdate,
  BALANCE_CLAIM,
  CUSTOM,
  type Operation,
  PERMISSION_CLAIM,
  PERMISSION_CREATE,
  PERMISSION_DELETE,
  PERMISSION_UPDATE,
  PROPOSAL_CREATE,
  PROPOSAL_UPDATE,
  requiredAuthorities,
  TRANSFER,
  type Transfer,
} from "./operations.ts";
import type { OperationResult } from "./transaction.ts";

/** Applies one operation to the state, or throws the node's refusal. The caller takes back what a refusal leaves half done. */
export function applyOperation(state: ChainState, operation: Operation): OperationResult {
  try {
    try {
      return evaluate(state, operation);
    } catch (error) {
      throw error instanceof NodeError ? error.passing(at("evaluator.cpp", 49, "start_evaluate"), {}) : error;
    }
  } catch (error) {
    throw error instanceof NodeError
      ? error.passing(at("db_block.cpp", 797, "apply_operation"), () => ({ op: state.codec.wire(operation) }))
      : error;
  }
}

function evaluate(state: ChainState, operation: Operation): OperationResult {
  switch (operation.tag) {
    case TRANSFER:
      return transfer(state, operation, operation.value);
    case ACCOUNT_CREATE:
      return accountCreate(state, operation, operation.value);
    case ACCOUNT_UPDATE:
      return accountUpdate(state, operation, operation.value);
    case ACCOUNT_UPGRADE: {
      const { fee, account_to_upgrade: id } = operation.value;
      checkFee(state, operation, id, fee);
      const account = state.getAccount(id);
      if (account.lifetimeMember)
        throw assertion("!account->is_lifetime_member()", at("account_evaluator.cpp", 391, "do_evaluate"), {
          text: " Unable to upgrade account '${a}'",
          data: { a: account.name },
        });
      state.accounts.set(id, { ...account, lifetimeMember: true, referrer: id, lifetimeReferrer: id });
      payFee(state, id, fee);
      return NOTHING;
    }
    case PROPOSAL_CREATE:
      return createProposal(state, operation);
    case PROPOSAL_UPDATE:
      return updateProposal(state, operation, applyOperation);
    case PERMISSION_CREATE:
      return createPermission(state, operation);
    case PERMISSION_UPDATE:
      return updatePermission(state, operation);
    case PERMISSION_CLAIM:
      return claimPermission(state, operation);
    case PERMISSION_DELETE:
      return deletePermission(state, operation);
    case CUSTOM:
      checkFee(state, operation, operation.value.payer, operation.value.fee);
      payFee(state, operation.value.payer, operation.value.fee);
      return NOTHING;
    case BALANCE_CLAIM:
      // The genesis of a devnet gives to accounts, not to addresses: there is nothing to claim.
      throw notFound(`1.15.${operation.value.balance_to_claim}`);
    case "foreign":
      return NOTHING;
  }
}

function transfer(
  state: ChainState,
  operation: Operation,
  { fee, from, to, amount }: Transfer,
): OperationResult {
  checkFee(state, operation, from, fee);
  evaluating(state, operation, at("transfer_evaluator.cpp", 75, "do_evaluate"), () => {
    const sender = state.getAccount(from);
    const recipient = state.getAccount(to);
    const asset = state.getAsset(amount.asset_id);
    const held = state.findBalance(from, amount.asset_id)?.amount ?? 0n;
    if (held < amount.amount) throw insufficientBalance(held, amount.amount, asset, sender, recipient);
  });
  state.adjustBalance(from, amount.asset_id, -amount.amount);
  state.adjustBalance(to, amount.asset_id, amount.amount);
  payFee(state, from, fee);
  return NOTHING;
}

function insufficientBalance(
  held: bigint,
  wanted: bigint,
  asset: AssetObject,
  from: Account,
  to: Account,
): NodeError {
  const total = prettyAmount(wanted, asset);
  return assertion("insufficient_balance", at("transfer_evaluator.cpp", 68, "do_evaluate"), {
    text: "Insufficient Balance: ${balance}, unable to transfer '${total_transfer}' from account '${a}' to '${t}'",
    data: { a: from.name, t: to.name, total_transfer: total, balance: prettyAmount(held, asset) },
  }).passing(
    at("transfer_evaluator.cpp", 73, "do_evaluate"),
    { a: total, f: from.name, t: to.name },
    { level: "error", format: "Unable to transfer ${a} from ${f} to ${t}" },
  );
}

function accountCreate(state: ChainState, operation: Operation, value: AccountCreate): OperationResult {
  const { fee, registrar, referrer, name, owner, active, options } = value;
  checkFee(state, operation, registrar, fee);
  const place = (line: number) => at("account_evaluator.cpp", line, "do_evaluate");
  evaluating(state, operation, place(200), () => {
    if (!state.getAccount(registrar).lifetimeMember)
      throw assertion("fee_paying_account->is_lifetime_member()", place(150), {
        text: "Only Lifetime members may register an account.",
      });
    state.getAccount(referrer);
    for (const [id] of [...owner.account_auths, ...active.account_auths]) state.getAccount(id);
    if (state.accountsByName.has(name))
      throw assertion("current_account_itr == acnt_indx.indices().get<by_name>().end()", place(192), {
        text: "Account '${a}' already exists.",
        data: { a: name },
      });
  });
  const id = state.addAccount({
    name,
    owner,
    active,
    options,
    lifetimeMember: false,
    registrar,
    referrer,
    lifetimeReferrer: state.getAccount(referrer).lifetimeReferrer,
    creationBlockNum: state.dynamic.headNum,
    creationTime: state.dynamic.headTime,
  });
  state.dynamic = { ...state.dynamic, accountsRegistered: state.dynamic.accountsRegistered + 1 };
  payFee(state, registrar, fee);
  return [1, `1.2.${id}`];
}

function accountUpdate(state: ChainState, operation: Operation, value: AccountUpdate): OperationResult {
  const { fee, account: id, owner, active, new_options } = value;
  checkFee(state, operation, id, fee);
  evaluating(state, operation, at("account_evaluator.cpp", 310, "do_evaluate"), () => {
    for (const authority of [owner, active])
      for (const [named] of authority?.account_auths ?? []) state.getAccount(named);
  });
  const account = state.getAccount(id);
  state.accounts.set(id, {
    ...account,
    owner: owner ?? account.owner,
    active: active ?? account.active,
    options: new_options ?? account.options,
  });
  payFee(state, id, fee);
  return NOTHING;
}

/** Accounts in whose history an operation appears. */
export function concernedAccounts(operation: Operation, result: OperationResult): number[] {
  switch (operation.tag) {
    case TRANSFER:
      return [operation.value.from, operation.value.to];
    case ACCOUNT_CREATE: {
      const created = result[0] === 1 ? [Number(result[1].slice("1.2.".length))] : [];
      return [...new Set([operation.value.registrar, operation.value.referrer, ...created])];
    }
    case ACCOUNT_UPDATE:
      return [operation.value.account];
    case ACCOUNT_UPGRADE:
      return [operation.value.account_to_upgrade];
    case PROPOSAL_CREATE: {
      const { proposed_ops: proposed, fee_paying_account: proposer } = operation.value;
      const asked = proposed.map(requiredAuthorities).flatMap(({ active, owner }) => [...active, ...owner]);
      return [...new Set([proposer, ...asked])];
    }
    case PROPOSAL_UPDATE:
      return [operation.value.fee_paying_account];
    case PERMISSION_CREATE:
    case PERMISSION_UPDATE:
    case PERMISSION_DELETE:
      return [operation.value.withdraw_from_account, operation.value.authorized_account];
    case PERMISSION_CLAIM:
      return [operation.value.withdraw_to_account, operation.value.withdraw_from_account];
    case CUSTOM:
      return [...new Set([operation.value.payer, ...operation.value.required_auths])];
    case BALANCE_CLAIM:
      return [operation.value.deposit_to_account];
    case "foreign":
      return [];
  }
}

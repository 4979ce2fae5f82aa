import type { ChainState, WithdrawPermission } from "./chain-state.ts";
import { checkFee, evaluating, NOTHING, payFee } from "./evaluation.ts";
import { assertion, at } from "./node-error.ts";
import type {
  Operation,
  PERMISSION_CLAIM,
  PERMISSION_CREATE,
  PERMISSION_DELETE,
  PERMISSION_UPDATE,
} from "./operations.ts";
import type { OperationResult } from "./transaction.ts";

/** Withdraw permissions: one account lets another draw up to a limit from it in each period. Operations 25 to 28. */

type Of<Tag> = Extract<Operation, { readonly tag: Tag }>;

const FILE = "withdraw_permission_evaluator.cpp";

/** Fails with the expression of the node's own source, and the operation. */
function checking(
  state: ChainState,
  operation: Operation,
  line: number,
  checks: (check: (holds: boolean, expression: string) => void) => void,
): void {
  const place = at(FILE, line, "do_evaluate");
  evaluating(state, operation, place, () =>
    checks((holds, expression) => {
      if (!holds) throw assertion(expression, place);
    }),
  );
}

export function createPermission(
  state: ChainState,
  operation: Of<typeof PERMISSION_CREATE>,
): OperationResult {
  const { value } = operation;
  const { withdraw_from_account: from, authorized_account: authorized, withdrawal_limit: limit } = value;
  checkFee(state, operation, from, value.fee);
  const now = state.dynamic.headTime;
  const expiration = expirationOf(value);
  checking(state, operation, 46, (check) => {
    check(state.accounts.has(from), "d.find_object(op.withdraw_from_account)");
    check(state.accounts.has(authorized), "d.find_object(op.authorized_account)");
    check(state.assets.has(limit.asset_id), "d.find_object(op.withdrawal_limit.asset_id)");
    check(value.period_start_time > now, "op.period_start_time > d.head_block_time()");
    check(expiration > now, EXPIRES_LATER);
    check(value.withdrawal_period_sec >= state.genesis.blockIntervalSeconds, PERIOD_IS_LONG_ENOUGH);
  });
  const id = state.takeInstance("1.12");
  state.permissions.set(id, {
    id,
    from,
    authorized,
    limit,
    periodSeconds: value.withdrawal_period_sec,
    periodStart: value.period_start_time,
    expiration,
    claimedThisPeriod: 0n,
  });
  payFee(state, from, value.fee);
  return [1, `1.12.${id}`];
}

/** What was claimed stays counted against the new limit, as on a real node. */
export function updatePermission(
  state: ChainState,
  operation: Of<typeof PERMISSION_UPDATE>,
): OperationResult {
  const { value } = operation;
  const { withdraw_from_account: from, authorized_account: authorized } = value;
  checkFee(state, operation, from, value.fee);
  const now = state.dynamic.headTime;
  const expiration = expirationOf(value);
  checking(state, operation, 120, (check) => {
    const permission = state.getPermission(value.permission_to_update);
    check(permission.authorized === authorized, "permit.authorized_account == op.authorized_account");
    check(permission.from === from, "permit.withdraw_from_account == op.withdraw_from_account");
    check(state.assets.has(value.withdrawal_limit.asset_id), "d.find_object(op.withdrawal_limit.asset_id)");
    check(value.period_start_time >= now, "op.period_start_time >= d.head_block_time()");
    check(expiration > now, EXPIRES_LATER);
    check(value.withdrawal_period_sec >= state.genesis.blockIntervalSeconds, PERIOD_IS_LONG_ENOUGH);
  });
  state.permissions.set(value.permission_to_update, {
    ...state.getPermission(value.permission_to_update),
    limit: value.withdrawal_limit,
    periodSeconds: value.withdrawal_period_sec,
    periodStart: value.period_start_time,
    expiration,
  });
  payFee(state, from, value.fee);
  return NOTHING;
}

export function claimPermission(state: ChainState, operation: Of<typeof PERMISSION_CLAIM>): OperationResult {
  const { value } = operation;
  const { withdraw_from_account: from, withdraw_to_account: to, amount_to_withdraw: amount } = value;
  checkFee(state, operation, to, value.fee);
  const now = state.dynamic.headTime;
  checking(state, operation, 90, (check) => {
    const permission = state.getPermission(value.withdraw_permission);
    check(permission.expiration > now, "permit.expiration > head_block_time");
    check(permission.authorized === to, "permit.authorized_account == op.withdraw_to_account");
    check(permission.from === from, "permit.withdraw_from_account == op.withdraw_from_account");
    check(permission.periodStart <= now, "permit.period_start_time <= head_block_time");
    check(amount.asset_id === permission.limit.asset_id, "a.asset_id == b.asset_id");
    check(
      amount.amount <= availableThisPeriod(permission, now),
      "op.amount_to_withdraw <= permit.available_this_period( head_block_time )",
    );
    check(
      (state.findBalance(from, amount.asset_id)?.amount ?? 0n) >= amount.amount,
      "d.get_balance(op.withdraw_from_account, op.amount_to_withdraw.asset_id) >= op.amount_to_withdraw",
    );
  });
  const permission = state.getPermission(value.withdraw_permission);
  const periods = Math.floor((now - permission.periodStart) / permission.periodSeconds);
  state.permissions.set(permission.id, {
    ...permission,
    periodStart: permission.periodStart + periods * permission.periodSeconds,
    claimedThisPeriod: (periods === 0 ? permission.claimedThisPeriod : 0n) + amount.amount,
  });
  state.adjustBalance(from, amount.asset_id, -amount.amount);
  state.adjustBalance(to, amount.asset_id, amount.amount);
  payFee(state, to, value.fee); // the last step: what was just claimed can pay for it
  return NOTHING;
}

export function deletePermission(
  state: ChainState,
  operation: Of<typeof PERMISSION_DELETE>,
): OperationResult {
  const { fee, withdraw_from_account: from, authorized_account, withdrawal_permission: id } = operation.value;
  checkFee(state, operation, from, fee);
  checking(state, operation, 146, (check) => {
    const permission = state.getPermission(id);
    check(permission.authorized === authorized_account, "permit.authorized_account == op.authorized_account");
    check(permission.from === from, "permit.withdraw_from_account == op.withdraw_from_account");
  });
  state.permissions.delete(id);
  payFee(state, from, fee);
  return NOTHING;
}

const EXPIRES_LATER =
  "op.period_start_time + op.periods_until_expiration * op.withdrawal_period_sec > d.head_block_time()";
const PERIOD_IS_LONG_ENOUGH =
  "op.withdrawal_period_sec >= d.get_global_properties().parameters.block_interval";

/** All in 32 bits, which overflow without a word: a permission meant to last for ever may be over before it begins. */
const expirationOf = (terms: {
  readonly period_start_time: number;
  readonly periods_until_expiration: number;
  readonly withdrawal_period_sec: number;
}): number =>
  (terms.period_start_time + Math.imul(terms.periods_until_expiration, terms.withdrawal_period_sec)) >>> 0;

function availableThisPeriod(permission: WithdrawPermission, now: number): bigint {
  const { limit, claimedThisPeriod, periodStart, periodSeconds } = permission;
  if (now >= periodStart + periodSeconds) return limit.amount;
  return limit.amount > claimedThisPeriod ? limit.amount - claimedThisPeriod : 0n;
}

import { type ChainState, prettyAmount } from "./chain-state.ts";
import { coreValueOfFee, requiredCoreFee } from "./fees.ts";
import { assertion, at, INSUFFICIENT_FEE, NodeError, type Place } from "./node-error.ts";
import type { Operation } from "./operations.ts";
import type { OperationResult } from "./transaction.ts";
import type { Asset } from "./wire-types.ts";

/** What the evaluation of every operation has in common: its fee, and the shape of its refusals. */

export const NOTHING: OperationResult = [0, {}];

/** Runs the stateful checks of one operation type; a refusal shows the operation it met. */
export function evaluating(state: ChainState, operation: Operation, place: Place, checks: () => void): void {
  try {
    checks();
  } catch (error) {
    throw error instanceof NodeError
      ? error.passing(place, () => ({ op: state.codec.wire(operation)[1] }))
      : error;
  }
}

export function checkFee(state: ChainState, operation: Operation, payer: number, fee: Asset): void {
  state.getAccount(payer);
  const asset = state.getAsset(fee.asset_id);
  const corePaid = fee.asset_id === 0 ? fee.amount : coreValueOfFee(fee.amount, asset);
  if (fee.asset_id !== 0 && corePaid > asset.feePool) {
    const core = state.getAsset(0);
    throw assertion("core_fee_paid <= fee_asset_dyn_data->fee_pool", at("evaluator.cpp", 80, "prepare_fee"), {
      text: "Fee pool balance of '${b}' is less than the ${r} required to convert ${c}",
      data: {
        b: prettyAmount(asset.feePool, core),
        r: prettyAmount(corePaid, core),
        c: prettyAmount(fee.amount, asset),
      },
    });
  }
  const required = requiredCoreFee(state.codec, state.parameters, operation);
  if (corePaid < required)
    throw new NodeError(INSUFFICIENT_FEE, at("evaluator.hpp", 156, "evaluate"), "Insufficient Fee Paid", {
      core_fee_paid: Number(corePaid),
      required: Number(required),
    });
}

/** Below this a fee vests (`cashback_vesting_threshold`). */
const VESTING_THRESHOLD_SHARES = 10_000_000n;

export function payFee(state: ChainState, payer: number, fee: Asset): void {
  state.adjustBalance(payer, fee.asset_id, -fee.amount);
  const statistics = state.statistics.get(payer);
  if (statistics === undefined || fee.asset_id !== 0 || fee.amount === 0n) return;
  const vested = fee.amount < VESTING_THRESHOLD_SHARES;
  state.statistics.set(payer, {
    ...statistics,
    pendingFees: statistics.pendingFees + (vested ? 0n : fee.amount),
    pendingVestedFees: statistics.pendingVestedFees + (vested ? fee.amount : 0n),
  });
}

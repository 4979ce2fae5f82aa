import type { Shares } from "@stakebts/kernel/amount";
import type { AccountId, ChainTransfer } from "@stakebts/bitshares/chain";
import { CORE_ASSET_ID } from "../rules/transfer.ts";

/**
 * The rule of the balance monitor (ADR 0022). What nodes say an account holds is of about their newest block, and holds what is
 * pending on them. So it is compared with what final blocks give, once the blocks around the question are final: a movement in
 * them may be in the answer or not.
 */

/** What moved in one final block, in shares, fees among what left. */
export interface Movement {
  readonly blockNum: number;
  readonly came: bigint;
  readonly left: bigint;
}

/** What a majority of the nodes said, between two looks at the head. */
export interface BalanceSample {
  readonly fromBlockNum: number;
  readonly toBlockNum: number;
  /** The last block that was final before the question: those after it could still be replaced, and what is in them with them. */
  readonly finalBlockNum: number;
  readonly atLeast: Shares;
  readonly atMost: Shares;
  /** What was signed and in no final block then. */
  readonly inFlight: Shares;
}

export interface BalanceDifference {
  /** Shares more than expected; less than zero: so many are missing. At least so many, unless it is exact. */
  readonly amount: bigint;
  readonly isExact: boolean;
}

/** Nodes may be behind the head by some blocks, and what is pending takes some to be in one. */
const BLOCKS_BEFORE = 3;
export const BLOCKS_AFTER = 4;

/** The blocks whose movements may be in the answer, or not. */
export const windowOf = ({
  fromBlockNum,
  toBlockNum,
  finalBlockNum,
}: Pick<BalanceSample, "fromBlockNum" | "toBlockNum" | "finalBlockNum">) => ({
  afterBlockNum: Math.min(fromBlockNum - BLOCKS_BEFORE, finalBlockNum),
  toBlockNum: toBlockNum + BLOCKS_AFTER,
});

/** @param expected after block `afterBlockNum` of its window; @param movements those of its window */
export function differenceOf(
  { atLeast, atMost, inFlight }: BalanceSample,
  expected: bigint,
  movements: readonly Movement[],
): BalanceDifference | undefined {
  const came = movements.reduce((sum, movement) => sum + movement.came, 0n);
  const left = movements.reduce((sum, movement) => sum + movement.left, 0n);
  const isExact = came === 0n && left === 0n && inFlight === 0n && atLeast === atMost;
  const least = expected - left - inFlight;
  if (atMost < least) return { amount: atMost - least, isExact };
  const most = expected + came;
  return atLeast > most ? { amount: atLeast - most, isExact } : undefined;
}

/** What a transfer or claim does to the core asset of the account. Who draws by a permission pays the fee. */
export function movementOf(
  transfer: Omit<ChainTransfer, "txid">,
  account: AccountId,
): { readonly came: bigint; readonly left: bigint } {
  const { fromId, toId, amount, assetId, feeAmount, feeAssetId, permissionId } = transfer;
  const payer = permissionId === undefined ? fromId : toId;
  const moved = assetId === CORE_ASSET_ID ? amount : 0n;
  const fee = feeAssetId === CORE_ASSET_ID && payer === account ? feeAmount : 0n;
  return {
    came: toId === account ? moved : 0n,
    left: (fromId === account ? moved : 0n) + fee,
  };
}

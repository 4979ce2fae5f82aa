import { isCheapName } from "./account-name.ts";
import { type AssetObject, OTHER_FEES, type Parameters } from "./chain-state.ts";
import {
  ACCOUNT_CREATE,
  ACCOUNT_UPDATE,
  ACCOUNT_UPGRADE,
  BALANCE_CLAIM,
  CUSTOM,
  type Operation,
  type OperationCodec,
  PERMISSION_CLAIM,
  PERMISSION_CREATE,
  PERMISSION_DELETE,
  PERMISSION_UPDATE,
  PROPOSAL_CREATE,
  PROPOSAL_UPDATE,
  TRANSFER,
} from "./operations.ts";

/** What is asked for `bytes` bytes at a price per 1024. */
const dataFee = (bytes: number, pricePerKbyte: bigint): bigint => (BigInt(bytes) * pricePerKbyte) / 1024n;

/** Fee of an operation in units of the core asset. */
export function requiredCoreFee(codec: OperationCodec, parameters: Parameters, operation: Operation): bigint {
  switch (operation.tag) {
    case TRANSFER: {
      const { fee, pricePerKbyte } = parameters.transferFee;
      return fee + dataFee(codec.packedMemoSize(operation.value.memo), pricePerKbyte);
    }
    case ACCOUNT_CREATE: {
      const { basic, premium, pricePerKbyte } = OTHER_FEES.accountCreate;
      return (
        (isCheapName(operation.value.name) ? basic : premium) +
        dataFee(codec.packedSize(operation), pricePerKbyte)
      );
    }
    case ACCOUNT_UPDATE: {
      const { fee, pricePerKbyte } = OTHER_FEES.accountUpdate;
      // Only new options are paid for by size: keys are free of it.
      return fee + (operation.value.new_options ? dataFee(codec.packedSize(operation), pricePerKbyte) : 0n);
    }
    case ACCOUNT_UPGRADE:
      return OTHER_FEES.lifetimeMembership;
    case CUSTOM: {
      const { fee, pricePerKbyte } = OTHER_FEES.custom;
      return fee + dataFee(codec.packedSize(operation), pricePerKbyte);
    }
    case PERMISSION_CREATE:
      return OTHER_FEES.permissionCreate;
    case PERMISSION_UPDATE:
      return OTHER_FEES.permissionUpdate;
    case PERMISSION_CLAIM: {
      const { fee, pricePerKbyte } = OTHER_FEES.permissionClaim;
      return fee + dataFee(codec.packedMemoSize(operation.value.memo), pricePerKbyte);
    }
    // Proposals cost nothing here.
    case PROPOSAL_CREATE:
    case PROPOSAL_UPDATE:
    case PERMISSION_DELETE:
    case BALANCE_CLAIM:
    case "foreign":
      return 0n;
  }
}

/** A core fee in units of another asset, rounded up. */
export const feeInAsset = (coreFee: bigint, asset: Pick<AssetObject, "coreBase" | "quote">): bigint =>
  (coreFee * asset.quote + asset.coreBase - 1n) / asset.coreBase;

/** What a fee in another asset is worth in core units, rounded down. */
export const coreValueOfFee = (amount: bigint, asset: Pick<AssetObject, "coreBase" | "quote">): bigint =>
  (amount * asset.coreBase) / asset.quote;

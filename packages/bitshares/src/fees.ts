import { SECOND_MS } from "@stakebts/kernel/time";
import { shares, type Shares } from "@stakebts/kernel/amount";
import type { EncryptedMemo, TransferFeeSchedule } from "./chain.ts";
import { CLAIM_TAG, TRANSFER_TAG } from "./transaction-codec.ts";
import { asAmount, asArray, asObject, asUint32, asUint64 } from "./wire-values.ts";

const SCALE_UNIT = 10_000n;

const varintBytes = (value: number): number => {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
};

/** Bytes that the optional memo takes in the transaction, its own presence byte included; 0 counts when there is none. */
function packedMemoBytes(memo: EncryptedMemo | undefined): number {
  if (memo === undefined) return 0;
  const messageBytes = memo.messageHex.length / 2;
  return 1 + 33 + 33 + 8 + varintBytes(messageBytes) + messageBytes;
}

/** Fee that the chain asks for a transfer, in shares of the core asset. One less is refused, more is taken as stated. */
export function transferFee(schedule: TransferFeeSchedule, memo: EncryptedMemo | undefined): Shares {
  const data = (BigInt(packedMemoBytes(memo)) * schedule.pricePerKbyte) / 1024n;
  return shares(((schedule.fee + data) * schedule.scale) / SCALE_UNIT);
}

/** What the chain's code asks for a claim when its fee schedule does not name it: 20 BTS, and 10 shares per kbyte. */
const CLAIM_FEE_DEFAULT = { fee: 2_000_000n, pricePerKbyte: 10n };

/** Object 2.0.0. Throws ChainError "malformed_answer". */
export function parseTransferFeeSchedule(value: unknown): TransferFeeSchedule {
  const parameters = asObject(asObject(value, "global properties")["parameters"], "chain parameters");
  const fees = asObject(parameters["current_fees"], "fee schedule");
  const prices = new Map(
    asArray(fees["parameters"], "fees").map((entry) => {
      const [tag, fee] = asArray(entry, "fee entry");
      return [tag, fee];
    }),
  );
  const priceOf = (tag: number) => {
    const price = asObject(prices.get(tag), `fee of operation ${tag}`);
    return {
      fee: asAmount(price["fee"], "fee"),
      pricePerKbyte: asAmount(price["price_per_kbyte"], "price per kbyte"),
    };
  };
  return {
    ...priceOf(TRANSFER_TAG),
    claim: prices.has(CLAIM_TAG) ? priceOf(CLAIM_TAG) : CLAIM_FEE_DEFAULT,
    scale: asUint64(fees["scale"], "fee scale"),
    maximumTimeUntilExpirationMs:
      asUint32(parameters["maximum_time_until_expiration"], "maximum_time_until_expiration") * SECOND_MS,
  };
}

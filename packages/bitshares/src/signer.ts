import { assert } from "@stakebts/kernel/assert";
import { SECOND_MS } from "@stakebts/kernel/time";
import type { SignedTransfer, Signer, TransferIntent } from "./signing.ts";
import { refBlockOf } from "./block-id.ts";
import { sha256 } from "./digest.ts";
import { type PrivateKey, privateKeyFromWif } from "./keys.ts";
import { serializeSignedTransaction, serializeTransaction, transactionId } from "./transaction-codec.ts";

/** Id of the core asset: the one that fees and payouts are in. */
export const CORE_ASSET_ID = "1.3.0";

/** The chain takes r and s only if neither has its top bit set nor a needless leading zero byte. About every second try. */
function isCanonical(rs: Uint8Array): boolean {
  const at = (index: number) => rs[index] as number;
  return at(0) < 0x80 && !(at(0) === 0 && at(1) < 0x80) && at(32) < 0x80 && !(at(32) === 0 && at(33) < 0x80);
}

/**
 * 65 bytes: recovery byte, r, s. Deterministic: attempt n adds n as additional data to RFC 6979, so that signing again
 * after a crash gives the same bytes.
 */
export function signDigest(key: Pick<PrivateKey, "sign">, digest: Uint8Array): Uint8Array {
  for (let attempt = 0; ; attempt++) {
    assert(attempt < 256, "256 signatures in a row are not canonical: the curve is broken");
    let entropy: Buffer | undefined;
    if (attempt > 0) {
      entropy = Buffer.alloc(32);
      entropy.writeUInt32LE(attempt);
    }
    const { rs, recoveryId } = key.sign(digest, entropy);
    if (!isCanonical(rs)) continue;
    const signature = new Uint8Array(65);
    signature[0] = 27 + 4 + recoveryId;
    signature.set(rs, 1);
    return signature;
  }
}

function toTransaction(intent: TransferIntent) {
  assert(intent.amount > 0n, `a transfer moves something: ${intent.amount}`);
  assert(intent.fee >= 0n, `a fee is not negative: ${intent.fee}`);
  assert(intent.fromId !== intent.toId, `the chain refuses a transfer to oneself: ${intent.fromId}`);
  const expirationSec = intent.expirationMs / SECOND_MS;
  assert(
    Number.isInteger(expirationSec) && expirationSec > 0 && expirationSec <= 0xffff_ffff,
    `an expiration is in whole seconds: ${intent.expirationMs} ms`,
  );
  return {
    ...refBlockOf(intent.refBlockId),
    expirationSec,
    transfers: [
      {
        feeAmount: intent.fee,
        feeAssetId: CORE_ASSET_ID,
        fromId: intent.fromId,
        toId: intent.toId,
        amount: intent.amount,
        assetId: CORE_ASSET_ID,
        memo: intent.memo,
        ...(intent.permissionId === undefined ? {} : { permissionId: intent.permissionId }),
      },
    ],
  };
}

/**
 * @param options.chainId 64 hex digits; a signature is good on that chain only
 * Throws KeyFormatError for the key.
 */
export function createSigner(options: {
  wif: string;
  chainId: string;
  keyPrefix?: string | undefined;
}): Signer {
  const key = privateKeyFromWif(options.wif);
  assert(/^[0-9a-f]{64}$/.test(options.chainId), `a chain id has 64 hex digits: ${options.chainId}`);
  const chainId = Buffer.from(options.chainId, "hex");
  return {
    publicKey: key.publicKeyText(options.keyPrefix),
    sign(intent): SignedTransfer {
      const transaction = toTransaction(intent);
      const unsigned = serializeTransaction(transaction);
      const digest = sha256(Buffer.concat([chainId, unsigned]));
      return {
        txid: transactionId(unsigned),
        bytes: serializeSignedTransaction({ ...transaction, signatures: [signDigest(key, digest)] }),
        refBlockNum: transaction.refBlockNum,
        expirationMs: intent.expirationMs,
      };
    },
  };
}

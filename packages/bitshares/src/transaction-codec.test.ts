import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { ops } from "bitsharesjs";
import bitsharesWs from "bitsharesjs-ws";
import { beforeAll, describe, expect, it } from "vitest";
import { AssertionError } from "@stakebts/kernel/assert";
import { shares } from "@stakebts/kernel/amount";
import type { AccountId, PermissionId } from "./chain.ts";
import { parseTransfer } from "./block-parser.ts";
import { curve } from "./curve.ts";
import { publicKeyText } from "./keys.ts";
import {
  parseSignedTransaction,
  serializeSignedTransaction,
  serializeTransaction,
  type SignedTransferTransaction,
  transactionId,
  transactionToWire,
} from "./transaction-codec.ts";

interface WireTransaction {
  readonly ref_block_num: number;
  readonly ref_block_prefix: number;
  readonly expiration: string;
  readonly operations: [number, unknown][];
}
interface TransactionVector {
  readonly name: string;
  readonly tx: WireTransaction;
  readonly unsigned_hex: string;
  readonly txid: string;
  readonly signatures: { signature: string }[];
  readonly signed_hex: string;
  readonly bitsharesjs_json: object;
}
const vectors = JSON.parse(
  readFileSync(new URL("../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url), "utf8"),
) as {
  transactions: TransactionVector[];
  external_vectors: [{ unsigned_hex: string; txid: string }];
};

const fromWire = (tx: WireTransaction, signatures: string[]): SignedTransferTransaction => ({
  refBlockNum: tx.ref_block_num,
  refBlockPrefix: tx.ref_block_prefix,
  expirationSec: Date.parse(`${tx.expiration}Z`) / 1000,
  transfers: tx.operations.map(([, body]) => parseTransfer(body)),
  signatures: signatures.map((signature) => Uint8Array.from(Buffer.from(signature, "hex"))),
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("the transaction vectors", () => {
  it.each(vectors.transactions)("$name: bytes, id and signed form", (v) => {
    const transaction = fromWire(
      v.tx,
      v.signatures.map(({ signature }) => signature),
    );
    expect(hex(serializeTransaction(transaction))).toBe(v.unsigned_hex);
    expect(transactionId(Buffer.from(v.unsigned_hex, "hex"))).toBe(v.txid);
    expect(hex(serializeSignedTransaction(transaction))).toBe(v.signed_hex);
  });

  it.each(vectors.transactions)("$name: read back from the saved bytes and put into JSON", (v) => {
    const transaction = parseSignedTransaction(Buffer.from(v.signed_hex, "hex"));
    expect(hex(serializeSignedTransaction(transaction))).toBe(v.signed_hex);
    expect(transactionToWire(transaction)).toEqual(v.bitsharesjs_json);
  });

  it("from another project: python-bitshares", () => {
    const [v] = vectors.external_vectors;
    const transaction = parseSignedTransaction(Buffer.from(`${v.unsigned_hex}00`, "hex"));
    expect(hex(serializeTransaction(transaction))).toBe(v.unsigned_hex);
    expect(transactionId(serializeTransaction(transaction))).toBe(v.txid);
    expect(transaction).toMatchObject({
      refBlockNum: 34294,
      refBlockPrefix: 3707022213,
      expirationSec: Date.parse("2016-04-06T08:29:27Z") / 1000,
      transfers: [{ fromId: "1.2.0", toId: "1.2.1", amount: 1_000_000n, assetId: "1.3.4", feeAmount: 0n }],
    });
    expect(transaction.transfers[0]?.memo?.nonce).toBe("5862723643998573708");
  });
});

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const instances = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
const amounts = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(shares);
const publicKeys = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => publicKeyText(curve.publicKey(bytes.with(0, 1))));
const memos = fc.record({
  from: publicKeys,
  to: publicKeys,
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  messageHex: fc.uint8Array({ maxLength: 300 }).map(hex),
});
const transactionsOf = (instance: fc.Arbitrary<number>): fc.Arbitrary<SignedTransferTransaction> =>
  fc.record({
    refBlockNum: fc.integer({ min: 0, max: 0xffff }),
    refBlockPrefix: uint32,
    expirationSec: uint32,
    transfers: fc.array(
      fc.record({
        feeAmount: amounts,
        feeAssetId: instance.map((n) => `1.3.${n}`),
        fromId: instance.map((n): AccountId => `1.2.${n}`),
        toId: instance.map((n): AccountId => `1.2.${n}`),
        amount: amounts,
        assetId: instance.map((n) => `1.3.${n}`),
        memo: fc.option(memos, { nil: undefined, freq: 2 }),
        permissionId: fc.option(
          instance.map((n): PermissionId => `1.12.${n}`),
          { nil: undefined, freq: 2 },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    signatures: fc.array(fc.uint8Array({ minLength: 65, maxLength: 65 }), { maxLength: 2 }),
  });

const transactions = transactionsOf(instances);
/** bitsharesjs silently cuts instances at 32 bits; the chain's are 48-bit. */
const referenceTransactions = transactionsOf(instances.map((n) => n % 2 ** 32));

describe("transactions of transfers and claims", () => {
  beforeAll(() => bitsharesWs.ChainConfig.setPrefix("BTS"));

  test.prop([transactions])("are read back as they were written", (transaction) => {
    expect(parseSignedTransaction(serializeSignedTransaction(transaction))).toEqual(transaction);
  });

  test.prop([referenceTransactions], { numRuns: 60 })(
    "have the bytes that bitsharesjs gives them",
    (transaction) => {
      const wire = transactionToWire(transaction);
      expect(hex(serializeTransaction(transaction))).toBe(
        hex(ops.transaction.toBuffer(ops.transaction.fromObject(wire))),
      );
    },
  );

  test.prop([transactions, fc.nat()])(
    "that are cut off, or longer than they say, are refused",
    (transaction, at) => {
      const bytes = serializeSignedTransaction(transaction);
      expect(() => parseSignedTransaction(bytes.subarray(0, at % bytes.length))).toThrow(AssertionError);
      expect(() => parseSignedTransaction(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(AssertionError);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 200 })])(
    "are the only thing that can be read, and fail in one way",
    (bytes) => {
      try {
        expect(hex(serializeSignedTransaction(parseSignedTransaction(bytes)))).toBe(hex(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(AssertionError);
      }
    },
  );
});

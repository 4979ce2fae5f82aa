import { BinaryWriter } from "./binary-writer.ts";
import type { Json, Wire } from "./json-text.ts";
import { type PublicKeyHex, recoverKey, sha256 } from "./keys.ts";
import { assertion, at, DUPLICATE_SIGNATURE, NodeError } from "./node-error.ts";
import { type Operation, type OperationCodec, validateOperation } from "./operations.ts";
import { asArray, asFixedBytes, asObject, asTime, asUint16, asUint32 } from "./variant.ts";
import { emptySet } from "./wire-types.ts";
import { wireTime } from "./wire-values.ts";

/** Results in the order of the operations: `[0,{}]` nothing, `[1,"1.2.18"]` a new object. */
export type OperationResult = readonly [0, Record<string, never>] | readonly [1, string];

const POOL = "pool worker 0";

/** A signed transaction. Everything derived from it is computed once: nodes of one devnet pass the same object around. */
export class Transaction {
  readonly codec: OperationCodec;
  readonly refBlockNum: number;
  readonly refBlockPrefix: number;
  /** UTC seconds. */
  readonly expiration: number;
  readonly operations: readonly Operation[];
  readonly signatures: readonly Buffer[];
  /** Injected by the test: no signature, no TaPoS, no fee is asked for. */
  readonly injected: boolean;
  #unsigned: Buffer | undefined;
  #id: string | undefined;
  #json: string | undefined;
  #wire: Wire | undefined;
  #keys: { chainId: string; keys: readonly PublicKeyHex[] } | undefined;

  constructor(
    codec: OperationCodec,
    fields: Pick<Transaction, "refBlockNum" | "refBlockPrefix" | "expiration" | "operations" | "signatures">,
    { injected = false }: { injected?: boolean } = {},
  ) {
    this.codec = codec;
    this.refBlockNum = fields.refBlockNum;
    this.refBlockPrefix = fields.refBlockPrefix;
    this.expiration = fields.expiration;
    this.operations = fields.operations;
    this.signatures = fields.signatures;
    this.injected = injected;
  }

  /** From a client. Throws the node's parse errors. */
  static parse(codec: OperationCodec, json: Json): Transaction {
    const object = asObject(json);
    const field = <T>(name: string, parse: (value: Json) => T, absent: T): T => {
      const value = object[name];
      return value === undefined ? absent : parse(value);
    };
    const refBlockNum = field("ref_block_num", asUint16, 0);
    const refBlockPrefix = field("ref_block_prefix", asUint32, 0);
    const expiration = field("expiration", asTime, 0);
    const operations = field(
      "operations",
      (list) => asArray(list).map((operation) => codec.parse(operation)),
      [],
    );
    field("extensions", (value) => emptySet.parse(value), []);
    const signatures = field("signatures", (list) => asArray(list).map((text) => asFixedBytes(text, 65)), []);
    return new Transaction(codec, { refBlockNum, refBlockPrefix, expiration, operations, signatures });
  }

  /** The bytes that are hashed and signed. */
  get unsigned(): Buffer {
    if (this.#unsigned === undefined) {
      const out = new BinaryWriter();
      out.uint16(this.refBlockNum);
      out.uint32(this.refBlockPrefix);
      out.uint32(this.expiration);
      out.varint(this.operations.length);
      for (const operation of this.operations) this.codec.pack(out, operation);
      out.varint(0);
      this.#unsigned = out.bytes();
    }
    return this.#unsigned;
  }

  /** 40 hex digits. Covers neither signatures nor chain id. */
  get id(): string {
    this.#id ??= sha256(this.unsigned).toString("hex", 0, 20);
    return this.#id;
  }

  packedSigned(): Buffer {
    const out = new BinaryWriter();
    out.raw(this.unsigned);
    out.varint(this.signatures.length);
    for (const signature of this.signatures) out.raw(signature);
    return out.bytes();
  }

  signatureDigest(chainId: string): Buffer {
    return sha256(Buffer.from(chainId, "hex"), this.unsigned);
  }

  /** Leaf of the merkle tree. Blocks carry no results since core 6. */
  merkleDigest(results: readonly OperationResult[] = []): Buffer {
    const out = new BinaryWriter();
    out.raw(this.packedSigned());
    out.varint(results.length);
    for (const [tag, value] of results) {
      out.varint(tag);
      if (tag === 1) {
        const [space = 0, type = 0, instance = 0] = value.split(".").map(Number);
        out.uint64((BigInt(space) << 56n) | (BigInt(type) << 48n) | BigInt(instance));
      }
    }
    return sha256(out.bytes());
  }

  wire(): Wire {
    this.#wire ??= {
      ref_block_num: this.refBlockNum,
      ref_block_prefix: this.refBlockPrefix,
      expiration: wireTime(this.expiration),
      operations: this.operations.map((operation) => this.codec.wire(operation)),
      extensions: [],
      signatures: this.signatures.map((signature) => signature.toString("hex")),
    };
    return this.#wire;
  }

  json(): string {
    this.#json ??= JSON.stringify(this.wire());
    return this.#json;
  }

  /** With `operation_results`: as it stands in blocks (none) and in notices (all). */
  processedJson(results: readonly OperationResult[]): string {
    return `${this.json().slice(0, -1)},"operation_results":${JSON.stringify(results)}}`;
  }

  processedWire(results: readonly OperationResult[]): Wire {
    return { ...(this.wire() as Record<string, Wire>), operation_results: results };
  }

  /** The checks that need no state. Throws. */
  validate(): void {
    if (this.operations.length === 0)
      throw assertion("operations.size() > 0", at("transaction.cpp", 60, "validate"), {
        text: "A transaction must have at least one operation",
        data: () => ({ trx: this.wire() }),
        thread: POOL,
      });
    for (const operation of this.operations) validateOperation(operation, POOL);
  }

  /** Who signed, each key once. Throws for a signature that cannot be, or a key that signed twice. */
  signatureKeys(chainId: string): readonly PublicKeyHex[] {
    if (this.#keys?.chainId === chainId) return this.#keys.keys;
    const keys: PublicKeyHex[] = [];
    const digest = this.signatureDigest(chainId);
    try {
      for (const signature of this.signatures) {
        const key = recoverKey(signature, digest, POOL);
        if (keys.includes(key))
          throw new NodeError(
            DUPLICATE_SIGNATURE,
            at("transaction.cpp", 356, "get_signature_keys"),
            "Duplicate Signature detected",
            {},
            { thread: POOL },
          );
        keys.push(key);
      }
    } catch (error) {
      throw error instanceof NodeError
        ? error.passing(at("transaction.cpp", 363, "get_signature_keys"), {}, { thread: POOL })
        : error;
    }
    this.#keys = { chainId, keys };
    return keys;
  }
}

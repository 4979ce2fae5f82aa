import { readFileSync } from "node:fs";
import { fc, test } from "@stakebts/testkit/property";
import { describe, expect, it } from "vitest";
import { isCheapName, isValidName } from "./account-name.ts";
import { blockId, headerBytes, headerDigest, merkleRoot, refPrefixOf, blockNumOf } from "./block.ts";
import { coreValueOfFee, feeInAsset, requiredCoreFee } from "./fees.ts";
import type { Json } from "./json-text.ts";
import {
  addressText,
  NULL_KEY,
  parsePublicKeyText,
  privateKeyFromSeed,
  privateKeyFromWif,
  publicKeyOf,
  publicKeyText,
  recoverKey,
  sha256,
  sharedX,
  signDigest,
  sha512,
  wifFromPrivateKey,
} from "./keys.ts";
import { decryptMemo, encryptMemo } from "./memo.ts";
import { type Memo, OperationCodec } from "./operations.ts";
import { irreversibleBlockNum, slotTime } from "./schedule.ts";
import { Transaction } from "./transaction.ts";
import { asTime } from "./variant.ts";
import { wireSigned, wireUnsigned } from "./wire-values.ts";

interface KeyVector {
  seed: string;
  private_hex: string;
  wif: string;
  public_hex: string;
  BTS: string;
  TEST: string;
  address_BTS: string;
}
interface TransactionVector {
  name: string;
  chain_id: string;
  tx: Json & object;
  unsigned_hex: string;
  digest_sha256: string;
  txid: string;
  signature_digest: string;
  signatures: { signer: string; signature: string }[];
  signed_hex: string;
  bitsharesjs_json: Json;
  packed_memo_size: number[];
}
interface Vectors {
  keys: Record<string, KeyVector>;
  transactions: TransactionVector[];
  memos: {
    from_seed: string;
    to_seed: string;
    from: string;
    nonce: string;
    plaintext_hex: string;
    shared_secret_sha512: string;
    message: string;
    packed_memo_size: number;
  }[];
  fees: {
    schedule: { fee: number; price_per_kbyte: number; scale: number };
    memo_ciphertext_bytes: number;
    memo_utf8: string | null;
    packed_memo_size: number;
    required_core_fee: string;
  }[];
  fees_other_asset: {
    core_fee: number;
    core_exchange_rate: { base: { amount: number }; quote: { amount: number } };
    required_fee_in_asset: string;
  }[];
  ref_blocks: { block_id: string; block_num: number; ref_block_num: number; ref_block_prefix: number }[];
  blocks: {
    name: string;
    signer_seed?: string;
    signing_key?: string;
    header: {
      previous: string;
      timestamp: string;
      witness: string;
      transaction_merkle_root: string;
      witness_signature: string;
    };
    header_hex: string;
    header_digest: string;
    block_id: string;
  }[];
  merkle: {
    transactions: {
      txid: string;
      operation_results: [0, Record<string, never>][];
      merkle_digest: string;
      packed_hex: string;
    }[];
    transaction_merkle_root: string;
  }[];
  lib: { last_confirmed_block_num_per_active_witness: number[]; last_irreversible_block_num: number }[];
  slot_times: {
    head_time: string;
    block_interval: number;
    head_is_maintenance_block: boolean;
    maintenance_skip_slots: number;
    slot: number;
    slot_time: string;
  }[];
  json_numbers: { type: string; value: string; wire: string | number }[];
  account_names: { name: string; node_valid: boolean; cheap: boolean }[];
  other_operations: { name: string; tx: Json; unsigned_hex: string; txid: string }[];
  external_vectors: { wif: string; unsigned_hex: string; txid: string; public_key: string }[];
}

const fixture = new URL("../../../testkit/src/fixtures/bitshares-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(fixture, "utf8")) as Vectors;
const codec = new OperationCodec("BTS");
const keyOf = (seed: string) => publicKeyOf(privateKeyFromSeed(seed));
const signed = (vector: TransactionVector) =>
  Transaction.parse(codec, {
    ...(vector.tx as Record<string, Json>),
    signatures: vector.signatures.map(({ signature }) => signature),
  });

describe("keys", () => {
  it.each(Object.values(vectors.keys).filter(({ seed }) => seed))(
    "of the seed $seed have the known texts",
    (key) => {
      const privateKey = privateKeyFromSeed(key.seed);
      expect(privateKey.toString("hex")).toBe(key.private_hex);
      expect(wifFromPrivateKey(privateKey)).toBe(key.wif);
      expect(privateKeyFromWif(key.wif)).toEqual(privateKey);
      const publicKey = publicKeyOf(privateKey);
      expect(publicKey).toBe(key.public_hex);
      for (const prefix of ["BTS", "TEST"] as const) {
        expect(publicKeyText(publicKey, prefix)).toBe(key[prefix]);
        expect(parsePublicKeyText(key[prefix], prefix)).toBe(publicKey);
      }
      expect(addressText(publicKey, "BTS")).toBe(key.address_BTS);
    },
  );

  it("print the null key as every client knows it", () => {
    expect(publicKeyText(NULL_KEY, "BTS")).toBe(vectors.keys.__null__?.BTS);
    expect(parsePublicKeyText("BTS1111111111111111111111111111111114T1Anm", "BTS")).toBe(NULL_KEY);
  });

  it("refuse a WIF with one wrong character", () => {
    const wif = vectors.keys.nathan?.wif ?? "";
    expect(() => privateKeyFromWif(`${wif.slice(0, -1)}1`)).toThrow("WIF");
  });
});

describe("transactions", () => {
  it.each(vectors.transactions)("$name has the known bytes, digests and signers", (vector) => {
    const transaction = signed(vector);
    expect(transaction.unsigned.toString("hex")).toBe(vector.unsigned_hex);
    expect(sha256(transaction.unsigned).toString("hex")).toBe(vector.digest_sha256);
    expect(transaction.id).toBe(vector.txid);
    expect(transaction.packedSigned().toString("hex")).toBe(vector.signed_hex);
    const digest = transaction.signatureDigest(vector.chain_id);
    expect(digest.toString("hex")).toBe(vector.signature_digest);
    expect(transaction.signatureKeys(vector.chain_id)).toEqual(
      vector.signatures.map(({ signer }) => keyOf(signer)),
    );
  });

  it.each(vectors.transactions)(
    "$name reads the same from the JSON of a client that sends amounts as text",
    (vector) => {
      expect(Transaction.parse(codec, vector.bitsharesjs_json).packedSigned().toString("hex")).toBe(
        vector.signed_hex,
      );
    },
  );

  it.each(vectors.transactions)("$name counts its memos as the fee does", (vector) => {
    const sizes = signed(vector).operations.map((operation) =>
      operation.tag === 0 ? codec.packedMemoSize(operation.value.memo) : 0,
    );
    expect(sizes).toEqual(vector.packed_memo_size.map((size) => (size === 1 ? 0 : size)));
  });

  it.each(vectors.other_operations)("$name has the known bytes", ({ tx, unsigned_hex, txid }) => {
    const transaction = Transaction.parse(codec, tx);
    expect(transaction.unsigned.toString("hex")).toBe(unsigned_hex);
    expect(transaction.id).toBe(txid);
  });

  it("of another implementation is built again from its parts", () => {
    const [vector] = vectors.external_vectors;
    const privateKey = privateKeyFromWif(vector?.wif ?? "");
    const key = publicKeyOf(privateKey);
    const nonce = 5862723643998573708n;
    const message = encryptMemo({
      privateKey,
      publicKey: key,
      nonce,
      message: Buffer.from("abcdefgABCDEFG0123456789"),
    });
    const text = publicKeyText(key, "BTS");
    expect(text).toBe(vector?.public_key);
    const transaction = Transaction.parse(codec, {
      ref_block_num: 34294,
      ref_block_prefix: 3707022213,
      expiration: "2016-04-06T08:29:27",
      operations: [
        [
          0,
          {
            fee: { amount: 0, asset_id: "1.3.0" },
            from: "1.2.0",
            to: "1.2.1",
            amount: { amount: 1000000, asset_id: "1.3.4" },
            memo: { from: text, to: text, nonce: nonce.toString(), message: message.toString("hex") },
            extensions: [],
          },
        ],
      ],
      extensions: [],
    });
    expect(transaction.unsigned.toString("hex")).toBe(vector?.unsigned_hex);
    expect(transaction.id).toBe(vector?.txid);
  });

  test.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string({ minLength: 1 })])(
    "signatures made here are canonical and name their signer",
    (digest, seed) => {
      expect(recoverKey(signDigest(digest, privateKeyFromSeed(seed)), digest)).toBe(keyOf(seed));
    },
  );
});

describe("memos", () => {
  it.each(vectors.memos)("nonce $nonce from $from_seed to $to_seed is readable from both sides", (memo) => {
    const [from, to] = [privateKeyFromSeed(memo.from_seed), privateKeyFromSeed(memo.to_seed)];
    const nonce = BigInt(memo.nonce);
    const message = Buffer.from(memo.plaintext_hex, "hex");
    const encrypted = encryptMemo({ privateKey: from, publicKey: publicKeyOf(to), nonce, message });
    expect(sha512(sharedX(from, publicKeyOf(to))).toString("hex")).toBe(memo.shared_secret_sha512);
    expect(encrypted.toString("hex")).toBe(memo.message);
    expect(decryptMemo({ privateKey: to, publicKey: publicKeyOf(from), nonce, encrypted })).toEqual(message);
    expect(decryptMemo({ privateKey: from, publicKey: publicKeyOf(to), nonce, encrypted })).toEqual(message);
    expect(
      decryptMemo({ privateKey: to, publicKey: publicKeyOf(from), nonce: nonce + 1n, encrypted }),
    ).toBeUndefined();
  });

  it.each(vectors.memos)("of $packed_memo_size bytes are counted right", (memo) => {
    const packed: Memo = {
      from: NULL_KEY,
      to: NULL_KEY,
      nonce: 1n,
      message: Buffer.from(memo.message, "hex"),
    };
    expect(codec.packedMemoSize(packed)).toBe(memo.packed_memo_size);
  });
});

describe("fees", () => {
  // Scale 10 000 only: this node has no other.
  it.each(vectors.fees.filter(({ schedule }) => schedule.scale === 10_000))(
    "with $packed_memo_size memo bytes are $required_core_fee",
    ({ schedule, memo_utf8, memo_ciphertext_bytes, required_core_fee }) => {
      const transfer = codec.types.transfer.absent();
      const message = Buffer.alloc(memo_ciphertext_bytes);
      const memo = memo_utf8 === null ? undefined : { from: NULL_KEY, to: NULL_KEY, nonce: 0n, message };
      const transferFee = { fee: BigInt(schedule.fee), pricePerKbyte: BigInt(schedule.price_per_kbyte) };
      expect(requiredCoreFee(codec, { transferFee }, { tag: 0, value: { ...transfer, memo } })).toBe(
        BigInt(required_core_fee),
      );
    },
  );

  it.each(vectors.fees_other_asset)("of $core_fee in another asset are rounded up", (vector) => {
    const { base, quote } = vector.core_exchange_rate;
    const asset = { coreBase: BigInt(base.amount), quote: BigInt(quote.amount) };
    const fee = feeInAsset(BigInt(vector.core_fee), asset);
    expect(fee).toBe(BigInt(vector.required_fee_in_asset));
    expect(coreValueOfFee(fee, asset)).toBeGreaterThanOrEqual(BigInt(vector.core_fee));
  });
});

describe("blocks", () => {
  it.each(vectors.ref_blocks)("the id $block_id gives the reference of a transaction", (vector) => {
    expect(blockNumOf(vector.block_id)).toBe(vector.block_num);
    expect(blockNumOf(vector.block_id) & 0xffff).toBe(vector.ref_block_num);
    expect(refPrefixOf(vector.block_id)).toBe(vector.ref_block_prefix);
  });

  it.each(vectors.blocks)("$name has the known header, id and signer", (vector) => {
    const header = {
      previous: vector.header.previous,
      timestamp: asTime(vector.header.timestamp),
      witness: Number(vector.header.witness.slice("1.6.".length)),
      merkleRoot: vector.header.transaction_merkle_root,
    };
    const signature = Buffer.from(vector.header.witness_signature, "hex");
    expect(headerBytes(header).toString("hex")).toBe(vector.header_hex);
    expect(headerDigest(header).toString("hex")).toBe(vector.header_digest);
    expect(blockId(header, signature)).toBe(vector.block_id);
    const signer = vector.signing_key ?? publicKeyText(keyOf(vector.signer_seed ?? ""), "BTS");
    expect(publicKeyText(recoverKey(signature, headerDigest(header)), "BTS")).toBe(signer);
  });

  it.each(vectors.merkle)("$transactions.length transactions have the known merkle root", (vector) => {
    const leaves = vector.transactions.map(({ packed_hex, operation_results, merkle_digest }) => {
      const known = vectors.transactions.find(({ signed_hex }) => packed_hex.startsWith(signed_hex));
      if (known === undefined) throw new Error("a merkle vector of an unknown transaction");
      const leaf = signed(known).merkleDigest(operation_results);
      expect(leaf.toString("hex")).toBe(merkle_digest);
      return leaf;
    });
    expect(merkleRoot(leaves)).toBe(vector.transaction_merkle_root);
  });
});

describe("rules of the chain", () => {
  it.each(vectors.lib)("$last_irreversible_block_num is irreversible when 70 % stand on it", (vector) => {
    expect(irreversibleBlockNum(vector.last_confirmed_block_num_per_active_witness)).toBe(
      vector.last_irreversible_block_num,
    );
  });

  it.each(vectors.slot_times)("slot $slot after $head_time is at $slot_time", (vector) => {
    const time = slotTime({
      time: asTime(vector.head_time),
      blockIntervalSeconds: vector.block_interval,
      maintenanceBlock: vector.head_is_maintenance_block,
      maintenanceSkipSlots: vector.maintenance_skip_slots,
      slot: vector.slot,
    });
    expect(time).toBe(asTime(vector.slot_time));
  });

  it.each(vectors.json_numbers.filter(({ type }) => type !== "double"))(
    "$type $value is printed as $wire",
    (vector) => {
      const print = { "int64 / share_type": wireSigned, uint128: (value: bigint) => value.toString() }[
        vector.type
      ];
      expect((print ?? wireUnsigned)(BigInt(vector.value))).toBe(vector.wire);
    },
  );

  it.each(vectors.account_names)(
    "the name '$name' is judged as by the node",
    ({ name, node_valid, cheap }) => {
      expect(isValidName(name)).toBe(node_valid);
      if (node_valid) expect(isCheapName(name)).toBe(cheap);
    },
  );
});

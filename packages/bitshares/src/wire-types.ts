import { Unserializable } from "./byte-writer.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { decodeBase58Fixed } from "./keys.ts";
import { encodeLenient } from "./lenient-text.ts";
import { asInt64, asTimeSec, asUint64, instanceOf } from "./wire-values.ts";

/*
 * The types that the chain's protocol is made of, as data, and how what a node prints becomes the bytes that the chain hashes
 * (bitshares-core: libraries/fc/include/fc/io/raw.hpp, libraries/protocol/include/graphene/protocol/ext.hpp).
 *
 * Only bytes are copied here: no key is put on a curve, no checksum of a key is computed. What comes out is compared with a
 * merkle root, which no other bytes have. Members of sets and maps keep the order in which the node printed them: it is
 * that of the chain.
 */
export type WireType =
  | { readonly kind: "uint8" | "uint16" | "uint32" | "uint64" | "int64" | "bool" | "varint" }
  | { readonly kind: "time" | "string" | "bytes" | "key" | "address" | "vote" | "objectId" }
  /** Nothing at all. */
  | { readonly kind: "void" }
  /** So many bytes, without their length. */
  | { readonly kind: "fixed"; readonly length: number }
  /** `space.type.N`, of which N alone is written. */
  | { readonly kind: "id"; readonly prefix: string }
  | { readonly kind: "optional"; readonly of: WireType }
  /** A list, or a set, which is printed and packed in the same way. */
  | { readonly kind: "list"; readonly of: WireType }
  | { readonly kind: "pair"; readonly first: WireType; readonly second: WireType }
  | { readonly kind: "struct"; readonly fields: readonly (readonly [name: string, type: WireType])[] }
  /** `[tag, value]` */
  | { readonly kind: "variant"; readonly types: readonly WireType[] }
  /** An object of those options that are set. */
  | { readonly kind: "extension"; readonly fields: readonly (readonly [name: string, type: WireType])[] }
  /** Refers to a type that is defined later, as a proposal does to the operations in it. */
  | { readonly kind: "later"; readonly type: () => WireType };

/** Far more than the chain's own limit on nesting allows; keeps a node that lies from exhausting the stack. */
const NESTING_MAX = 300;
const KEY_BYTES = 33;
const ADDRESS_BYTES = 20;
const CHECKSUM_BYTES = 4;
const MAX_UINT: Record<"uint8" | "uint16" | "uint32" | "varint", number> = {
  uint8: 0xff,
  uint16: 0xffff,
  uint32: 0xffff_ffff,
  varint: Number.MAX_SAFE_INTEGER,
};

/** Appends `value` as printed by a node. Throws {@link Unserializable} or ChainError for what is not of that type. */
export function writeWire(out: ByteWriter, type: WireType, value: unknown, depth = 0): void {
  switch (type.kind) {
    case "uint8":
      return out.uint8(unsigned(value, MAX_UINT.uint8));
    case "uint16":
      return out.uint16(unsigned(value, MAX_UINT.uint16));
    case "uint32":
      return out.uint32(unsigned(value, MAX_UINT.uint32));
    case "varint":
      return out.varint(unsigned(value, MAX_UINT.varint));
    case "uint64":
      return out.uint64(asUint64(value, "unsigned number"));
    case "int64":
      return out.int64(asInt64(value, "number"));
    case "bool":
      if (typeof value !== "boolean") throw new Unserializable("true or false");
      return out.uint8(value ? 1 : 0);
    case "time":
      return out.uint32(wireSeconds(value));
    case "string":
      return writeBytes(out, encodeLenient(text(value)));
    case "bytes":
      return writeBytes(out, hex(value));
    case "fixed": {
      const bytes = hex(value);
      if (bytes.length !== type.length) throw new Unserializable(`${type.length} bytes`);
      return out.bytes(bytes);
    }
    case "key":
      return out.bytes(prefixed(value, KEY_BYTES));
    case "address":
      return out.bytes(prefixed(value, ADDRESS_BYTES));
    case "vote":
      return writeVote(out, text(value));
    case "id":
      return out.varint(instanceOf(value, type.prefix, "object id"));
    case "objectId":
      return writeObjectId(out, text(value));
    case "void":
      return;
    case "optional":
      if (value === undefined || value === null) return out.uint8(0);
      out.uint8(1);
      return writeWire(out, type.of, value, depth);
    case "list": {
      const items = list(value);
      out.varint(items.length);
      for (const item of items) writeWire(out, type.of, item, depth);
      return;
    }
    case "pair": {
      const items = list(value);
      if (items.length !== 2) throw new Unserializable("two values");
      writeWire(out, type.first, items[0], depth);
      return writeWire(out, type.second, items[1], depth);
    }
    case "struct":
      return writeStruct(out, type.fields, value, depth);
    case "variant": {
      const [tag, body] = list(value);
      const chosen = type.types[unsigned(tag, MAX_UINT.uint8)];
      if (chosen === undefined) throw new Unserializable("a known alternative");
      out.varint(tag as number);
      return writeWire(out, chosen, body, depth);
    }
    case "extension":
      return writeExtension(out, type.fields, value, depth);
    case "later":
      if (depth > NESTING_MAX) throw new Unserializable("less nesting");
      return writeWire(out, type.type(), value, depth + 1);
    default:
      throw new TypeError(`unknown wire type ${String(type satisfies never)}`);
  }
}

const SET_OF_NOTHING: WireType = { kind: "list", of: { kind: "variant", types: [{ kind: "void" }] } };

type Fields = readonly (readonly [name: string, type: WireType])[];

/** A field that is not known here may have bytes of its own: then nothing is known of the whole. */
function writeStruct(out: ByteWriter, fields: Fields, value: unknown, depth: number): void {
  const body = record(value);
  let known = 0;
  for (const [name, type] of fields) {
    if (Object.hasOwn(body, name)) known++;
    writeWire(out, type, body[name], depth);
  }
  if (known !== Object.keys(body).length) throw new Unserializable("known fields only");
}

function writeExtension(out: ByteWriter, fields: Fields, value: unknown, depth: number): void {
  if (Array.isArray(value)) return writeWire(out, SET_OF_NOTHING, value); // as older releases have and print them
  const options = record(value);
  const set = fields
    .map(([name, type], index) => ({ index, type, value: options[name] }))
    .filter((option) => option.value !== undefined && option.value !== null);
  if (set.length !== Object.values(options).filter((option) => option !== null).length)
    throw new Unserializable("known options only");
  out.varint(set.length);
  for (const option of set) {
    out.varint(option.index);
    writeWire(out, option.type, option.value, depth);
  }
}

function writeBytes(out: ByteWriter, bytes: Uint8Array): void {
  out.varint(bytes.length);
  out.bytes(bytes);
}

/** `type:instance`, eight and 24 bits. */
function writeVote(out: ByteWriter, value: string): void {
  const [, type, instance] = /^(\d{1,3}):(\d{1,8})$/.exec(value) ?? [];
  if (type === undefined || Number(type) > 0xff || Number(instance) > 0xff_ffff)
    throw new Unserializable("a vote");
  out.uint32(Number(instance) * 0x100 + Number(type));
}

/** All three numbers, in 64 bits. */
function writeObjectId(out: ByteWriter, value: string): void {
  const [, space, type] = /^(\d{1,3})\.(\d{1,3})\.\d+$/.exec(value) ?? [];
  if (space === undefined || Number(space) > 0xff || Number(type) > 0xff)
    throw new Unserializable("an object id");
  const instance = instanceOf(value, `${space}.${type}.`, "object id");
  out.uint64((BigInt(space) << 56n) | (BigInt(type as string) << 48n) | BigInt(instance));
}

/** Nodes that were built with an older library print times past 2038 as times before 1970. */
function wireSeconds(value: unknown): number {
  if (typeof value === "string" && value < "1970" && /^19\d\d-/.test(value)) {
    const seconds = Date.parse(`${value}Z`) / 1000;
    if (seconds >= -0x8000_0000) return seconds + 0x1_0000_0000;
  }
  return asTimeSec(value, "time");
}

function prefixed(value: unknown, length: number): Uint8Array {
  const bytes = decodeBase58Fixed(text(value), length + CHECKSUM_BYTES);
  if (bytes === undefined) throw new Unserializable("a key or an address");
  return bytes.subarray(0, length);
}

function unsigned(value: unknown, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max)
    throw new Unserializable("an unsigned number");
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Unserializable("text");
  return value;
}

function hex(value: unknown): Buffer {
  const digits = text(value);
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/.test(digits)) throw new Unserializable("hex");
  return Buffer.from(digits, "hex");
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Unserializable("a list");
  return value;
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unserializable("an object");
  return value as Record<string, unknown>;
}

import type { BinaryWriter } from "./binary-writer.ts";
import type { Json, Wire } from "./json-text.ts";
import { NULL_KEY, parsePublicKeyText, type PublicKeyHex, publicKeyText, ripemd160, sha512 } from "./keys.ts";
import { at, assertion } from "./node-error.ts";
import {
  asArray,
  asBool,
  asBytes,
  asInt64,
  asObject,
  asObjectId,
  asString,
  asTime,
  asUint16,
  asUint32,
  asUint64,
} from "./variant.ts";
import { wireSigned, wireTime, wireUnsigned } from "./wire-values.ts";

/**
 * A field of an operation in its three forms: JSON as clients send it, JSON as the node prints it, and bytes.
 * Methods, not function properties: fields of different types live in one table.
 */
export interface WireType<T> {
  parse(json: Json): T;
  wire(value: T): Wire;
  pack(out: BinaryWriter, value: T): void;
  /** Value of a key that is not there: the node leaves its default. */
  absent(): T;
}

export type ValueOf<W> = W extends WireType<infer T> ? T : never;

export const uint16: WireType<number> = {
  parse: asUint16,
  wire: (value) => value,
  pack: (out, value) => out.uint16(value),
  absent: () => 0,
};

export const uint32: WireType<number> = {
  parse: asUint32,
  wire: (value) => value,
  pack: (out, value) => out.uint32(value),
  absent: () => 0,
};

export const uint64: WireType<bigint> = {
  parse: asUint64,
  wire: wireUnsigned,
  pack: (out, value) => out.uint64(value),
  absent: () => 0n,
};

export const int64: WireType<bigint> = {
  parse: asInt64,
  wire: wireSigned,
  pack: (out, value) => out.int64(value),
  absent: () => 0n,
};

export const bool: WireType<boolean> = {
  parse: asBool,
  wire: (value) => value,
  pack: (out, value) => out.uint8(value ? 1 : 0),
  absent: () => false,
};

export const text: WireType<string> = {
  parse: asString,
  wire: (value) => value,
  pack: (out, value) => {
    const bytes = Buffer.from(value, "utf8");
    out.varint(bytes.length);
    out.raw(bytes);
  },
  absent: () => "",
};

export const blob: WireType<Buffer> = {
  parse: asBytes,
  wire: (value) => value.toString("hex"),
  pack: (out, value) => {
    out.varint(value.length);
    out.raw(value);
  },
  absent: () => Buffer.alloc(0),
};

export const time: WireType<number> = {
  parse: asTime,
  wire: wireTime,
  pack: (out, value) => out.uint32(value),
  absent: () => 0,
};

export const objectId = (space: number, type: number): WireType<number> => ({
  parse: (json) => asObjectId(json, space, type),
  wire: (instance) => `${space}.${type}.${instance}`,
  pack: (out, instance) => out.varint(instance),
  absent: () => 0,
});

export const accountId = objectId(1, 2);
export const assetId = objectId(1, 3);

export const publicKey = (prefix: string): WireType<PublicKeyHex> => ({
  parse: (json) => parsePublicKeyText(asString(json), prefix),
  wire: (key) => publicKeyText(key, prefix),
  pack: (out, key) => out.raw(Buffer.from(key, "hex")),
  absent: () => NULL_KEY,
});

/** `type:instance`, four bytes with the type lowest. */
export const voteId: WireType<string> = {
  parse: asString,
  wire: (value) => value,
  pack: (out, value) => {
    const [type = "0", instance = "0"] = value.split(":");
    out.uint32((((Number(instance) & 0xffffff) << 8) | (Number(type) & 0xff)) >>> 0);
  },
  absent: () => "0:0",
};

/** Absent when unset; `null` counts as unset. */
export const optional = <T>(inner: WireType<T>): WireType<T | undefined> => ({
  parse: (json) => (json === null ? undefined : inner.parse(json)),
  wire: (value) => (value === undefined ? null : inner.wire(value)),
  pack: (out, value) => {
    out.uint8(value === undefined ? 0 : 1);
    if (value !== undefined) inner.pack(out, value);
  },
  absent: () => undefined,
});

export const list = <T>(inner: WireType<T>): WireType<readonly T[]> => ({
  parse: (json) => asArray(json).map((item) => inner.parse(item)),
  wire: (values) => values.map((value) => inner.wire(value)),
  pack: (out, values) => {
    out.varint(values.length);
    for (const value of values) inner.pack(out, value);
  },
  absent: () => [],
});

/** Array of pairs on the wire; the node keeps it sorted by key. */
export const pairs = <K, V>(
  key: WireType<K>,
  value: WireType<V>,
  compare: (a: K, b: K) => number,
): WireType<readonly (readonly [K, V])[]> => ({
  parse: (json) =>
    asArray(json)
      .map((item) => {
        const [k = null, v = null] = asArray(item);
        return [key.parse(k), value.parse(v)] as const;
      })
      .sort(([a], [b]) => compare(a, b)),
  wire: (entries) => entries.map(([k, v]) => [key.wire(k), value.wire(v)]),
  pack: (out, entries) => {
    out.varint(entries.length);
    for (const [k, v] of entries) {
      key.pack(out, k);
      value.pack(out, v);
    }
  },
  absent: () => [],
});

/** Keys of an authority are ordered by their addresses. */
export function compareKeys(a: PublicKeyHex, b: PublicKeyHex): number {
  const address = (key: PublicKeyHex) => ripemd160(sha512(Buffer.from(key, "hex")));
  return a === b ? 0 : Buffer.compare(address(a), address(b));
}

/** Reserved for the future: always empty, and an element cannot be of any type. */
export const emptySet: WireType<readonly never[]> = {
  parse: (json) => {
    const [first] = asArray(json);
    if (first !== undefined) {
      asArray(first);
      throw assertion("static_cast<size_t>(tag) < count()", at("static_variant.hpp", 322, "set_which"), {
        text: "Unable to set tag '${tag}' when the number of supported tags is ${count}",
        data: { tag: 0, count: 0 },
      });
    }
    return [];
  },
  wire: () => [],
  pack: (out) => out.varint(0),
  absent: () => [],
};

/** Extensions of a struct: an object on output, object or array on input. Only empty ones are known here. */
export const emptyExtension: WireType<Record<string, never>> = {
  parse: (json) => {
    if (!Array.isArray(json)) asObject(json);
    return {};
  },
  wire: () => ({}),
  pack: (out) => out.varint(0),
  absent: () => ({}),
};

export const struct = <F extends Record<string, WireType<unknown>>>(
  fields: F,
): WireType<{ readonly [K in keyof F]: ValueOf<F[K]> }> => {
  type Struct = { readonly [K in keyof F]: ValueOf<F[K]> };
  const entries = Object.entries(fields);
  return {
    parse: (json) => {
      const object = asObject(json);
      const value: Record<string, unknown> = {};
      for (const [name, type] of entries) {
        const field = object[name];
        value[name] = field === undefined ? type.absent() : type.parse(field);
      }
      return value as Struct;
    },
    wire: (value) => {
      const object: Record<string, Wire> = {};
      for (const [name, type] of entries) {
        const field = (value as Record<string, unknown>)[name];
        if (field !== undefined) object[name] = type.wire(field);
      }
      return object;
    },
    pack: (out, value) => {
      for (const [name, type] of entries) type.pack(out, (value as Record<string, unknown>)[name]);
    },
    absent: () => Object.fromEntries(entries.map(([name, type]) => [name, type.absent()])) as Struct,
  };
};

/** An amount and the asset it is counted in. */
export const asset = struct({ amount: int64, asset_id: assetId });
export type Asset = ValueOf<typeof asset>;

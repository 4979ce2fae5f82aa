import { type Json, JsonDouble, type JsonObject, type Wire } from "./json-text.ts";
import { ASSERTION, at, BAD_CAST, NodeError, PARSE_ERROR, standardError, UNSPECIFIED } from "./node-error.ts";

/**
 * How the node turns JSON into its own types. It is lenient in ways that matter to clients: a decimal string is a
 * number, `true` is 1, `null` is 0, a fraction is cut. What it refuses, it refuses with these errors.
 */

export function typeName(json: Json): string {
  if (json === null) return "null_type";
  if (typeof json === "boolean") return "bool_type";
  if (typeof json === "string") return "string_type";
  if (typeof json === "number" || typeof json === "bigint") return json < 0 ? "int64_type" : "uint64_type";
  if (json instanceof JsonDouble) return "double_type";
  return Array.isArray(json) ? "array_type" : "object_type";
}

/** For the `data` of an error: the value as it came. */
export function echo(json: Json): Wire {
  if (typeof json === "bigint") return json.toString();
  if (json instanceof JsonDouble) return json.value.toFixed(17);
  if (Array.isArray(json)) return json.map(echo);
  if (typeof json === "object" && json !== null)
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, echo(value)]));
  return json;
}

const U64 = 2n ** 64n;
const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

function integer(json: Json): bigint | undefined {
  if (typeof json === "number" || typeof json === "bigint") return BigInt(json);
  if (typeof json === "boolean") return json ? 1n : 0n;
  if (json === null) return 0n;
  if (json instanceof JsonDouble) return Number.isFinite(json.value) ? BigInt(Math.trunc(json.value)) : 0n;
  return undefined;
}

export function parseUint64Text(text: string): bigint {
  if (/^\+?\d+$/.test(text)) {
    const value = BigInt(text);
    if (value < U64) return value;
  }
  throw new NodeError(PARSE_ERROR, at("string.cpp", 55, "to_uint64"), "Couldn't parse uint64_t").passing(
    at("string.cpp", 58, "to_uint64"),
    { i: text },
  );
}

export function asUint64(json: Json): bigint {
  const place = at("variant.cpp", 417, "as_uint64");
  if (typeof json === "string") {
    try {
      return parseUint64Text(json);
    } catch (error) {
      throw error instanceof NodeError ? error.passing(place, { "*this": json }) : error;
    }
  }
  const value = integer(json);
  if (value !== undefined) return BigInt.asUintN(64, value);
  throw new NodeError(BAD_CAST, at("variant.cpp", 415, "as_uint64"), "Invalid cast from ${type} to uint64", {
    type: typeName(json),
  }).passing(place, () => ({ "*this": echo(json) }));
}

export function asInt64(json: Json): bigint {
  if (typeof json === "string") {
    if (/^[+-]?\d+$/.test(json)) {
      const value = BigInt(json.replace(/^\+/, ""));
      if (value >= I64_MIN && value <= I64_MAX) return value;
    }
    throw new NodeError(PARSE_ERROR, at("string.cpp", 42, "to_int64"), "Couldn't parse int64_t");
  }
  const value = integer(json);
  if (value !== undefined) return BigInt.asIntN(64, value);
  throw new NodeError(BAD_CAST, at("variant.cpp", 388, "as_int64"), "Invalid cast from ${type} to int64", {
    type: typeName(json),
  });
}

export const asUint32 = (json: Json): number => Number(asUint64(json) & 0xffff_ffffn);
export const asUint16 = (json: Json): number => Number(asUint64(json) & 0xffffn);

export function asBool(json: Json): boolean {
  if (typeof json === "string") {
    if (json === "true" || json === "false") return json === "true";
    throw new NodeError(
      BAD_CAST,
      at("variant.cpp", 480, "as_bool"),
      'Cannot convert string to bool (only "true" or "false" can be converted)',
    );
  }
  const value = integer(json);
  if (value !== undefined) return value !== 0n;
  throw new NodeError(BAD_CAST, at("variant.cpp", 490, "as_bool"), "Invalid cast from ${type} to bool", {
    type: typeName(json),
  });
}

/** Converts plain values to text; {@link getString} does not. */
export function asString(json: Json): string {
  if (typeof json === "string") return json;
  if (json === null) return "";
  if (json instanceof JsonDouble) return json.value.toFixed(17);
  if (typeof json !== "object") return String(json);
  throw new NodeError(BAD_CAST, at("variant.cpp", 521, "as_string"), "Invalid cast from ${type} to string", {
    type: typeName(json),
  });
}

export function getString(json: Json): string {
  if (typeof json === "string") return json;
  throw new NodeError(
    BAD_CAST,
    at("variant.cpp", 579, "get_string"),
    "Invalid cast from type '${type}' to Object",
    {
      type: typeName(json),
    },
  );
}

export function asArray(json: Json): Json[] {
  if (Array.isArray(json)) return json;
  throw new NodeError(BAD_CAST, at("variant.cpp", 549, "get_array"), "Invalid cast from ${type} to Array", {
    type: typeName(json),
  });
}

export function asObject(json: Json): JsonObject {
  if (typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof JsonDouble))
    return json;
  throw new NodeError(
    BAD_CAST,
    at("variant.cpp", 587, "get_object"),
    "Invalid cast from type '${type}' to Object",
    {
      type: typeName(json),
    },
  );
}

/** Odd digits are accepted: the last one becomes a byte of its own. */
export function asBytes(json: Json): Buffer {
  const text = asString(json);
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad)
    throw new NodeError(UNSPECIFIED, at("hex.cpp", 13, "from_hex"), "Invalid hex character '${c}'", {
      c: bad[0],
    });
  return Buffer.from(text.length % 2 === 0 ? text : `${text.slice(0, -1)}${text.slice(-1)}0`, "hex");
}

/** Exactly `length` bytes: longer text is cut, shorter is filled with zeros. */
export function asFixedBytes(json: Json, length: number): Buffer {
  const bytes = asBytes(json);
  const fixed = Buffer.alloc(length);
  bytes.copy(fixed, 0, 0, length);
  return fixed;
}

/** UTC seconds. A fraction and the compact form are accepted, a zone is not. */
export function asTime(json: Json): number {
  const text = asString(json);
  const match = /^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})(?:[.,]\d*)?$/.exec(text);
  if (match) {
    const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const ms = Date.UTC(year, month - 1, day, hour, minute, second);
    if (month >= 1 && month <= 12 && new Date(ms).getUTCDate() === day) return (ms / 1000) >>> 0;
    throw timeError(
      "N5boost10wrapexceptINS_9gregorian16bad_day_of_monthEEE",
      "Day of month value is out of range 1..31",
    );
  }
  if (/^\d+$/.test(text))
    throw timeError(
      "N5boost10wrapexceptINS_9gregorian16bad_day_of_monthEEE",
      "Day of month value is out of range 1..31",
    );
  if (/^\d{4}-\d{2}-\d{2} /.test(text))
    throw timeError("St12out_of_range", "basic_string::at: __n (which is 0) >= this->size() (which is 0)");
  throw timeError(
    "N5boost10wrapexceptINS_16bad_lexical_castEEE",
    "bad lexical cast: source type value could not be interpreted as target",
  );
}

function timeError(name: string, what: string): NodeError {
  return new NodeError(
    standardError(name, what),
    at("time.cpp", 44, "from_iso_string"),
    "${what}: unable to convert ISO-formatted string to fc::time_point_sec",
    { what },
    { level: "warn" },
  );
}

/** Instance of an id whose type is fixed by its position, such as an account. */
export function asObjectId(json: Json, space: number, type: number): number {
  const place = at("object_id.hpp", 267, "from_variant");
  try {
    const text = getString(json);
    const [dots, ids] = splitId(text, 256);
    if (dots === 2 && ids[0] === BigInt(space) && ids[1] === BigInt(type)) return Number(ids[2]);
    throw new NodeError(
      ASSERTION,
      at("object_id.hpp", 261, "from_variant"),
      "fc::to_uint64( s.substr( 0, first_dot ) ) == SpaceID && fc::to_uint64( s.substr( first_dot+1, (second_dot-first_dot)-1 ) ) == TypeID: Space.Type.0 (${SpaceID}.${TypeID}.0) doesn't match expected value ${var}",
      { TypeID: type, SpaceID: space, var: text },
    );
  } catch (error) {
    throw error instanceof NodeError ? error.passing(place, () => ({ var: echo(json) })) : error;
  }
}

export interface AnyObjectId {
  readonly space: number;
  readonly type: number;
  readonly instance: number;
}

/** Id of any object. */
export function asAnyObjectId(json: Json): AnyObjectId {
  try {
    const [, [space = 0n, type = 0n, instance = 0n]] = splitId(getString(json), 232);
    return { space: Number(space), type: Number(type), instance: Number(instance) };
  } catch (error) {
    throw error instanceof NodeError
      ? error.passing(at("object_id.hpp", 243, "from_variant"), () => ({ var: echo(json) }))
      : error;
  }
}

function splitId(text: string, line: number): [dots: number, ids: bigint[]] {
  const parts = text.split(".");
  for (const [index, word] of (["first", "second"] as const).entries()) {
    if (parts.length <= index + 1)
      throw new NodeError(
        ASSERTION,
        at("object_id.hpp", line + index, "from_variant"),
        `${word}_dot != std::string::npos: Missing the ${word} dot`,
      );
  }
  return [parts.length - 1, [parts[0] ?? "", parts[1] ?? "", parts.slice(2).join(".")].map(parseUint64Text)];
}

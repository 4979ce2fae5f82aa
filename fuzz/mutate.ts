import type { Prng } from "@stakebts/testkit/simulator/prng";
import type { Input } from "./target.ts";

// What strangers send: nearly right, or wrong in a way that has broken parsers before.

/** Pieces of text that have a history. */
export const HOSTILE_TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "a\0b",
  "\uD800",
  "\uDC00x",
  "\uFFFD",
  "\uFEFF",
  "\u200B",
  "\u202Esix_months\u202C",
  "\u2028\u2029",
  "\u00A0\u3000",
  "ｓｉｘ＿ｍｏｎｔｈｓ",
  "ſtop",
  "e\u0301é",
  "💸👨‍👩‍👧",
  "\r\n",
  "\r\nset-cookie: fuzz=1",
  "\u001B[2J\u001B[31m",
  "\u009B31m",
  "\x07\b\x7F",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "Infinity",
  "-0",
  "0x10",
  "1e309",
  "1e-7",
  "1_000",
  "٣",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551616",
  "-1",
  "00",
  "0.1",
  ".5",
  "1.",
  "=1+1",
  "+1",
  "@SUM(A1)",
  "-2+3",
  "'; DROP TABLE payout; --",
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  "${7*7}",
  "{{7*7}}",
  "%00",
  "%E0%A4%A",
  "%s%s%n",
  "../../etc/passwd",
  "//elsewhere.invalid/",
  "/\\elsewhere.invalid",
  "javascript:alert(1)",
  "1.2.0",
  "1.2.281474976710656",
  "1.2.-1",
  "1.3.0",
  "2106-02-07T06:28:16",
  "1969-12-31T23:59:59",
  "2026-02-30T00:00:00",
  "2026-01-01T24:00:00",
  "9999-99-99T99:99:99",
];

export const HOSTILE_NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.1,
  -0.5,
  1e-9,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 48,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
  1e21,
  1e300,
  -(2 ** 31),
  -(2 ** 53),
  -(2 ** 63),
];

const KEYS = ["__proto__", "constructor", "prototype", "toString", "length", "then", "type", "id", "0", ""];

const PUNCTUATION = [
  "{",
  "}",
  "[",
  "]",
  '"',
  "'",
  ",",
  ":",
  "\\",
  "\\u",
  "-",
  ".",
  "e",
  "\n",
  "\t",
  "&",
  "*",
  "|",
  "!",
];

/** Mostly short; now and then longer than expected. */
export function longText(random: Prng): string {
  const piece = random.pick([
    "a",
    "0",
    "9",
    " ",
    "[",
    '{"a":',
    "\u0300",
    "💸",
    "-",
    ".",
    "a.",
    "\\",
    "<",
    "1",
  ]);
  return piece.repeat(random.pick([10, 64, 65, 100, 300, 1_000, 4_097, 20_000]));
}

/** One to a few changes. */
export function mutateText(random: Prng, text: string, dictionary: readonly string[] = []): string {
  let mutated = text;
  for (let changes = random.pick([1, 1, 1, 2, 2, 3, 5]); changes > 0; changes--)
    mutated = changeText(random, mutated, dictionary);
  return mutated;
}

function changeText(random: Prng, text: string, dictionary: readonly string[]): string {
  const at = random.int(0, text.length);
  const to = Math.min(text.length, at + random.pick([1, 1, 2, 4, 16]));
  const [before, middle, after] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
  switch (random.int(0, 9)) {
    case 0:
      return before + after;
    case 1:
      return before + middle + middle + after;
    case 2:
      return before + random.pick(HOSTILE_TEXTS) + middle + after;
    case 3:
      return before + random.pick(PUNCTUATION) + middle + after;
    case 4:
      return before;
    case 5:
      return before + String.fromCharCode(random.int(0, random.pick([0x7f, 0xff, 0xffff]))) + after;
    case 6:
      return before + (dictionary.length > 0 ? random.pick(dictionary) : middle.toUpperCase()) + after;
    case 7:
      return before + String(random.pick(HOSTILE_NUMBERS)) + after;
    case 8:
      return random.chance(0.05) ? before + longText(random) + after : before + middle.repeat(3) + after;
    default:
      return before + Array.from(middle).toReversed().join("") + after;
  }
}

/** A value of any kind, of any depth. */
export function hostileValue(random: Prng): Input {
  switch (random.int(0, 9)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
    case 3:
      return random.pick(HOSTILE_NUMBERS);
    case 4:
    case 5:
    case 6:
      return random.pick(HOSTILE_TEXTS);
    case 7:
      return random.chance(0.1) ? longText(random) : [];
    case 8:
      return random.chance(0.1) ? nested(random.pick([10, 200, 3_000])) : [hostileValue(random)];
    default:
      return withKey({}, random.pick(KEYS), random.chance(0.5) ? { polluted: true } : hostileValue(random));
  }
}

function nested(depth: number): Input {
  let value: Input = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** As JSON.parse would: `__proto__` is a key like any other. */
function withKey(object: { readonly [key: string]: Input }, key: string, value: Input): Input {
  const copy = { ...object };
  Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

/** One to a few changes somewhere in the tree; the original stays as it is. */
export function mutateTree(random: Prng, tree: Input, dictionary: readonly string[] = []): Input {
  let mutated = tree;
  for (let changes = random.pick([1, 1, 1, 1, 2, 3]); changes > 0; changes--)
    mutated = changeTree(random, mutated, dictionary);
  return mutated;
}

function changeTree(random: Prng, tree: Input, dictionary: readonly string[]): Input {
  if (Array.isArray(tree)) {
    const items = tree as readonly Input[];
    if (items.length === 0) return random.chance(0.5) ? [hostileValue(random)] : hostileValue(random);
    const at = random.int(0, items.length - 1);
    switch (random.int(0, 19)) {
      case 0:
        return items.toSpliced(at, 1);
      case 1:
        return items.toSpliced(at, 0, items[at] as Input);
      case 2:
        return items.toReversed();
      case 3:
        return hostileValue(random);
      case 4:
        return [...items, hostileValue(random)];
      default:
        return items.with(at, changeTree(random, items[at] as Input, dictionary));
    }
  }
  if (typeof tree === "object" && tree !== null) {
    const object = tree as { readonly [key: string]: Input };
    const keys = Object.keys(object);
    if (keys.length === 0) return hostileValue(random);
    const key = random.pick(keys);
    switch (random.int(0, 19)) {
      case 0: {
        const { [key]: _, ...rest } = object;
        return rest;
      }
      case 1:
        return withKey(object, key, hostileValue(random));
      case 2:
        return withKey(object, random.pick(KEYS), hostileValue(random));
      case 3:
        return withKey(object, key, object[random.pick(keys)] as Input);
      case 4:
        return hostileValue(random);
      default:
        return withKey(object, key, changeTree(random, object[key] as Input, dictionary));
    }
  }
  switch (random.int(0, 5)) {
    case 0:
      return hostileValue(random);
    case 1:
      return typeof tree === "number" ? -tree : `${tree}`;
    case 2:
      return typeof tree === "number" ? tree + random.pick([1, -1, 0.5, 2 ** 32]) : Number(tree);
    default:
      if (typeof tree === "string") return mutateText(random, tree, dictionary);
      return typeof tree === "number" ? random.pick(HOSTILE_NUMBERS) : hostileValue(random);
  }
}

/** JSON text of a tree that may be too deep for JSON.stringify, or hold what JSON has no word for. */
export function jsonOf(tree: Input): string {
  try {
    return JSON.stringify(tree) ?? "null";
  } catch {
    return "null";
  }
}

/** Bytes as hex: cut, changed, doubled. */
export function mutateHex(random: Prng, hex: string): string {
  const at = random.int(0, hex.length / 2) * 2;
  switch (random.int(0, 6)) {
    case 0:
      return hex.slice(0, at);
    case 1:
      return hex.slice(0, at) + random.int(0, 255).toString(16).padStart(2, "0") + hex.slice(at + 2);
    case 2:
      return hex + hex.slice(at);
    case 3:
      return (
        hex.slice(0, at) +
        random.pick(["ff", "c3", "ed a080".replace(" ", ""), "00", "f8", "80"]) +
        hex.slice(at)
      );
    case 4:
      return hex.slice(at);
    case 5:
      return hex.slice(0, -1);
    default:
      return mutateText(random, hex);
  }
}

const shrunkNumbers = (value: number): number[] => (value === 0 ? [] : [0]);

/** Smaller inputs to try in the place of this one, the smallest first. */
export function* smaller(input: Input): Generator<Input> {
  if (typeof input === "string") {
    for (const part of [input.length, 2, 4, 8, 16, 32]) {
      const size = Math.floor(input.length / part) || (part > input.length ? 0 : 1);
      if (part === input.length) {
        if (input !== "") yield "";
        continue;
      }
      if (size === 0) continue;
      for (let at = 0; at < input.length; at += size) yield input.slice(0, at) + input.slice(at + size);
    }
    if (input.length <= 40)
      for (let at = 0; at < input.length; at++) yield input.slice(0, at) + input.slice(at + 1);
  } else if (typeof input === "number") yield* shrunkNumbers(input);
  else if (Array.isArray(input)) {
    const items = input as readonly Input[];
    for (let at = 0; at < items.length; at++) yield items.toSpliced(at, 1);
    for (const [at, item] of items.entries()) for (const one of smaller(item)) yield items.with(at, one);
  } else if (typeof input === "object" && input !== null) {
    const object = input as { readonly [key: string]: Input };
    for (const key of Object.keys(object)) {
      const { [key]: _, ...rest } = object;
      yield rest;
    }
    for (const key of Object.keys(object))
      for (const one of smaller(object[key] as Input)) yield withKey(object, key, one);
  }
}

/**
 * JSON as the node reads it. Its reader is older than the standard and differs where clients are careless: text after
 * the first value is ignored, `\uXXXX` is not decoded, a number keeps all its digits, and `1.0` is not the integer 1.
 */

/** A number written with a fraction or an exponent: converted to an integer it is cut, elsewhere it is printed as text. */
export class JsonDouble {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type Json = null | boolean | number | bigint | string | JsonDouble | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** What stands on the wire: JSON.stringify of it is the node's text. Large integers are already decimal strings. */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  /** Character that cannot start a value; `undefined` when the text ended too early. */
  readonly unexpected: string | undefined;
  constructor(unexpected: string | undefined) {
    super(unexpected === undefined ? "unexpected end" : `unexpected ${unexpected}`);
    this.unexpected = unexpected;
  }
}

/** Text that JSON.parse reads differently: escapes, numbers beyond 15 digits, fractions and exponents. */
const NEEDS_CARE = /\\u|[[:,]\s*-?\d(?:\d{15}|\d*[.eE])/;

/** Reads the first value of the text. Throws {@link JsonSyntaxError}. */
export function parseJson(text: string): Json {
  if (!NEEDS_CARE.test(text)) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      // Perhaps only trailing text, which the node ignores: the slow reader decides.
    }
  }
  return new Reader(text).value(0);
}

/** Deeper nesting is refused, as the node does, before it can exhaust the stack. */
const DEPTH_MAX = 100;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > DEPTH_MAX) throw new JsonSyntaxError("[");
    const char = this.#peek();
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return this.#string();
    if (char === "-" || (char >= "0" && char <= "9")) return this.#number();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    throw new JsonSyntaxError(char);
  }

  #peek(): string {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
    const char = this.#text[this.#at];
    if (char === undefined) throw new JsonSyntaxError(undefined);
    return char;
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    while (this.#peek() !== "}") {
      const key = this.#peek() === '"' ? this.#string() : this.#fail();
      if (this.#peek() !== ":") this.#fail();
      this.#at++;
      // defineProperty: "__proto__" is a key like any other.
      Object.defineProperty(object, key, {
        value: this.value(depth + 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      if (this.#peek() === ",") this.#at++;
      else if (this.#peek() !== "}") this.#fail();
    }
    this.#at++;
    return object;
  }

  #array(depth: number): Json[] {
    const array: Json[] = [];
    this.#at++;
    while (this.#peek() !== "]") {
      array.push(this.value(depth + 1));
      if (this.#peek() === ",") this.#at++;
      else if (this.#peek() !== "]") this.#fail();
    }
    this.#at++;
    return array;
  }

  #string(): string {
    const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
    let out = "";
    for (;;) {
      const char = this.#text[++this.#at];
      if (char === undefined) throw new JsonSyntaxError(undefined);
      if (char === '"') break;
      if (char === "\\") {
        const escaped = this.#text[++this.#at];
        if (escaped === undefined) throw new JsonSyntaxError(undefined);
        out += escapes[escaped] ?? escaped; // "u" too stays a letter
      } else out += char;
    }
    this.#at++;
    return out;
  }

  #number(): number | bigint | JsonDouble {
    const match = /-?\d*(\.\d*)?([eE][+-]?\d+)?/y;
    match.lastIndex = this.#at;
    const [all = "", fraction, exponent] = match.exec(this.#text) ?? [];
    if (all === "-" || all === "") this.#fail();
    this.#at += all.length;
    if (fraction !== undefined || exponent !== undefined) return new JsonDouble(Number(all));
    const small = Number(all);
    return Number.isSafeInteger(small) ? small : BigInt(all);
  }

  #fail(): never {
    throw new JsonSyntaxError(this.#text[this.#at]);
  }
}

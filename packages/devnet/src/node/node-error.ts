import type { Wire } from "./json-text.ts";
import { wireTime } from "./wire-values.ts";

/**
 * Errors in the node's own shape. A client is told an exception class (number, name, description) and a stack of log
 * frames, innermost first; every layer that the exception passes may add a frame. Files and lines are those of
 * witness_node 7.0.2, because clients have been seen to match on them.
 */

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly method: string;
}

export const at = (file: string, line: number, method: string): Place => ({ file, line, method });

/** Work on a transaction that the node does before it takes the chain's lock runs in a pool. */
export type NodeThread = "th_a" | "pool worker 0";

interface Frame {
  readonly level: "error" | "warn";
  readonly place: Place;
  readonly thread: NodeThread;
  readonly format: string;
  /** A function is called only if the error leaves the process: most refusals carry the whole transaction. */
  readonly data: Wire | (() => Wire);
}

export interface ErrorClass {
  readonly code: number;
  readonly name: string;
  readonly text: string;
}

const errorClass = (code: number, name: string, text: string): ErrorClass => ({ code, name, text });

export const UNSPECIFIED = errorClass(0, "exception", "unspecified");
export const PARSE_ERROR = errorClass(4, "parse_error_exception", "Parse Error");
export const BAD_CAST = errorClass(7, "bad_cast_exception", "Bad Cast");
export const ASSERTION = errorClass(10, "assert_exception", "Assert Exception");
export const METHOD_NOT_FOUND = errorClass(22, "method_not_found_exception", "Method Not Found");
export const DUPLICATE_TRANSACTION = errorClass(3030001, "duplicate_transaction", "duplicate transaction");
export const MISSING_ACTIVE = errorClass(
  4010001,
  "tx_missing_active_auth",
  "missing required active authority",
);
export const MISSING_OWNER = errorClass(4010002, "tx_missing_owner_auth", "missing required owner authority");
export const MISSING_OTHER = errorClass(4010003, "tx_missing_other_auth", "missing required other authority");
export const IRRELEVANT_SIGNATURE = errorClass(4010004, "tx_irrelevant_sig", "irrelevant signature included");
export const DUPLICATE_SIGNATURE = errorClass(4010005, "tx_duplicate_sig", "duplicate signature included");
export const COMMITTEE_APPROVAL = errorClass(
  4010006,
  "invalid_committee_approval",
  "committee account cannot directly approve transaction",
);
export const INSUFFICIENT_FEE = errorClass(4010007, "insufficient_fee", "insufficient fee");
/** An exception of the C++ library: the name is its mangled type. */
export const standardError = (name: string, text: string): ErrorClass => errorClass(13, name, text);

export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly errorClass: ErrorClass;
  readonly #frames: Frame[] = [];
  readonly #time = wireTime(Math.floor(Date.now() / 1000));

  constructor(
    kind: ErrorClass,
    place: Place,
    format: string,
    data: Frame["data"] = {},
    { level = "error", thread = "th_a" }: { level?: "error" | "warn"; thread?: NodeThread } = {},
  ) {
    super(`${kind.text}: ${format}`);
    this.errorClass = kind;
    this.#frames.push({ level, place, thread, format, data });
  }

  /** Adds the frame of a layer on the way out. */
  passing(
    place: Place,
    data: Frame["data"],
    {
      level = "warn",
      format = "",
      thread = "th_a",
    }: Partial<Pick<Frame, "level" | "format" | "thread">> = {},
  ): this {
    this.#frames.push({ level, place, thread, format, data });
    return this;
  }

  /** The `data` member of the reply. */
  toWire(): Wire {
    return {
      code: this.errorClass.code,
      name: this.errorClass.name,
      message: this.errorClass.text,
      stack: this.#frames.map(({ level, place, thread, format, data }) => ({
        context: { level, ...place, hostname: "", thread_name: thread, timestamp: this.#time },
        format,
        data: typeof data === "function" ? data() : data,
      })),
    };
  }

  /** The `message` member of the reply: class text, then every frame that has something to say. */
  describe(): string {
    const texts = this.#frames
      .filter(({ format }) => format !== "")
      .map(({ format, data }) => ` ${fill(format, typeof data === "function" ? data() : data)}`);
    return `Execution error: ${this.errorClass.text}:${texts.join("")}`;
  }
}

function fill(format: string, data: Wire): string {
  const values = data as { readonly [key: string]: Wire };
  return format.replaceAll(/\$\{([^}]*)\}/g, (whole, key: string) => {
    const value = values[key];
    if (value === undefined) return whole;
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}

/** A failed assertion shows the C++ expression, a colon, and the author's message if there is one. */
export function assertion(
  expression: string,
  place: Place,
  {
    text = "",
    data = {},
    thread = "th_a",
  }: { text?: string; data?: Frame["data"]; thread?: NodeThread } = {},
): NodeError {
  return new NodeError(ASSERTION, place, `${expression}: ${text}`, data, { thread });
}

import type { Json, Wire } from "./json-text.ts";
import { assertion, at, METHOD_NOT_FOUND, NodeError } from "./node-error.ts";
import type { Session } from "./session.ts";

/** A result that is text already. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Result = Wire | RawJson;

export const resultText = (result: Result): string =>
  result instanceof RawJson ? result.text : JSON.stringify(result);

export interface ApiMethod {
  /** Arguments that must be there; those after them are optional ones, and surplus ones are ignored. */
  readonly required: number;
  readonly run: (args: readonly Json[], session: Session) => Result | Promise<Result>;
}

/**
 * A set of methods behind one api id. `names` are all that a real node has, in the order of its table, which a client
 * sees when it calls one that does not exist.
 */
export class ApiSet {
  readonly #names: readonly string[];
  readonly #methods: ReadonlyMap<string, ApiMethod>;

  constructor(names: readonly string[], methods: Readonly<Record<string, ApiMethod>>) {
    this.#names = names;
    this.#methods = new Map(Object.entries(methods));
  }

  call(name: string, args: readonly Json[], session: Session): Result | Promise<Result> {
    const method = this.#methods.get(name);
    if (method === undefined) throw this.#unknown(name);
    if (args.length < method.required)
      throw assertion("a0 != e || optional_args", at("api_connection.hpp", 192, "call_generic"), {
        text: "too few arguments passed to method",
      });
    return method.run(args, session);
  }

  #unknown(name: string): NodeError {
    if (this.#names.includes(name))
      return assertion("devnet", at("api-set.ts", 0, "call"), {
        text: "method ${name} is not simulated by this development node",
        data: { name },
      });
    return methodNotFound(name, this.#names);
  }
}

/** The reply to it has the code -32601, not the class's own. */
export function methodNotFound(name: string, names: readonly string[]): NodeError {
  const api = names.map((known, index) => [known, index] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return new NodeError(
    METHOD_NOT_FOUND,
    at("api_connection.hpp", 121, "call"),
    "No method with name '${name}'",
    {
      name,
      api,
    },
  );
}

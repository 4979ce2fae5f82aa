/** What one error says of itself, in the words of the libraries that throw it. */
export interface ErrorFacts {
  readonly error: unknown;
  readonly name: string;
  readonly message: string;
  /** Five characters, of PostgreSQL: the only place that reads it. */
  readonly sqlState: string | undefined;
  /** Of Prisma: `P2028`. */
  readonly prismaCode: string | undefined;
  /** Of Prisma's driver adapter: `TooManyConnections`. */
  readonly adapterKind: string | undefined;
  /** Of Node.js or postgres.js: `ECONNRESET`, `CONNECTION_CLOSED`. */
  readonly code: string | undefined;
  /** Of Node.js: `connect`, `read`. */
  readonly syscall: string | undefined;
}

/** Causes of causes: far more than any library nests. */
const ERRORS_MAX = 50;

/** An error, and all that it names as its cause: `cause`, the errors of an AggregateError, what Prisma's driver adapter was told. */
export function factsOf(error: unknown): readonly ErrorFacts[] {
  const found = new Map<object, ErrorFacts>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && found.size < ERRORS_MAX) {
    const one = waiting.shift();
    if (typeof one !== "object" || one === null || found.has(one)) continue;
    const { cause, errors, meta } = one as Nested;
    found.set(one, readFacts(one));
    waiting.push(cause, meta?.driverAdapterError, ...(Array.isArray(errors) ? (errors as unknown[]) : []));
  }
  return [...found.values()];
}

/** SQLSTATE of the first that has one. */
export const sqlStateOf = (error: unknown): string | undefined =>
  factsOf(error).find(({ sqlState }) => sqlState !== undefined)?.sqlState;

interface Nested {
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown; readonly code?: unknown };
}

function readFacts(error: object): ErrorFacts {
  const { name, message, code, originalCode, kind, meta, syscall } = error as Record<string, unknown> &
    Nested;
  const codes = [originalCode, code, meta?.code].filter((one) => typeof one === "string");
  const prismaCode = codes.find((one) => /^P\d{4}$/u.test(one));
  // Codes of Node.js may have five capital letters too (EPIPE); an SQLSTATE of the server begins with a digit, or is one of Prisma's
  // look-alikes (P0001 of plpgsql), which Prisma's own never are.
  return {
    error,
    name: textOf(name),
    message: textOf(message),
    sqlState: codes.find((one) => /^(?:\d[\dA-Z]{4}|[FHXP]0[\dA-Z]{3}|XX[\dA-Z]{3})$/u.test(one)),
    prismaCode,
    adapterKind: typeof kind === "string" ? kind : undefined,
    code: codes.find((one) => /^[A-Z][A-Z_]+$/u.test(one)),
    syscall: typeof syscall === "string" ? syscall : undefined,
  };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** What an error says, in one line: Prisma puts the name of the call and empty lines before it. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .replace(/\s*Invalid `[^`]*` invocation(?: in\s+\S+)?:/u, "")
    .replaceAll(/\s+/gu, " ")
    .trim();

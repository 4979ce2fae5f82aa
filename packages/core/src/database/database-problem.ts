import { sqlStateOf } from "../runtime/error-facts.ts";
import { isNotMigrated, Prisma } from "./client.ts";

/** What keeps a program from using the database. */
export interface DatabaseProblem {
  /** `unavailable`: it may be there later. `configuration`: an operator has to change a setting first. */
  readonly kind: "unavailable" | "configuration";
  readonly message: string;
}

const unavailable = (message: string): DatabaseProblem => ({ kind: "unavailable", message });
const configuration = (message: string): DatabaseProblem => ({ kind: "configuration", message });
const NO_LEDGER = "this database has no ledger, or an older one: run `npm run db:migrate`";
const REFUSED = "DATABASE_URL: the database refuses this user or password";
const READ_ONLY = "the database can only be read now: a stand-by, or one that takes over from another";
const NO_DATABASE = "DATABASE_URL: the server has no database of this name";

/** Reads what Prisma and the drivers throw; `undefined` when the error is about something else. */
export function databaseProblem(error: unknown): DatabaseProblem | undefined {
  return error instanceof Prisma.PrismaClientKnownRequestError ? prismaProblem(error) : cursorProblem(error);
}

/** What postgres.js throws, which reads by cursor: an SQLSTATE, or a word about the connection. */
function cursorProblem(error: unknown): DatabaseProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = "", address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (/^(?:CONNECT_TIMEOUT|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH)$/u.test(code))
    return unavailable(`no database answers${address === undefined ? "" : ` at ${address}:${port}`}`);
  if (/^(?:CONNECTION_CLOSED|CONNECTION_ENDED|CONNECTION_DESTROYED|ECONNRESET|57P0[123])$/u.test(code))
    return unavailable("the database closed the connection");
  if (code === "25006") return unavailable(READ_ONLY);
  if (/^(?:timeout expired|Connection terminated due to connection timeout)$/u.test(error.message))
    return unavailable("no database answers in time");
  if (code === "53300") return unavailable("the database has no connection left");
  if (code === "28P01" || code === "28000") return configuration(REFUSED);
  if (code === "3D000") return configuration(NO_DATABASE);
  return code === "42P01" ? configuration(NO_LEDGER) : undefined;
}

function prismaProblem(error: Prisma.PrismaClientKnownRequestError): DatabaseProblem | undefined {
  if (isNotMigrated(error)) return configuration(NO_LEDGER);
  if (sqlStateOf(error) === "25006") return unavailable(READ_ONLY);
  const meta = error.meta as
    | { driverAdapterError?: { cause?: { kind?: string; host?: string; port?: number } } }
    | undefined;
  const cause = meta?.driverAdapterError?.cause;
  const where = cause?.host === undefined ? "" : ` at ${cause.host}${cause.port ? `:${cause.port}` : ""}`;
  switch (cause?.kind) {
    case "DatabaseNotReachable":
      return unavailable(`no database answers${where}`);
    case "ConnectionClosed":
    case "SocketTimeout":
      return unavailable("the database closed the connection");
    case "TooManyConnections":
      return unavailable("the database has no connection left");
    case "AuthenticationFailed":
    case "DatabaseAccessDenied":
      return configuration(REFUSED);
    case "DatabaseDoesNotExist":
      return configuration(NO_DATABASE);
    case "TlsConnectionError":
      return configuration("DATABASE_URL: the database cannot be reached with TLS");
    case undefined:
    default:
      return undefined;
  }
}

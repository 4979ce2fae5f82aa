import { AssertionError } from "@stakebts/kernel/assert";
import { ServiceError, StartupError } from "@stakebts/kernel/errors";
import { type ErrorFacts, factsOf } from "./error-facts.ts";

/**
 * Trouble that passes by itself: a step that failed with it is tried again. The list is of what is known to pass. Everything else
 * is a broken assumption, because a step that will fail for ever and is tried for ever stops all that comes after it, and no
 * person hears of it.
 */

/** By SQLSTATE. Those of two characters are classes. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const PASSING_SQLSTATES = [
  "08", // connection exceptions
  "53", // out of connections, memory or disk
  "57P01", // the server is shut down, has crashed, or starts
  "57P02",
  "57P03",
  "57P04", // the database was dropped: another takes its place
  "57P05", // the session was idle for too long
  "40001", // two transactions wrote the same rows
  "40P01", // deadlock
  "55P03", // a lock was not to be had in time
  "57014", // the statement took too long, or was cancelled
  "25P03", // the transaction was idle for too long
  "25P04", // the transaction took too long
  "25006", // the server is read-only: a replica, or one that is about to be replaced
  // The database, a table or a function is not there: it is being restored or migrated beside us.
  "3D000",
  "42P01",
  "42883",
];

/** By the codes of Prisma. */
const PASSING_PRISMA = new Set(["P1001", "P1002", "P1008", "P1017", "P2024", "P2028", "P2034", "P2037"]);

/** By the kinds of Prisma's driver adapter. */
const PASSING_KINDS = new Set([
  "ConnectionClosed",
  "DatabaseDoesNotExist",
  "DatabaseNotReachable",
  "SocketTimeout",
  "TableDoesNotExist",
  "TooManyConnections",
  "TransactionAlreadyClosed",
  "TransactionWriteConflict",
]);

/** By the codes of Node.js and of postgres.js. */
const PASSING_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "EAI_FAIL",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EMFILE",
  "ENETDOWN",
  "ENETRESET",
  "ENETUNREACH",
  "ENFILE",
  "ENOTFOUND",
  "EPIPE",
  "EPROTO",
  "ETIMEDOUT",
]);

/** What drivers say of a connection without a code. */
const PASSING_MESSAGES = [
  "Connection terminated",
  "Connection is closed",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "Cannot use a pool after calling end on the pool",
  "timeout exceeded when trying to connect",
  "timeout expired",
  "Query read timeout",
  "Client network socket disconnected before secure TLS connection was established",
  "socket hang up",
];

/** Redis and the queue decide nothing, so nothing that they say may stop a process. */
const REDIS_NAMES = new Set([
  "ReplyError",
  "MaxRetriesPerRequestError",
  "ClusterAllFailedError",
  "RedisError",
]);

const ABORTS = new Set(["AbortError", "TimeoutError"]);

/** May the same step succeed later, without a person's help? It does when any error in the chain of causes says so. */
export function mayPass(error: unknown): boolean {
  if (error instanceof AssertionError || error instanceof StartupError) return false;
  return factsOf(error).some(passes);
}

const passes = ({
  error,
  name,
  message,
  sqlState,
  prismaCode,
  adapterKind,
  code,
  syscall,
}: ErrorFacts): boolean =>
  error instanceof ServiceError ||
  isOfAxios(error) ||
  REDIS_NAMES.has(name) ||
  ABORTS.has(name) ||
  PASSING_SQLSTATES.some((known) => sqlState?.startsWith(known) === true) ||
  (prismaCode !== undefined && PASSING_PRISMA.has(prismaCode)) ||
  (adapterKind !== undefined && PASSING_KINDS.has(adapterKind)) ||
  (code !== undefined && PASSING_CODES.has(code)) ||
  // The socket of a server that is being started again.
  (code === "ENOENT" && syscall === "connect") ||
  PASSING_MESSAGES.some((known) => message.startsWith(known));

/** As `axios.isAxiosError`, without the hundred files of the library: most processes make no call with it. */
const isOfAxios = (error: unknown): boolean =>
  (error as { readonly isAxiosError?: unknown } | undefined)?.isAxiosError === true;

import { isNotMigrated, Prisma } from "./client.ts";

/** What keeps a program from using the database. */
export interface DatabaseProblem {
  /** `unavailable`: it may be there later. `configuration`: somebody has to change something first. */
  readonly kind: "unavailable" | "configuration";
  readonly message: string;
}

/** Reads what Prisma and the driver throw; `undefined` when the error is about something else. */
export function databaseProblem(error: unknown): DatabaseProblem | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined;
  if (isNotMigrated(error))
    return {
      kind: "configuration",
      message: "this database has no ledger, or an older one: run `npm run db:migrate`",
    };
  const meta = error.meta as
    | { driverAdapterError?: { cause?: { kind?: string; host?: string; port?: number } } }
    | undefined;
  const cause = meta?.driverAdapterError?.cause;
  const where = cause?.host === undefined ? "" : ` at ${cause.host}${cause.port ? `:${cause.port}` : ""}`;
  switch (cause?.kind) {
    case "DatabaseNotReachable":
      return { kind: "unavailable", message: `no database answers${where}` };
    case "ConnectionClosed":
    case "SocketTimeout":
      return { kind: "unavailable", message: "the database closed the connection" };
    case "TooManyConnections":
      return { kind: "unavailable", message: "the database has no connection left" };
    case "AuthenticationFailed":
    case "DatabaseAccessDenied":
      return { kind: "configuration", message: "DATABASE_URL: the database refuses this user or password" };
    case "DatabaseDoesNotExist":
      return { kind: "configuration", message: "DATABASE_URL: the server has no database of this name" };
    case "TlsConnectionError":
      return { kind: "configuration", message: "DATABASE_URL: the database cannot be reached with TLS" };
    case undefined:
    default:
      return undefined;
  }
}

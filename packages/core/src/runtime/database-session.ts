import { existsSync, readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { StartupError } from "@stakebts/kernel/errors";
import pg from "pg";
import postgres from "postgres";
import { type DatabaseAddress, parseAddress, type Tls } from "./database-address.ts";

// Every session with PostgreSQL that a program of ours opens is opened here: from one reading of the address, and with the
// same settings, which do not depend on the defaults of the server, the database or the user.

/**
 * What would change what is read or written, as it has to be. Users and databases have defaults of their own for each
 * (`ALTER ROLE … SET`), and those would hold otherwise. `row_security`: a policy that hides rows is an error, not an answer.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  TimeZone: "UTC",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
  xmloption: "content",
  standard_conforming_strings: "on",
  array_nulls: "on",
  transform_null_equals: "off",
  quote_all_identifiers: "off",
  row_security: "off",
  session_replication_role: "origin",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  default_transaction_deferrable: "off",
  statement_timeout: "0",
  lock_timeout: "0",
  transaction_timeout: "0",
  idle_session_timeout: "0",
  exit_on_error: "off",
};

export interface SessionOptions {
  /** Of tables that a statement names without a schema. Default: `public`. */
  readonly searchPath?: string;
  /** The server ends a session that is idle in a transaction for so long. Default: never. */
  readonly idleInTransactionMsMax?: number;
}

/** One statement, which sets only what differs: some of them not every user may set, and some older servers do not have. */
function settingsStatement({ searchPath = "public", idleInTransactionMsMax }: SessionOptions): string {
  const wanted = {
    ...SETTINGS,
    search_path: searchPath,
    idle_in_transaction_session_timeout:
      idleInTransactionMsMax === undefined ? "0" : `${Math.ceil(idleInTransactionMsMax / 1_000)}s`,
  };
  const values = Object.entries(wanted).map(([name, value]) => `('${name}', '${value}')`);
  // A commit that is answered must not be lost: "save, then send" rests on it (ADR 0003).
  return `SELECT set_config(name, value, false)
    FROM (VALUES ${values.join(", ")},
                 ('synchronous_commit', CASE WHEN current_setting('synchronous_commit') = 'remote_apply'
                                             THEN 'remote_apply' ELSE 'on' END)) AS wanted (name, value)
   WHERE current_setting(name, true) IS NOT NULL AND current_setting(name, true) <> value`;
}

const CONNECT_MS_MAX = 10_000;
/** SQLSTATE of a write that a server refuses which became a stand-by. */
const READ_ONLY = "25006";

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);
type ClientOptions = pg.ClientConfig & { readonly session?: SessionOptions };

/** A session that is ready when its settings are made. It ends when its server can only be read: another one can be written to. */
class Session extends pg.Client {
  readonly #settings: string;

  constructor(options: ClientOptions = {}) {
    // A pool hides the password from code that lists its options, and a copy of them is a list.
    const { password, connectionTimeoutMillis } = options;
    super({
      ...options,
      ...(password === undefined ? {} : { password }),
      connectionTimeoutMillis: connectionTimeoutMillis || CONNECT_MS_MAX,
    });
    this.#settings = settingsStatement(options.session ?? {});
    // The caller learns from the next statement that the session is over. Without a listener an end between two statements, such as that of
    // the settings and the first one of its pool, is an exception that ends the process.
    this.on("error", () => undefined);
    const { connection } = this as unknown as { readonly connection: NodeJS.EventEmitter };
    connection.on("errorMessage", ({ code }: { code?: string }) => {
      if (code === READ_ONLY) void this.end().catch(() => undefined);
    });
  }

  /** As a promise, or with a callback, which is the pool's way. */
  override connect(): Promise<pg.Client>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.Client> | void {
    const ready = this.#begin();
    if (callback === undefined) return ready;
    // oxlint-disable promise/no-callback-in-promise -- the pool has no other way
    ready.then(
      () => (callback as (error: null, client: pg.Client) => void)(null, this),
      (error: Error) => (callback as (error: Error) => void)(error),
    );
    // oxlint-enable promise/no-callback-in-promise
  }

  async #begin(): Promise<pg.Client> {
    await super.connect();
    try {
      await this.query(this.#settings);
    } catch (error) {
      await this.end().catch(() => undefined);
      throw error;
    }
    return this;
  }
}

/** A session of one's own; it is not connected yet. */
export const openSession = (url: string, options: ClientOptions = {}): pg.Client =>
  new Session({ ...configOf(parseAddress(url)), ...options });

/** Sessions for statements that need none of their own. */
export function openPool(url: string, options: Omit<pg.PoolConfig, "Client"> & ClientOptions): pg.Pool {
  const pool = new pg.Pool({ ...configOf(parseAddress(url)), ...options, Client: Session } as pg.PoolConfig);
  // A session that ended while it was idle: the pool opens another one.
  pool.on("error", () => undefined);
  return pool;
}

function configOf(address: DatabaseAddress): pg.ClientConfig {
  const { host, port, user, password, database, tls, channelBinding, options, connectTimeoutMs } = address;
  return {
    host,
    port,
    user,
    database,
    ssl: tls === undefined ? false : tlsOptions(tls, host),
    ...(password === undefined ? {} : { password }),
    ...(options === undefined ? {} : { options }),
    ...(channelBinding === undefined ? {} : { enableChannelBinding: channelBinding !== "disable" }),
    ...(connectTimeoutMs === undefined ? {} : { connectionTimeoutMillis: connectTimeoutMs }),
  };
}

const read = (path: string | undefined): string | undefined =>
  path === undefined ? undefined : readFileSync(path, "utf8");

/**
 * As libpq has the modes: `require` with an authority is `verify-ca`, and without one it believes any certificate. The name is compared
 * with that of the address: a driver that hands over a socket for a number would have it compared with `localhost`.
 */
function tlsOptions({ mode, rootCert, cert, key }: Tls, host: string) {
  const acceptsAnyServer = mode === "no-verify" || (mode === "require" && rootCert === undefined);
  const files = Object.entries({ ca: read(rootCert), cert: read(cert), key: read(key) }).filter(
    (file): file is [string, string] => file[1] !== undefined,
  );
  return {
    rejectUnauthorized: !acceptsAnyServer,
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      mode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
    ...Object.fromEntries(files),
  };
}

export type Cursors = postgres.Sql<{ bigint: bigint }>;

/** Cursors, which Prisma does not have: postgres.js, on one connection, with the same settings. */
export async function openCursors(
  url: string,
  { name, transform }: { readonly name: string; readonly transform?: postgres.Options<never>["transform"] },
): Promise<Cursors> {
  const { host, port, user, password, database, tls, options, connectTimeoutMs } = parseAddress(url);
  const sql = postgres({
    ...(host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }),
    user,
    database,
    ...(password === undefined ? {} : { password }),
    ssl: tls === undefined ? false : tlsOptions(tls, host),
    connect_timeout: (connectTimeoutMs ?? CONNECT_MS_MAX) / 1_000,
    // The one connection is kept for as long as it is used: its settings are made once.
    max: 1,
    max_lifetime: null,
    types: { bigint: postgres.BigInt },
    onnotice: () => undefined,
    ...(transform === undefined ? {} : { transform }),
    connection: { application_name: name, ...(options === undefined ? {} : { options }) },
  });
  try {
    await sql.unsafe(settingsStatement({}));
  } catch (error) {
    await sql.end().catch(() => undefined);
    throw error;
  }
  return sql as unknown as Cursors;
}

/** Programs of PostgreSQL know the word `system` from this version on. */
const KNOWS_SYSTEM_FROM = 16;
/** Where systems keep the authorities that they trust: Debian and Alpine, Red Hat, SUSE. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

function rootCertOf(tls: Tls | undefined, toolsMajor: number): string | undefined {
  if (tls === undefined || tls.mode === "no-verify") return undefined;
  if (tls.rootCert !== undefined || tls.mode !== "verify-full") return tls.rootCert;
  if (toolsMajor >= KNOWS_SYSTEM_FROM) return "system";
  const found = SYSTEM_AUTHORITIES.find((path) => existsSync(path));
  if (found === undefined)
    throw new StartupError(
      "sslmode=verify-full: this system keeps its certificate authorities at no place that is known here; name a file of them by sslrootcert",
    );
  return found;
}

/**
 * How the programs of PostgreSQL reach it: nothing on a command line, which everybody on the machine may read.
 * @param toolsMajor their version
 * Errors: StartupError when the system's authorities are asked for and not found.
 */
export function toolEnvironment(url: string, toolsMajor: number): Readonly<Record<string, string>> {
  const { host, port, user, password, database, tls, channelBinding, options, connectTimeoutMs } =
    parseAddress(url);
  const environment = {
    PGHOST: host,
    PGPORT: `${port}`,
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: tls === undefined ? "disable" : tls.mode === "no-verify" ? "require" : tls.mode,
    PGSSLROOTCERT: rootCertOf(tls, toolsMajor),
    PGSSLCERT: tls?.cert,
    PGSSLKEY: tls?.key,
    PGCHANNELBINDING: channelBinding,
    PGCLIENTENCODING: "UTF8",
    PGCONNECT_TIMEOUT: `${Math.ceil((connectTimeoutMs ?? CONNECT_MS_MAX) / 1_000)}`,
    // What the programs do not set themselves, of what a user or a database may have as its default.
    PGOPTIONS:
      `${options ?? ""} -c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0`.trim(),
  };
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

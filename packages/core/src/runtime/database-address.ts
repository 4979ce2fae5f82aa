import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { userInfo } from "node:os";
import { StartupError } from "@stakebts/kernel/errors";

// The address of a database, read in one place, so that every program of ours understands it alike: workers, command line,
// migrations, queues, and the programs of PostgreSQL that dump and restore.

export interface DatabaseAddress {
  /** A name, a number, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: Tls | undefined;
  readonly channelBinding: string | undefined;
  /** Given to the server as they are: `-c geqo=off`, `endpoint=…`. */
  readonly options: string | undefined;
  readonly connectTimeoutMs: number | undefined;
}

export interface Tls {
  /** As libpq has them; `no-verify` is that of node-postgres, and means what `require` does without an authority. */
  readonly mode: "require" | "no-verify" | "verify-ca" | "verify-full";
  /** Path of the authority's certificate; `undefined`: the authorities of the system. */
  readonly rootCert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The address cannot be used. The message says why, and holds no part of it that may be secret. */
export class AddressProblem extends StartupError {}

const FORM = "expected postgresql://user:password@host:port/database";
const DEFAULT_PORT = 5432;

/** Errors: AddressProblem. */
export function parseAddress(text: string): DatabaseAddress {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/su.exec(text.trim())?.[1];
  if (rest === undefined) throw new AddressProblem(FORM);
  if (!rest.isWellFormed())
    throw new AddressProblem("it holds half of a character: a part of it was lost on the way");
  const { credentials, location } = splitCredentials(rest);
  const [, authority = "", path = "", query = ""] =
    /^([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?/su.exec(location) ?? [];
  const parameters = new Map(
    [...new URLSearchParams(query)]
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
  refuseOthers(parameters);
  const { host, port } = hostAndPort(authority, parameters);
  const [user, password] = splitOnce(credentials, ":").map((part) =>
    part === undefined ? undefined : decoded(part),
  ) as [string, string | undefined];
  const database = parameters.get("dbname") ?? decoded(path.slice(1));
  if (database === "") throw new AddressProblem(`it names no database: ${FORM}`);
  const address: DatabaseAddress = {
    host,
    port,
    user: parameters.get("user") ?? (user === "" ? ownName() : user),
    password: parameters.get("password") ?? (password === "" ? undefined : password),
    database,
    tls: host.startsWith("/") ? undefined : tlsOf(parameters),
    channelBinding: oneOf(parameters, "channel_binding", ["disable", "prefer", "require"]),
    options: parameters.get("options"),
    connectTimeoutMs: seconds(parameters, "connect_timeout"),
  };
  // The protocol ends each text with it.
  if ([address.user, address.password ?? "", database].some((part) => part.includes("\0")))
    throw new AddressProblem("user, password and database cannot hold the character 0");
  if (address.channelBinding === "require" && address.tls === undefined)
    throw new AddressProblem("channel_binding=require needs TLS: add sslmode=verify-full");
  return address;
}

/**
 * A password that holds `@`, `/`, `?` or `#` as it is ends the address early for other readers. It is meant as it is typed,
 * so that everything before the last @ is user and password; unless that @ is in a parameter.
 */
function splitCredentials(rest: string): { readonly credentials: string; readonly location: string } {
  const beforeParameters = /^(.*?)(?:\?[a-z_]\w*=.*)?$/isu.exec(rest)?.[1] ?? rest;
  let at = beforeParameters.lastIndexOf("@");
  // What looks like the beginning of parameters was a part of the password: no port stands before it.
  if (at < 0 && /^[^:/]*:(?!\d*(?:\/|$))/u.test(beforeParameters)) at = rest.lastIndexOf("@");
  return { credentials: rest.slice(0, Math.max(0, at)), location: rest.slice(at + 1) };
}

/** Without a user it is the one who runs the program, as for the programs of PostgreSQL: on a socket, no more is needed. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new AddressProblem(`it names no user: ${FORM}`);
  }
}

/** Percent signs that are no encoding are themselves. */
const decoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/giu, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });

const splitOnce = (text: string, by: string): [string, string | undefined] => {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
};

function hostAndPort(
  authority: string,
  parameters: ReadonlyMap<string, string>,
): { readonly host: string; readonly port: number } {
  const [, inUrl = "", portInUrl = ""] = /^(\[[0-9a-f:.%]+\]|[^:]*)(?::(.*))?$/isu.exec(authority) ?? [
    "",
    authority,
    "",
  ];
  const host = parameters.get("host") ?? decoded(inUrl.replace(/^\[(.*)\]$/u, "$1"));
  const portText = parameters.get("port") ?? portInUrl;
  if (host.includes(",") || portText.includes(","))
    throw new AddressProblem(
      "it names several servers: give the address that leads to the one that can be written to",
    );
  const port = portText === "" ? DEFAULT_PORT : Number(portText);
  if (!/^\d*$/u.test(portText) || port < 1 || port > 65_535)
    throw new AddressProblem(
      `the port is not a number from 1 to 65535 (is there a special character in the password? write it as %XX): ${FORM}`,
    );
  if (!/^(?:\/\S*|[\w.:%-]*)$/u.test(host)) throw new AddressProblem(`the host is none: ${FORM}`);
  return { host: host === "" ? "localhost" : host, port };
}

const TLS_FORM = "sslmode is disable, require, verify-ca, verify-full or no-verify";

function tlsOf(parameters: ReadonlyMap<string, string>): Tls | undefined {
  const mode = parameters.get("sslmode") ?? modeOfSsl(parameters.get("ssl"));
  const [rootCert, cert, key] = ["sslrootcert", "sslcert", "sslkey"].map((name) => fileOf(parameters, name));
  switch (mode) {
    case undefined:
      if (rootCert ?? cert ?? key)
        throw new AddressProblem("there is a certificate and no sslmode: add sslmode=verify-full");
      return undefined;
    case "disable":
      return undefined;
    case "allow":
    case "prefer":
      throw new AddressProblem(
        `sslmode=${mode} leaves open whether the connection is encrypted: write require (or verify-full), or disable`,
      );
    case "verify-ca":
      if (rootCert === undefined)
        throw new AddressProblem("sslmode=verify-ca needs sslrootcert, the certificate of the authority");
      return { mode, rootCert, cert, key };
    case "require":
    case "no-verify":
    case "verify-full":
      return { mode, rootCert, cert, key };
    default:
      throw new AddressProblem(TLS_FORM);
  }
}

/** The word of other drivers. */
function modeOfSsl(ssl: string | undefined): string | undefined {
  if (ssl === undefined) return undefined;
  if (/^(?:true|1|yes|on)$/iu.test(ssl)) return "verify-full";
  return /^(?:false|0|no|off)$/iu.test(ssl) ? "disable" : ssl;
}

function fileOf(parameters: ReadonlyMap<string, string>, name: string): string | undefined {
  const path = parameters.get(name);
  if (path === undefined || (name === "sslrootcert" && path === "system")) return undefined;
  if (!isAbsolute(path)) throw new AddressProblem(`${name}: expected the whole path of a file`);
  try {
    readFileSync(path);
  } catch (error) {
    throw new AddressProblem(
      `${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    );
  }
  return path;
}

function oneOf<const T extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  values: readonly T[],
): T | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  const found = values.find((one) => one === value);
  if (found === undefined) throw new AddressProblem(`${name} is one of ${values.join(", ")}`);
  return found;
}

function seconds(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  if (!/^\d{1,4}$/u.test(value)) throw new AddressProblem(`${name}: expected whole seconds`);
  return Number(value) === 0 ? undefined : Number(value) * 1_000;
}

const UNDERSTOOD = new Set(
  "host port user password dbname ssl sslmode sslrootcert sslcert sslkey channel_binding options connect_timeout".split(
    " ",
  ),
);

/**
 * Parameters of other tools and of poolers (`connection_limit`, `pgbouncer`, `application_name`, …) change nothing here. One
 * that would change whom we talk to or how safely, and that we do not understand, is a mistake: it may be misspelt.
 */
function refuseOthers(parameters: ReadonlyMap<string, string>): void {
  for (const [name, value] of parameters) {
    if (UNDERSTOOD.has(name)) continue;
    if (/^(?:schema|currentschema|search_path)$/u.test(name) && value !== "public")
      throw new AddressProblem(`${name}: the tables of this product are in the schema public`);
    if (/^(?:service|hostaddr|passfile|krbsrvname|gssencmode|sslpassword|sslcrl|sslcrldir)$/u.test(name))
      throw new AddressProblem(`${name} is not understood here: remove it`);
    if (/^(?:ssl|tls)/u.test(name) && !PASSED_OVER.has(name))
      throw new AddressProblem(`${name} is not understood here; ${TLS_FORM}`);
  }
}

/** Of Prisma and of libpq: what they ask for is so in any case, or is the server's to decide. */
const PASSED_OVER = new Set(
  "sslaccept sslidentity sslnegotiation sslcompression sslsni ssl_min_protocol_version ssl_max_protocol_version sslcertmode".split(
    " ",
  ),
);

/** The same address in the form that every reader of addresses understands, with nothing in it that we pass over. */
export function formatAddress(address: DatabaseAddress): string {
  const { host, port, user, password, database, tls, channelBinding, options, connectTimeoutMs } = address;
  const isSocket = host.startsWith("/");
  const parameters = Object.entries({
    host: isSocket ? host : undefined,
    sslmode: tls?.mode,
    sslrootcert: tls?.rootCert,
    sslcert: tls?.cert,
    sslkey: tls?.key,
    channel_binding: channelBinding,
    options,
    connect_timeout: connectTimeoutMs === undefined ? undefined : `${connectTimeoutMs / 1_000}`,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
  const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
  const place = isSocket ? `:${port}` : `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return `postgresql://${encodeURIComponent(user)}${secret}@${isSocket ? `localhost${place}` : place}/${encodeURIComponent(database)}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`;
}

export const databaseOf = (url: string): string => parseAddress(url).database;

/** The same server and user, another database. */
export const urlWithDatabase = (url: string, database: string): string =>
  formatAddress({ ...parseAddress(url), database });

// What an address of a node says of who answers there, and what of it may be shown.

/** Who is asked without a port is asked here: `ws` and `wss` of one host are one server. */
const WEB_PORTS: Readonly<Record<string, string>> = { "ws:": "80", "wss:": "443" };

/**
 * The server that an address leads to: the same text for every spelling of it. Letter case, a default port, the final dot
 * of a name, user, password, path and query make no difference, nor do `ws` and `wss` at their own ports: one owner of a
 * host and port answers for all that is behind it, and is one voter. The names of this machine itself are one.
 * An address that is no URL stands for itself.
 */
export function nodeIdentity(url: string): string {
  const parsed = parseAddress(url);
  if (parsed === undefined) return url.trim();
  const { protocol, hostname, port } = parsed;
  const portOrDefault = port === "" ? (WEB_PORTS[protocol] ?? "") : port;
  const isWeb = Object.values(WEB_PORTS).includes(portOrDefault);
  return `${oneSpelling(hostname)}:${isWeb ? "web" : portOrDefault}`;
}

/** The addresses of different servers, in their order: of several spellings of one the first. */
export function distinctNodes(urls: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return urls.filter((url) => {
    const identity = nodeIdentity(url);
    return !seen.has(identity) && seen.add(identity);
  });
}

/** A WebSocket address that a connection can be opened to. */
export const isNodeAddress = (text: string): boolean => /^wss?:\/\/\S+$/iu.test(text) && URL.canParse(text);

/** So many of these addresses have to agree: more than half of the servers that they lead to. */
export const majorityOf = (urls: readonly string[]): number => Math.floor(distinctNodes(urls).length / 2) + 1;

/** How a node is named to people: protocol, host and port. User, password, path and query may be the key to it. */
export function nodeDisplayName(url: string): string {
  const parsed = parseAddress(url);
  return parsed === undefined ? "an address that is not a URL" : `${parsed.protocol}//${parsed.host}`;
}

/** Shorter parts of an address than this are in many a text, and no secrets. */
const SECRET_LENGTH_MIN = 4;

/**
 * What takes the secret parts of an address out of a text: nodes, or proxies before them, repeat the key that they were
 * given when they complain of it.
 */
export function withoutSecretsOf(url: string): (text: string) => string {
  const parsed = parseAddress(url);
  if (parsed === undefined) return (text) => text;
  const { username, password, pathname, search, searchParams } = parsed;
  const parts = [username, password, ...pathname.split("/"), search.slice(1), ...searchParams.values()];
  const secrets = [...new Set(parts.flatMap((part) => [part, decoded(part)]))]
    .filter(({ length }) => length >= SECRET_LENGTH_MIN)
    .toSorted((a, b) => b.length - a.length);
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "(hidden)"), text);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parseAddress(url: string): URL | undefined {
  try {
    const parsed = new URL(url.trim());
    return /^(?:ws|http)s?:$/u.test(parsed.protocol) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `URL` has already made one of letter case, punycode, and the ways to write an IPv4 or IPv6 address. */
function oneSpelling(hostname: string): string {
  const host = hostname.replace(/\.+$/u, "").replace(/^\[(.*)\]$/u, "$1");
  const ipv4 = mappedIpv4(host) ?? host;
  const isThisMachine =
    host === "::1" ||
    host === "::" ||
    ipv4 === "0.0.0.0" ||
    /^127\.\d+\.\d+\.\d+$/u.test(ipv4) ||
    /^(?:.+\.)?localhost$/u.test(host);
  if (isThisMachine) return "localhost";
  return ipv4;
}

/** `::ffff:7f00:1` is 127.0.0.1 in an IPv6 address. */
function mappedIpv4(host: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/u.exec(host) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return [high, low]
    .map((part) => Number.parseInt(part, 16))
    .flatMap((part) => [part >> 8, part & 0xff])
    .join(".");
}

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { VenueAccount } from "./book.ts";
import { VenueError } from "./venue-error.ts";

export interface ReceivedRequest {
  readonly method: string;
  /** As the client must have written it: scheme, host, path and query. */
  readonly uri: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const header = (request: ReceivedRequest, name: string): string => {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
};

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/**
 * The account that signed the request. How far a timestamp may be off is not documented, nor what is answered then: the
 * code INVALID_TIMESTAMP is made up. A timestamp that is not greater than the one before it gets the content-hash error
 * that a user of the real venue reported for that case.
 */
export function authenticate(
  request: ReceivedRequest,
  accounts: ReadonlyMap<string, VenueAccount>,
  { toleranceMs, nowMs }: { toleranceMs: number; nowMs: number },
): VenueAccount {
  const account = accounts.get(header(request, "api-key"));
  if (account === undefined) throw new VenueError(401, "APIKEY_INVALID");
  const timestamp = header(request, "api-timestamp");
  const timestampMs = /^\d{13}$/u.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(timestampMs - nowMs) <= toleranceMs)) throw new VenueError(401, "INVALID_TIMESTAMP");
  const contentHash = createHash("sha512").update(request.body).digest("hex");
  if (!sameText(header(request, "api-content-hash").toLowerCase(), contentHash))
    throw new VenueError(401, "INVALID_CONTENT_HASH");
  const signature = createHmac("sha512", account.secret)
    .update(`${timestamp}${request.uri}${request.method}${header(request, "api-content-hash")}`)
    .digest("hex");
  if (!sameText(header(request, "api-signature").toLowerCase(), signature))
    throw new VenueError(401, "INVALID_SIGNATURE");
  if (timestampMs <= account.lastTimestampMs) throw new VenueError(401, "INVALID_CONTENT_HASH");
  account.lastTimestampMs = timestampMs;
  return account;
}

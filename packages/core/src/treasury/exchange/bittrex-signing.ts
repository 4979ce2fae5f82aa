import { createHash, createHmac } from "node:crypto";

export interface BittrexCredentials {
  readonly key: string;
  readonly secret: string;
}

export interface SignedParts {
  /** Complete, with the query: exactly as it will be asked for. */
  readonly url: string;
  readonly method: "GET" | "POST" | "HEAD" | "DELETE";
  /** The very bytes that will be sent; none for a request without a body. */
  readonly body: Uint8Array | undefined;
  readonly timestampMs: number;
}

/**
 * The four headers of a signed request: SHA-512 of the body, and HMAC-SHA512 with the secret over time, address, method
 * and that hash, without separators. A request without a body has the hash of nothing.
 */
export function signBittrex(
  { key, secret }: BittrexCredentials,
  { url, method, body, timestampMs }: SignedParts,
): Readonly<Record<string, string>> {
  const timestamp = timestampMs.toString();
  const contentHash = createHash("sha512")
    .update(body ?? new Uint8Array())
    .digest("hex");
  const signature = createHmac("sha512", secret)
    .update(`${timestamp}${url}${method}${contentHash}`)
    .digest("hex");
  return {
    "Api-Key": key,
    "Api-Timestamp": timestamp,
    "Api-Content-Hash": contentHash,
    "Api-Signature": signature,
  };
}

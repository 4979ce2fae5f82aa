import { createHash, createHmac } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios from "axios";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { plainJson } from "@stakebts/kernel/plain-text";
import { Throttle } from "./throttle.ts";
import { VenueClock } from "./venue-clock.ts";

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

/** What became of one call. Whether the venue has acted is what the three differ in. */
export type CallResult =
  /** `body`: the parsed JSON, `undefined` when it was none. */
  | { readonly type: "answered"; readonly status: number; readonly body: unknown }
  | { readonly type: "not_sent"; readonly code: "unreachable" | "throttled"; readonly message: string }
  /** It may have acted or not. */
  | { readonly type: "lost"; readonly code: "deadline" | "disconnected"; readonly message: string };

export interface BittrexCallsOptions extends BittrexCredentials {
  /** `https://api.bittrex.com/v3`, without a slash at the end. */
  readonly url: string;
  /** From sending the request to the last byte of the answer. */
  readonly callDeadlineMs: number;
  readonly callsPerMinute: number;
  readonly clock: HostClock;
  readonly log: Log;
}

interface Call {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
  /** Needs no signature. */
  readonly isPublic?: boolean;
}

/** Failures from before the first byte of a request was sent: the venue cannot have acted. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The venue's HTTP interface, one call at a time: timestamps must arrive in the order in which they were made. Nothing is
 * repeated here; that is decided by the caller, which knows what a call was for.
 */
export class BittrexCalls {
  readonly #options: BittrexCallsOptions;
  readonly #throttle: Throttle;
  readonly #venueClock: VenueClock;
  #last: Promise<unknown> = Promise.resolve();
  // Connections are not kept: one that the venue has closed meanwhile turns a withdrawal into an unknown outcome.
  readonly #httpAgent = new HttpAgent({ keepAlive: false });
  readonly #httpsAgent = new HttpsAgent({ keepAlive: false });

  constructor(options: BittrexCallsOptions) {
    this.#options = options;
    this.#throttle = new Throttle(options);
    this.#venueClock = new VenueClock(options.clock);
  }

  call(call: Call): Promise<CallResult> {
    const result = this.#last.then(() => this.#callNow(call));
    this.#last = result.catch(() => undefined); // told to the caller
    return result;
  }

  async #callNow(call: Call): Promise<CallResult> {
    if (call.isPublic !== true && this.#venueClock.isStale()) {
      const failed = await this.#askTime();
      if (failed !== undefined) return failed;
    }
    return this.#paced(call);
  }

  /** A venue that answers, but not with its time, is called by the host's time: it will say itself if that is wrong. */
  async #askTime(): Promise<CallResult | undefined> {
    const askedAtMs = this.#options.clock.nowMs();
    const result = await this.#paced({ method: "GET", path: "/ping", isPublic: true });
    if (result.type === "not_sent") return result;
    if (result.type === "lost") return { type: "not_sent", code: "unreachable", message: result.message };
    if (result.status === 429)
      return { type: "not_sent", code: "throttled", message: "the venue says: too many calls" };
    const { serverTime } = (result.body ?? {}) as { serverTime?: unknown };
    if (result.status === 200 && typeof serverTime === "number" && Number.isSafeInteger(serverTime))
      this.#venueClock.synchronise({ serverTimeMs: serverTime, askedAtMs });
    return undefined;
  }

  async #paced(call: Call): Promise<CallResult> {
    if (!(await this.#throttle.turn()))
      return {
        type: "not_sent",
        code: "throttled",
        message: "the venue has complained of too many calls and is left alone for a while",
      };
    const startedMs = this.#options.clock.nowMs();
    const result = await this.#send(call);
    this.#options.log.debug("exchange.called", {
      method: call.method,
      path: call.path,
      outcome: result.type === "answered" ? result.status : result.code,
      venueCode: result.type === "answered" ? venueCodeOf(result.body) : undefined,
      durationMs: this.#options.clock.nowMs() - startedMs,
    });
    if (result.type === "lost" && call.isPublic !== true) this.#venueClock.believed("perhaps");
    if (result.type !== "answered") return result;
    if (result.status === 429) this.#throttle.complained(this.#venueClock.nowMs());
    else this.#throttle.contented();
    if (result.status === 401) this.#venueClock.doubt();
    else if (call.isPublic !== true) this.#venueClock.believed("answered");
    return result;
  }

  async #send({ method, path, body, isPublic }: Call): Promise<CallResult> {
    const { url: base, key, secret, callDeadlineMs } = this.#options;
    // As it will stand in the request line: what is signed must be what is asked for.
    const url = new URL(`${base}${path}`).href;
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body), "utf8");
    const sign = () =>
      signBittrex(
        { key, secret },
        { url, method, body: bytes, timestampMs: this.#venueClock.nextTimestampMs() },
      );
    try {
      const answer = await axios.request<string>({
        method,
        url,
        headers: {
          Accept: "application/json",
          "Content-Type": "application/json",
          ...(isPublic === true ? {} : sign()),
        },
        ...(bytes === undefined ? {} : { data: bytes }),
        // Axios would parse and trim on the way out, and turn decimals into floats on the way in.
        transformRequest: (data: unknown) => data,
        transformResponse: (data: unknown) => data,
        responseType: "text",
        validateStatus: () => true,
        // A redirected request would not fit its signature, and a redirected POST would be a second one.
        maxRedirects: 0,
        maxContentLength: ANSWER_BYTES_MAX,
        signal: AbortSignal.timeout(callDeadlineMs),
        httpAgent: this.#httpAgent,
        httpsAgent: this.#httpsAgent,
      });
      return { type: "answered", status: answer.status, body: parsedJson(answer.data) };
    } catch (error) {
      // The error of axios carries the request with its key and signature: it ends here, and only its code goes on.
      if (!axios.isAxiosError(error)) throw error;
      const code = error.code ?? "no code";
      if (NOT_SENT.has(code))
        return { type: "not_sent", code: "unreachable", message: `the venue cannot be reached: ${code}` };
      if (code === "ERR_CANCELED")
        return { type: "lost", code: "deadline", message: `no complete answer within ${callDeadlineMs} ms` };
      return { type: "lost", code: "disconnected", message: `the connection broke: ${code}` };
    }
  }
}

function parsedJson(text: string): unknown {
  try {
    return plainJson(JSON.parse(text));
  } catch {
    return undefined; // an empty body, or the page of a proxy
  }
}

/** Codes are words in capitals. Anything else in their place is a stranger's text and not quoted. */
export function venueCodeOf(body: unknown): string | undefined {
  const { code } = (typeof body === "object" && body !== null ? body : {}) as { code?: unknown };
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/u.test(code) ? code : undefined;
}

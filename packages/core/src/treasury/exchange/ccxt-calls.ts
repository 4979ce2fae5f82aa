import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios from "axios";
import { assert } from "@stakebts/kernel/assert";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { plainJson } from "@stakebts/kernel/plain-text";

/** What became of one call. Whether the venue has acted is what they differ in. */
export type CcxtResult =
  | {
      readonly type: "answered";
      readonly status: number;
      /** The parsed JSON, `undefined` when it was none. */
      readonly body: unknown;
      /** The classes of the error that ccxt made of the answer, the narrowest first; empty when it made none. */
      readonly errors: readonly string[];
      readonly venueCode: string | undefined;
    }
  | { readonly type: "not_sent"; readonly code: "unreachable"; readonly message: string }
  /** It may have acted or not. */
  | { readonly type: "lost"; readonly code: "deadline" | "disconnected"; readonly message: string };

/**
 * What is used of an exchange of ccxt. Its methods are those of the venue's own interface ("implicit" in ccxt's words), named
 * after the path: see {@link CcxtCalls} for why not the unified ones.
 */
export interface CcxtClient {
  fetchImplementation: unknown;
  timeout: number;
  urls: Record<string, unknown>;
  parseJson(text: string): unknown;
  [method: string]: unknown;
}

export interface CcxtCallsOptions {
  readonly client: CcxtClient;
  readonly callDeadlineMs: number;
  readonly clock: HostClock;
  readonly log: Log;
}

/** Failures from before the first byte of a request was sent: the venue cannot have acted. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
const ANSWER_BYTES_MAX = 64 * 1024 * 1024; // the currencies of a whole exchange come in one answer
/** With these a Response must have no body. */
const BODILESS = new Set([204, 205, 304]);

interface FetchOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/**
 * Calls of a venue's own interface. ccxt signs and paces them and knows the venue's errors by name; the unified methods on top
 * of that are not used, because they lose what money needs. They turn amounts into floats, and they throw after the fact:
 * `withdraw` of htx in 4.5.84 ends in "missing txHash" for each withdrawal that was accepted, an error of the family that
 * means "refused" everywhere else.
 *
 * One call at a time, so that what has happened on the wire belongs to the call that is waiting. Nothing is repeated.
 */
export class CcxtCalls {
  readonly #options: CcxtCallsOptions;
  #last: Promise<unknown> = Promise.resolve();
  /** What has happened on the wire in the present call. */
  #onWire: { status: number; text: string } | Exclude<CcxtResult, { type: "answered" }> | undefined;
  // Connections are not kept: one that the venue has closed meanwhile turns a withdrawal into an unknown outcome.
  readonly #httpAgent = new HttpAgent({ keepAlive: false });
  readonly #httpsAgent = new HttpsAgent({ keepAlive: false });

  constructor(options: CcxtCallsOptions) {
    this.#options = options;
    options.client.timeout = options.callDeadlineMs;
    // With its own, the deadline ends with the headers, and a refused connection cannot be told from a broken one.
    options.client.fetchImplementation = (url: string, init: FetchOptions) => this.#fetch(url, init);
  }

  call(method: string, parameters: object): Promise<CcxtResult> {
    const result = this.#last.then(() => this.#callNow(method, parameters));
    this.#last = result.catch(() => undefined); // told to the caller
    return result;
  }

  async #callNow(method: string, parameters: object): Promise<CcxtResult> {
    const { client, clock, log } = this.#options;
    const call = client[method];
    assert(typeof call === "function", `ccxt has no ${method}: another version?`);
    const startedMs = clock.nowMs();
    this.#onWire = undefined;
    let errors: readonly string[] = [];
    try {
      await (call as (parameters: object) => Promise<unknown>).call(client, parameters);
    } catch (error) {
      // Its message holds the address with key and signature: it ends here, and only its class goes on.
      errors = classesOf(error);
    }
    const result = this.#resultOf(method, errors);
    log.debug("exchange.called", {
      method,
      outcome: result.type === "answered" ? result.status : result.code,
      venueCode: result.type === "answered" ? result.venueCode : undefined,
      durationMs: clock.nowMs() - startedMs,
    });
    return result;
  }

  #resultOf(method: string, errors: readonly string[]): CcxtResult {
    const onWire = this.#onWire;
    assert(onWire !== undefined, `ccxt's ${method} has sent nothing: ${errors[0] ?? "without an error"}`);
    if ("type" in onWire) return onWire;
    const { status, text } = onWire;
    const body = plainJson(this.#options.client.parseJson(text));
    return { type: "answered", status, body, errors, venueCode: venueCodeOf(body) };
  }

  async #fetch(url: string, { method, headers, body, signal }: FetchOptions): Promise<Response> {
    try {
      const { status, data } = await axios.request<string>({
        method,
        url,
        headers,
        ...(body === undefined ? {} : { data: body }),
        transformRequest: (sent: unknown) => sent,
        transformResponse: (received: unknown) => received,
        responseType: "text",
        validateStatus: () => true,
        // A redirected request would not fit its signature, and a redirected POST would be a second one.
        maxRedirects: 0,
        maxContentLength: ANSWER_BYTES_MAX,
        signal,
        httpAgent: this.#httpAgent,
        httpsAgent: this.#httpsAgent,
      });
      this.#onWire = { status, text: data };
      return new Response(BODILESS.has(status) ? null : data, { status });
    } catch (error) {
      this.#onWire = this.#failure(error);
      throw new TypeError("no answer"); // what a fetch throws; ccxt makes its NetworkError of it
    }
  }

  #failure(error: unknown): Exclude<CcxtResult, { type: "answered" }> {
    const code = (axios.isAxiosError(error) ? error.code : undefined) ?? "no code";
    if (NOT_SENT.has(code))
      return { type: "not_sent", code: "unreachable", message: `the venue cannot be reached: ${code}` };
    if (code === "ERR_CANCELED") {
      const message = `no complete answer within ${this.#options.callDeadlineMs} ms`;
      return { type: "lost", code: "deadline", message };
    }
    return { type: "lost", code: "disconnected", message: `the connection broke: ${code}` };
  }
}

function classesOf(error: unknown): readonly string[] {
  const names: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = Object.getPrototypeOf(at))
    names.push((at.constructor as { name: string }).name);
  return [...new Set(names)];
}

/** Where the venues put their codes. Anything but a short word is a stranger's text and not quoted. */
function venueCodeOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const fields = body as Record<string, unknown>;
  const code = fields["err-code"] ?? fields["label"] ?? fields["code"];
  const text = typeof code === "number" ? String(code) : code;
  return typeof text === "string" && /^[A-Za-z0-9_-]{1,60}$/u.test(text) ? text : undefined;
}

import type { Socket } from "node:net";
import type { LogFields } from "@stakebts/kernel/log";
import { type RawData, WebSocket } from "ws";
import { ChainError } from "./chain.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { createHttpCaller, type HttpCaller } from "./http-call.ts";
import { decodeLenient } from "./lenient-text.ts";
import { nodeDisplayName, withoutSecretsOf } from "./node-address.ts";
import { NodeRefusal } from "./node-errors.ts";
import { createRequestPace } from "./request-pace.ts";
import { asHex } from "./wire-values.ts";

/** Event name, then fields. Nothing secret is ever among them. */
export type ChainLog = (event: string, fields: LogFields) => void;

export type ApiName = "database" | "network_broadcast" | "history" | "login";

export interface CallOptions {
  /**
   * For answers that are large and many, as blocks are: the deadline starts anew while the node sends, be it a part of an answer
   * only. What it limits then is silence, not the size of the queue or of a block. Without a whole answer to any patient call it
   * ends after {@link PATIENCE} deadlines, and after {@link PATIENCE_WITH_ANSWERS} in any case.
   */
  readonly patient?: boolean;
}

/** One WebSocket to one node. Opens when first needed, and again after it was lost. */
export interface RpcConnection {
  /** By host and port: the rest of an address may be secret. */
  readonly name: string;
  /** How many requests go out in a second, when the node has shown that it limits them. */
  readonly requestsPerSecond: number | undefined;
  /** About as large as the answers to patient calls are now: the largest counts, and is forgotten slowly. `undefined` before the first. */
  readonly answerBytes?: number | undefined;
  /** What the node said when the connection was opened. Throws as `call` does. */
  chainId(): Promise<string>;
  /**
   * What is read is asked for once more over HTTP when the answer does not come over the WebSocket.
   * Throws ChainError: "deadline", "disconnected", "malformed_answer"; NodeRefusal for an error that the node sent.
   */
  call(
    api: ApiName | number,
    method: string,
    args: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown>;
  close(): void;
}

const PATIENCE = 12;
const PATIENCE_WITH_ANSWERS = 120;
/** A line on which less than this arrives in a deadline counts as silent. */
const BYTES_PER_DEADLINE_MIN = 16 * 1024;

const FORGET_ANSWER = 0.95;

/** The largest block measured was 3.6 MB of JSON. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

const RECONNECT_DELAY_MS_MIN = 100;
const RECONNECT_DELAY_MS_MAX = 5_000;

/** Not by number: numbers are handed out per connection and differ between releases. Login alone is always 1. */
const apiOf = (api: ApiName | number): string | number => (api === "login" ? 1 : api);

/** Far more than are on their way at once. */
const LOST_MAX = 1_000;

interface PendingCall {
  readonly sentAtMs: number;
  readonly method: string;
  readonly patient: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ChainError) => void;
  /** What had arrived on the line when the deadline began. */
  receivedBytes: number;
  deadline: Deadline;
}

interface OpenSocket {
  readonly socket: WebSocket;
  readonly chainId: string;
}

const now = (): number => performance.now();

export function createRpcConnection(options: {
  url: string;
  callDeadlineMs: number;
  log: ChainLog;
  /** Never faster than this. */
  requestsPerSecond?: number | undefined;
}): RpcConnection {
  const { callDeadlineMs, log } = options;
  const pace = createRequestPace(options.requestsPerSecond);
  const name = nodeDisplayName(options.url);
  const withoutSecrets = withoutSecretsOf(options.url);
  const pending = new Map<number, PendingCall>();
  let nextId = 1;
  let lastFrameAtMs = 0;
  let lastPatientAnswerAtMs = 0;
  let opening: Promise<OpenSocket> | undefined;
  let current: WebSocket | undefined;
  let line: Socket | undefined;
  let answerBytes: number | undefined;
  let failures = 0;
  let notBeforeMs = 0;
  let closed = false;
  let http: HttpCaller | undefined;
  /** Questions that a closed connection has left without an answer. */
  const lost = new Set<string>();
  let abandonOpening: (error: ChainError) => void = () => {};

  /** On the line that is open; it begins at 0 on each. */
  const receivedBytes = (): number => line?.bytesRead ?? 0;

  function settle(id: number): PendingCall | undefined {
    const call = pending.get(id);
    if (call === undefined) return undefined;
    pending.delete(id);
    call.deadline.cancel();
    return call;
  }

  function onFrame(data: RawData): void {
    lastFrameAtMs = now();
    let frame: Record<string, unknown>;
    try {
      frame = JSON.parse(decodeLenient(data as Buffer));
    } catch {
      log("node.frame_unreadable", { node: name });
      return;
    }
    // Notices, answers that come after their deadline, and anything else that a node may send.
    if (typeof frame !== "object" || frame === null || typeof frame["id"] !== "number") return;
    const call = settle(frame["id"]);
    if (call === undefined) return;
    if (call.patient) {
      lastPatientAnswerAtMs = lastFrameAtMs;
      answerBytes = Math.max((data as Buffer).length, (answerBytes ?? 0) * FORGET_ANSWER);
    }
    if (frame["error"] !== undefined && frame["error"] !== null) {
      const refusal = new NodeRefusal(name, frame["error"], withoutSecrets);
      // A node has no reason of its own to refuse a block; what else is limited, says so.
      if (call.patient || refusal.isOfLimit) noteLimit(refusal.message);
      call.reject(refusal);
      return;
    }
    pace.answered();
    if ("result" in frame) {
      call.resolve(frame["result"]);
    } else {
      call.reject(
        new ChainError("malformed_answer", `${name} answered ${call.method} with neither result nor error`),
      );
    }
  }

  function noteLimit(why: string): void {
    if (pace.limited())
      log("node.limits_requests", { node: name, requestsPerSecond: Math.round(pace.perSecond ?? 0), why });
  }

  /** All calls belong to the socket that is lost: a new one is opened only after this. */
  function lose(socket: WebSocket, why: string): void {
    if (current !== socket) return;
    current = undefined;
    opening = undefined;
    socket.removeAllListeners();
    socket.on("error", () => {}); // a socket that is torn down before it opened says so once more
    socket.terminate();
    abandonOpening(new ChainError("disconnected", `${name}: ${why}`));
    for (const id of pending.keys()) {
      settle(id)?.reject(new ChainError("disconnected", `${name}: ${why}`));
    }
  }

  function onDeadline(id: number): void {
    const call = pending.get(id);
    if (call === undefined) return;
    const waitedMs = now() - call.sentAtMs;
    const withoutAnswerMs = now() - Math.max(call.sentAtMs, lastPatientAnswerAtMs);
    if (
      call.patient &&
      waitedMs < PATIENCE_WITH_ANSWERS * callDeadlineMs &&
      withoutAnswerMs < PATIENCE * callDeadlineMs
    ) {
      const leftMs = lastPatientAnswerAtMs + callDeadlineMs - now();
      const isSending = receivedBytes() - call.receivedBytes >= BYTES_PER_DEADLINE_MIN;
      if (leftMs > 0 || isSending) {
        call.receivedBytes = receivedBytes();
        call.deadline = startDeadline(isSending ? callDeadlineMs : leftMs, () => onDeadline(id));
        return;
      }
    }
    settle(id)?.reject(
      new ChainError("deadline", `${name} did not answer ${call.method} within ${Math.round(waitedMs)} ms`),
    );
    // Not a byte since the question went out: half-open, frozen, or cut off. Waiting for the others would be in vain.
    if (lastFrameAtMs < call.sentAtMs && receivedBytes() === call.receivedBytes && current !== undefined) {
      log("node.silent", { node: name, method: call.method });
      lose(current, "the node has fallen silent");
    }
  }

  /** What is asked in one turn goes out together: each write to the system costs more than all else that is done for a question. */
  function corkUntilTurnEnds(): void {
    const corked = line;
    if (corked === undefined || corked.writableCorked > 0) return;
    corked.cork();
    process.nextTick(() => corked.uncork());
  }

  function send(
    socket: WebSocket,
    call: { api: ApiName | number; method: string; args: readonly unknown[]; patient: boolean },
  ) {
    return new Promise<unknown>((resolve, reject) => {
      const id = nextId++;
      const deadline = startDeadline(callDeadlineMs, () => onDeadline(id));
      pending.set(id, {
        sentAtMs: now(),
        method: call.method,
        patient: call.patient,
        resolve,
        reject,
        receivedBytes: receivedBytes(),
        deadline,
      });
      corkUntilTurnEnds();
      socket.send(
        JSON.stringify({ id, method: "call", params: [apiOf(call.api), call.method, call.args] }),
        (error) => {
          if (error) settle(id)?.reject(new ChainError("disconnected", `${name}: ${error.message}`));
        },
      );
    });
  }

  async function open(): Promise<OpenSocket> {
    let socket: WebSocket;
    try {
      socket = new WebSocket(options.url, {
        maxPayload: FRAME_BYTES_MAX,
        perMessageDeflate: false,
        skipUTF8Validation: true, // a node that sends what is no UTF-8 is read all the same
      });
    } catch {
      // Without the cause: its message is the whole address.
      throw new ChainError(
        "disconnected",
        `${name} cannot be connected to: its address is not one of a WebSocket`,
      );
    }
    current = socket;
    const tooLate = startDeadline(callDeadlineMs, () => lose(socket, "not ready in time"));
    try {
      return await logIn(socket);
    } finally {
      tooLate.cancel();
    }
  }

  async function logIn(socket: WebSocket): Promise<OpenSocket> {
    await new Promise<void>((resolve, reject) => {
      abandonOpening = reject;
      let why = "the node closed the connection";
      socket.on("error", (error) => {
        why = withoutSecrets(error.message) || why;
      });
      socket.on("close", () => {
        log("node.disconnected", { node: name, why });
        if (pending.size > 0) noteLimit(why);
        lose(socket, why);
      });
      socket.on("upgrade", (response) => {
        line = response.socket;
      });
      socket.on("message", onFrame);
      socket.on("open", resolve);
    });
    const loggedIn = await send(socket, { api: "login", method: "login", args: ["", ""], patient: false });
    if (loggedIn === false) throw new ChainError("node_refused", `${name} refused the login`);
    const chainId = asHex(
      await send(socket, { api: "database", method: "get_chain_id", args: [], patient: false }),
      32,
      "chain id",
    );
    log("node.connected", { node: name, chainId });
    return { socket, chainId };
  }

  function ensureOpen(): Promise<OpenSocket> {
    if (closed) return Promise.reject(new ChainError("disconnected", `${name}: closed by us`));
    if (opening !== undefined) return opening;
    if (now() < notBeforeMs) {
      return Promise.reject(new ChainError("disconnected", `${name} could not be connected to a moment ago`));
    }
    const attempt = open().then(
      (opened) => {
        failures = 0;
        return opened;
      },
      (error: unknown) => {
        notBeforeMs = now() + Math.min(RECONNECT_DELAY_MS_MIN * 2 ** failures++, RECONNECT_DELAY_MS_MAX);
        if (opening === attempt) {
          if (current !== undefined) lose(current, "the connection could not be set up");
          opening = undefined;
        }
        throw error;
      },
    );
    opening = attempt;
    return attempt;
  }

  function isLostAgain(question: string): boolean {
    if (lost.delete(question)) return true;
    if (lost.size >= LOST_MAX) lost.clear();
    lost.add(question);
    return false;
  }

  /** The error of the WebSocket is the one that is told: it says what is wrong with the node. */
  async function askOverHttp(
    call: { api: "database" | "history"; method: string; args: readonly unknown[] },
    error: ChainError,
  ): Promise<unknown> {
    http ??= createHttpCaller({
      url: options.url,
      name,
      callDeadlineMs,
      answerBytesMax: FRAME_BYTES_MAX,
      withoutSecrets,
    });
    await pace.turn();
    try {
      const result = await http.call(call.api, call.method, call.args);
      log("node.asked_over_http", { node: name, method: call.method, because: error.message });
      return result;
    } catch (second) {
      if (second instanceof NodeRefusal) throw second;
      throw error;
    }
  }

  return {
    name,
    get requestsPerSecond() {
      return pace.perSecond;
    },
    get answerBytes() {
      return answerBytes;
    },
    chainId: async () => (await ensureOpen()).chainId,
    async call(api, method, args, { patient = false } = {}) {
      await pace.turn();
      const { socket } = await ensureOpen();
      if (socket !== current) throw new ChainError("disconnected", `${name}: lost before ${method} was sent`);
      const sentAtMs = now();
      try {
        return await send(socket, { api, method, args, patient });
      } catch (error) {
        const isReading = api === "database" || api === "history";
        const isWithoutAnswer =
          error instanceof ChainError && (error.code === "deadline" || error.code === "disconnected");
        if (!isReading || !isWithoutAnswer || closed) throw error;
        // A node that is silent altogether is asked again only for what may be the cause of its silence.
        if (method !== "get_block" && lastFrameAtMs < sentAtMs && error.code === "deadline") throw error;
        // One that closes may have been asked too much: what was lost with it is asked for again, and over HTTP if it is lost again.
        if (error.code === "disconnected" && !isLostAgain(`${method} ${JSON.stringify(args)}`)) throw error;
        return askOverHttp({ api, method, args }, error);
      }
    },
    close() {
      closed = true;
      http?.close();
      if (current !== undefined) lose(current, "closed by us");
    },
  };
}

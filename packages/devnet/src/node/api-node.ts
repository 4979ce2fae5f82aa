import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { Broadcaster } from "./api-broadcast.ts";
import { databaseApi } from "./api-database.ts";
import { historyApi } from "./api-history.ts";
import { loginApi } from "./api-login.ts";
import { ApiSet } from "./api-set.ts";
import type { Block } from "./block.ts";
import type { AppliedBlock, Chain } from "./chain.ts";
import { type DevnetFaults, FaultSwitches } from "./faults.ts";
import { NodeError } from "./node-error.ts";
import { type ApiSets, answer, httpStatus, type Reply } from "./rpc.ts";
import { Session } from "./session.ts";
import { isUnreadable, replyBytes } from "./unreadable.ts";
import type { Transaction } from "./transaction.ts";

/** Full blocks are megabytes; a request is at most a large transaction. */
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** One API node: a chain of its own behind a WebSocket, with the faults of a bad day. */
export class ApiNode {
  readonly chain: Chain;
  readonly faults: DevnetFaults;
  readonly #switches = new FaultSwitches();
  readonly #broadcaster: Broadcaster;
  readonly #apis: ApiSets;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #sessions = new Map<WebSocket, Session>();
  readonly #relay: (transaction: Transaction) => void;
  /** Chain of the past that is served instead, when the node lags. */
  #behind: { chain: Chain; blocks: number } | undefined;
  #url = "";

  constructor(chain: Chain, { relay }: { relay: (transaction: Transaction) => void }) {
    this.chain = chain;
    this.#relay = relay;
    this.#listen(chain);
    const served = () => this.served;
    this.#broadcaster = new Broadcaster({
      chain: served,
      switches: this.#switches,
      relay: (transaction) => this.#passOn(transaction),
      hangUp: (session) => {
        for (const [socket, owner] of this.#sessions) if (owner === session) socket.terminate();
      },
    });
    this.#apis = {
      database: databaseApi(served),
      login: loginApi(),
      network_broadcast: this.#broadcaster.api,
      history: historyApi(served),
      orders: new ApiSet([], {}),
    };
    this.#http = createServer((request, response) => void this.#post(request, response));
    this.#sockets = new WebSocketServer({
      server: this.#http,
      perMessageDeflate: false,
      maxPayload: REQUEST_BYTES_MAX,
    });
    this.#sockets.on("connection", (socket) => this.#connected(socket));
    this.faults = this.#faults();
  }

  /** The chain that clients see. */
  get served(): Chain {
    return this.#behind?.chain ?? this.chain;
  }

  get url(): string {
    return this.#url;
  }

  async start({ host, port }: { host: string; port: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject).listen(port, host, resolve);
    });
    this.#url = `ws://${host}:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise<void>((resolve) => {
      this.#sockets.close(() => resolve());
    });
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
      this.#http.closeAllConnections();
    });
  }

  /** From a peer: taken if it holds here too. */
  receive(transaction: Transaction): void {
    const chains = this.#behind === undefined ? [this.chain] : [this.chain, this.#behind.chain];
    for (const chain of chains) tryPush(chain, transaction);
  }

  #passOn(transaction: Transaction): void {
    if (this.#behind !== undefined) tryPush(this.chain, transaction);
    this.#relay(transaction);
  }

  #listen(chain: Chain): void {
    chain.onApplied = (blocks) => this.#applied(chain, blocks);
    chain.onPending = (transaction) => {
      if (chain !== this.served || this.#switches.frozen) return;
      for (const session of this.#sessions.values()) session.transactionPending(transaction);
    };
  }

  #applied(chain: Chain, blocks: readonly AppliedBlock[]): void {
    if (chain === this.served) {
      for (const applied of blocks) {
        if (!this.#switches.frozen)
          for (const session of this.#sessions.values()) session.blockApplied(chain.state, applied);
        this.#broadcaster.blockApplied(applied);
      }
    }
    const behind = this.#behind;
    if (behind !== undefined && chain === this.chain)
      catchUp(behind.chain, { from: chain, through: chain.state.dynamic.headNum - behind.blocks });
  }

  #connected(socket: WebSocket): void {
    if (this.#switches.refusing) {
      socket.terminate();
      return;
    }
    const session = new Session((text) => {
      if (!this.#switches.frozen && socket.readyState === socket.OPEN) socket.send(text);
    });
    this.#sessions.set(socket, session);
    socket.on("message", (data, isBinary) => {
      if (this.#switches.frozen || socket.readyState !== socket.OPEN) return;
      const text = isBinary ? "" : (data as Buffer).toString("utf8");
      if (this.#isOverLimit()) return this.#limit(socket, text);
      const reply = answer(text, { apis: this.#apis, session, mutate: this.#switches.mutate });
      if (reply instanceof Promise) void reply.then((late) => this.#send(socket, late));
      else this.#send(socket, reply);
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      this.#sessions.delete(socket);
      this.#broadcaster.forget(session);
    });
  }

  #requestTimes: number[] = [];

  /** Also what is refused counts, as with proxies that mean it. */
  #isOverLimit(): boolean {
    const { limit } = this.#switches;
    if (limit === null) return false;
    const now = performance.now();
    this.#requestTimes = this.#requestTimes.filter((time) => time > now - 1_000);
    this.#requestTimes.push(now);
    return this.#requestTimes.length > limit.perSecond;
  }

  #limit(socket: WebSocket, text: string): void {
    if (this.#switches.limit?.by === "closing") return socket.terminate();
    const id = /"id":(\d+)/u.exec(text)?.[1] ?? "null";
    socket.send(`{"id":${id},"error":{"code":-32000,"message":"Too many requests"}}`);
  }

  readonly #heldBack = new Map<WebSocket, string[]>();

  #send(socket: WebSocket, reply: Reply | undefined): void {
    if (reply === undefined || socket.readyState !== socket.OPEN) return;
    if (isUnreadable(reply.text)) return; // the library that sends it throws, and the asker gets no answer
    const { delayMs, reorder } = this.#switches;
    if (reorder) {
      const held = this.#heldBack.get(socket) ?? [];
      if (held.push(reply.text) === 1) {
        this.#heldBack.set(socket, held);
        setImmediate(() => {
          this.#heldBack.delete(socket);
          for (const text of held.reverse()) this.#write(socket, text, delayMs);
        });
      }
      return;
    }
    this.#write(socket, reply.text, delayMs);
  }

  #write(socket: WebSocket, text: string, delayMs: number): void {
    if (delayMs > 0) setTimeout(() => this.#write(socket, text, 0), delayMs).unref();
    else if (socket.readyState === socket.OPEN && !this.#switches.frozen) socket.send(text);
  }

  /** The same port answers POST: one request, a fresh login, no notices. */
  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#switches.refusing) {
      request.socket.destroy();
      return;
    }
    const parts: Buffer[] = [];
    try {
      let size = 0;
      for await (const part of request) {
        parts.push(part as Buffer);
        size += (part as Buffer).length;
        if (size > REQUEST_BYTES_MAX) throw new Error("request too large");
      }
    } catch {
      request.socket.destroy();
      return;
    }
    if (this.#switches.frozen) return;
    const session = new Session(() => undefined);
    const text = Buffer.concat(parts).toString("utf8");
    const reply = await answer(text, { apis: this.#apis, session, mutate: this.#switches.mutate });
    response.writeHead(httpStatus(reply)).end(reply && replyBytes(reply.text));
  }

  #faults(): DevnetFaults {
    const switches = this.#switches;
    const disconnectAll = () => {
      for (const socket of this.#sockets.clients) socket.terminate();
    };
    return {
      dropReplyAfterAccept: (count) => void (switches.dropReplies = count),
      delayRepliesMs: (ms) => void (switches.delayMs = ms),
      refuseConnections: (on) => void (switches.refusing = on),
      disconnectAll,
      restart: () => {
        disconnectAll();
        this.chain.dropPending();
      },
      freeze: (on) => void (switches.frozen = on),
      lagBlocks: (blocks) => this.#lag(blocks),
      swallowBroadcasts: (count) => void (switches.swallow = count),
      refuseBroadcasts: (message) => void (switches.refusal = message),
      limitRequests: (limit) => void (switches.limit = limit),
      reorderReplies: (on) => void (switches.reorder = on),
      lie: (mutate) => void (switches.mutate = mutate),
    };
  }

  #lag(blocks: number): void {
    if (blocks <= 0) {
      this.#behind = undefined;
      return;
    }
    const chain = this.chain.rewound(blocks);
    this.#behind = { chain, blocks };
    this.#listen(chain);
  }
}

function tryPush(chain: Chain, transaction: Transaction): void {
  try {
    chain.push(transaction);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error; // a peer that cannot apply it just does not have it
  }
}

/** Gives `chain` the blocks of `from` that it lacks, up to number `through`. */
export function catchUp(chain: Chain, { from, through }: { from: Chain; through: number }): void {
  let common = Math.min(chain.state.dynamic.headNum, through);
  while (common > 0 && chain.block(common)?.id !== from.block(common)?.id) common--;
  for (let num = common + 1; num <= through; num++) chain.pushBlock(from.block(num) as Block);
}

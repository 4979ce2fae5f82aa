import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Devnet } from "./devnet.ts";
import type { DevnetFaults } from "./node/faults.ts";
import { isLie, tellLie } from "./lies.ts";
import type { Wire } from "./node/json-text.ts";

/**
 * The devnet's switches for other processes: `POST /control` with `{"node":0,"do":"freeze","args":[true]}`.
 * `do` is a method of Devnet or, with `node` (default 0), of that node's faults. The answer is `{"ok":true}`, or status
 * 400 and `{"error":"…"}`. `GET /control` tells chain id and URLs. It has no password: it belongs on a loopback address.
 */
export interface ControlServer {
  readonly url: string;
  stop(): Promise<void>;
}

interface Order {
  readonly node: number;
  readonly args: readonly unknown[];
}

const numberAt = (args: readonly unknown[], index: number, byDefault?: number): number => {
  const value = args[index] ?? byDefault;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new TypeError(`argument ${index + 1} is a number`);
  return value;
};

const booleanAt = (args: readonly unknown[], index: number): boolean => {
  const value = args[index];
  if (typeof value !== "boolean") throw new TypeError(`argument ${index + 1} is true or false`);
  return value;
};

const bigintAt = (value: unknown): bigint => {
  if (typeof value !== "number" && typeof value !== "string")
    throw new TypeError("an amount is a number or digits");
  return BigInt(value);
};

/** A function cannot travel: over HTTP a lie is one method and the result it shall give. */
function lieFrom(argument: unknown): Parameters<DevnetFaults["lie"]>[0] {
  if (argument === null || argument === undefined) return null;
  const { method, result } = argument as { method?: unknown; result?: unknown };
  if (typeof method !== "string") throw new TypeError('a lie is null or {"method":"…","result":…}');
  return (called, truth) => (called === method ? result : truth);
}

type Command = (devnet: Devnet, faults: DevnetFaults, order: Order) => void | Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  produce: (devnet, _, { args }) =>
    devnet.produce(numberAt(args, 0, 1), args[1] === undefined ? undefined : numberAt(args, 1)),
  pause: (devnet) => devnet.pause(),
  resume: (devnet) => devnet.resume(),
  stallIrreversibility: (devnet, _, { args }) => devnet.stallIrreversibility(booleanAt(args, 0)),
  skipTime: (devnet, _, { args }) => devnet.skipTime(numberAt(args, 0)),
  setTransferFee: (devnet, _, { args }) => {
    const { fee, pricePerKbyte } = (args[0] ?? {}) as { fee?: unknown; pricePerKbyte?: unknown };
    devnet.setTransferFee({ fee: bigintAt(fee), pricePerKbyte: bigintAt(pricePerKbyte) });
  },
  partition: (devnet, _, { args }) => devnet.partition(args[0] as number[][]),
  heal: (devnet) => devnet.heal(),
  injectOperation: (devnet, _, { node, args }) => devnet.injectOperation(args[0] as [number, Wire], { node }),
  injectUnreadable: (devnet, _, { node }) => devnet.injectUnreadable({ node }),
  injectDear: (devnet, _, { node, args }) => devnet.injectDear(numberAt(args, 0, 1), { node }),
  dropReplyAfterAccept: (_, faults, { args }) => faults.dropReplyAfterAccept(numberAt(args, 0, 1)),
  delayRepliesMs: (_, faults, { args }) => faults.delayRepliesMs(numberAt(args, 0)),
  refuseConnections: (_, faults, { args }) => faults.refuseConnections(booleanAt(args, 0)),
  disconnectAll: (_, faults) => faults.disconnectAll(),
  restart: (_, faults) => faults.restart(),
  freeze: (_, faults, { args }) => faults.freeze(booleanAt(args, 0)),
  lagBlocks: (_, faults, { args }) => faults.lagBlocks(numberAt(args, 0)),
  swallowBroadcasts: (_, faults, { args }) => faults.swallowBroadcasts(numberAt(args, 0, 1)),
  refuseBroadcasts: (_, faults, { args }) =>
    faults.refuseBroadcasts(typeof args[0] === "string" ? args[0] : null),
  limitRequests: (_, faults, { args: [perSecond, by] }) => {
    if (perSecond === null) return faults.limitRequests(null);
    if (by !== "closing" && by !== "refusing") throw new TypeError('a limit is by "closing" or "refusing"');
    faults.limitRequests({ perSecond: numberAt([perSecond], 0), by });
  },
  reorderReplies: (_, faults, { args }) => faults.reorderReplies(booleanAt(args, 0)),
  // By name (lies.ts) with the victim's id and, if it matters, the attacker's; or one method and its result.
  lie: (_, faults, { args: [lie, victim, attacker = "1.2.6"] }) => {
    if (typeof lie !== "string") return faults.lie(lieFrom(lie));
    if (!isLie(lie)) throw new TypeError(`no lie is called ${lie}`);
    if (typeof victim !== "string" || typeof attacker !== "string")
      throw new TypeError("whom a lie is about is an account such as 1.2.13");
    tellLie(faults, lie, { victim, attacker });
  },
};

/** Starts the endpoint. Rejects if the port is taken. */
export async function startControl(
  devnet: Devnet,
  { host, port }: { host: string; port: number },
): Promise<ControlServer> {
  const server = createServer((request, response) => {
    void reply(devnet, request).then(({ status, body }) => send(response, status, body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/control`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections(); // not all: the request that asked to stop is owed an answer
      }),
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(body));
}

async function reply(devnet: Devnet, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  try {
    if (new URL(request.url ?? "/", "http://devnet").pathname !== "/control")
      return { status: 404, body: { error: "there is only /control" } };
    if (request.method === "GET")
      return {
        status: 200,
        body: { chainId: devnet.chainId, urls: devnet.urls, commands: Object.keys(COMMANDS) },
      };
    if (request.method !== "POST") return { status: 405, body: { error: "POST, or GET" } };
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const order = JSON.parse(Buffer.concat(parts).toString("utf8")) as {
      node?: number;
      do?: string;
      args?: unknown[];
    };
    if (order.do === "stop") {
      void devnet.stop(); // which waits for this very answer
      return { status: 200, body: { ok: true } };
    }
    const command = Object.hasOwn(COMMANDS, order.do ?? "") ? COMMANDS[order.do ?? ""] : undefined;
    if (command === undefined) throw new TypeError(`nothing is called ${String(order.do)}`);
    const node = order.node ?? 0;
    const faults = devnet.nodes[node]?.faults;
    if (faults === undefined) throw new RangeError(`there is no node ${node}`);
    await command(devnet, faults, { node, args: order.args ?? [] });
    return { status: 200, body: { ok: true } };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

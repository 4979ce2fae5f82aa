import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import type { Log } from "@stakebts/kernel/log";
import { type RedisServer, startRedis } from "@stakebts/testkit/redis";
import { createJobQueue } from "./bullmq-queue.ts";
import { startJobWorker } from "./bullmq-worker.ts";
import type { QueueStore } from "./connection.ts";
import { queueStoreProblem } from "./queue-store-problem.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** One address behind which another server may stand for each new connection, as behind a name or a load balancer. */
class Address {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  target: string;

  private constructor(target: string) {
    this.target = target;
    this.#server = createServer((client) => {
      const server = connect(Number(new URL(this.target).port), "127.0.0.1");
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
      }
    });
  }

  static async open(target: string): Promise<Address> {
    const address = new Address(target);
    address.#server.listen(0, "127.0.0.1");
    await once(address.#server, "listening");
    return address;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const payoutId = "6f0b0a5e-59a5-4d9b-8d6f-3f8f8f5d0c11";

describe.skipIf(inject("redisUrl") === "")("queues in Redis", () => {
  let servers: RedisServer[];
  let address: Address;
  beforeEach(async () => {
    servers = [await startRedis(), await startRedis()].filter((server) => server !== null);
    address = await Address.open(servers[0]?.url as string);
  });
  afterEach(async () => {
    await address.close();
    for (const server of servers) await server.stop();
  });

  /** A queue and a worker; what comes out of it is waited for. */
  function work(store: QueueStore) {
    const queue = createJobQueue({ store, log: silent });
    const waiting: ((dueMs: number) => void)[] = [];
    const worker = startJobWorker({
      store,
      log: silent,
      onBroken: () => undefined,
      handlers: {
        "stakes.due": async ({ dueMs }) => {
          waiting.shift()?.(dueMs);
          return { done: true };
        },
      },
    });
    return {
      queue,
      worker,
      next: () => new Promise<number>((resolve) => void waiting.push(resolve)),
      add: (dueMs: number) =>
        queue.add([{ id: `due-${dueMs}`, kind: "stakes.due", data: { dueMs }, delayMs: 0 }]),
      close: () => Promise.all([worker.close(), queue.close()]),
    };
  }

  /** Until it succeeds, as the loops of the product do. */
  async function persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  it("go on with the new master when theirs has become a replica and keeps its connections open", async () => {
    const { queue, add, next, close } = work({ redisUrl: address.url });
    try {
      const first = next();
      await add(1);
      expect(await first).toBe(1);
      expect(await queue.problem?.()).toBeUndefined();
      const old = new Redis(servers[0]?.url as string);
      await old.replicaof("127.0.0.1", Number(new URL(servers[1]?.url as string).port));
      old.disconnect();
      expect(await queue.problem?.()).toContain("READONLY");
      address.target = servers[1]?.url as string;
      const second = next();
      await persist(() => add(2));
      expect(await second).toBe(2);
      expect(await persist(async () => await queue.problem?.())).toBeUndefined();
    } finally {
      await close();
    }
  });

  it("are not served while they are paused or rate limited, and the queue says so", async () => {
    const { queue, close } = work({ redisUrl: address.url, prefix: "stakebts-one" });
    const thief = new Redis(servers[0]?.url as string);
    try {
      expect(await queue.problem?.()).toBeUndefined();
      await thief.hset("stakebts-one:payouts:meta", "paused", "1");
      expect(await queue.problem?.()).toBe("the queue payouts is paused");
      await thief.hdel("stakebts-one:payouts:meta", "paused");
      await thief.set("stakebts-one:payouts:limiter", "999999", "PX", 600_000);
      expect(await queue.problem?.()).toMatch(/^the queue payouts is rate limited for \d+ ms$/u);
    } finally {
      thief.disconnect();
      await close();
    }
  });

  it("of two ledgers on one server do not see each other's jobs", async () => {
    const [one, other] = ["one", "other"].map((name) => work({ redisUrl: address.url, prefix: name }));
    try {
      const [mine, theirs] = [one?.next(), other?.next()];
      await one?.queue.add([{ id: "p-1", kind: "payout.pay", data: { payoutId }, delayMs: 0 }]);
      expect(await one?.queue.waiting("payout.pay")).toBe(1);
      expect(await other?.queue.waiting("payout.pay")).toBe(0);
      await Promise.all([one?.add(1), other?.add(2)]);
      expect(await mine).toBe(1);
      expect(await theirs).toBe(2);
    } finally {
      await Promise.all([one?.close(), other?.close()]);
    }
  });

  it("have no problem with a server that does not let its settings be read", async () => {
    const client = new Redis(servers[0]?.url as string);
    await client.call("ACL", "SETUSER", "plain", "on", ">secret", "~*", "&*", "+@all", "-config", "-info");
    client.disconnect();
    const url = new URL(servers[0]?.url as string);
    [url.username, url.password] = ["plain", "secret"];
    expect(await queueStoreProblem({ redisUrl: url.href })).toBeUndefined();
  });
});

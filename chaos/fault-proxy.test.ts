import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultProxy } from "./fault-proxy.ts";

/** A server that answers each word with itself in capitals, and remembers what it was told. */
describe("a proxy between a process and a server", () => {
  const told: string[] = [];
  let server: Server;
  let proxy: FaultProxy;
  let client: Socket;

  beforeEach(async () => {
    told.length = 0;
    server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        told.push(String(bytes));
        server.emit("told");
        socket.write(String(bytes).toUpperCase());
        if (String(bytes) === "bye") socket.end();
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    proxy = await FaultProxy.open((server.address() as AddressInfo).port);
    client = createConnection({ port: proxy.port, host: "127.0.0.1" });
    client.on("error", () => undefined);
    await once(client, "connect");
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    server.close();
  });

  const answer = async (): Promise<string> => String((await once(client, "data"))[0]);

  it("passes on what is said", async () => {
    client.write("hello");
    expect(await answer()).toBe("HELLO");
  });

  it("loses the answer and not the question while it is mute", async () => {
    client.on("data", () => told.push("an answer"));
    proxy.mute();
    client.write("bye");
    await once(client, "close");
    expect(told).toEqual(["bye"]);
  });

  it("keeps the order of answers that come late", async () => {
    proxy.delay(50);
    const sinceMs = performance.now();
    client.write("a");
    await once(server, "told");
    client.write("b");
    await once(server, "told");
    proxy.restore();
    let heard = "";
    while (heard.length < 2) heard += await answer();
    expect(heard).toBe("AB");
    expect(performance.now() - sinceMs).toBeGreaterThan(45);
  });

  it("ends connections and takes none while it is cut", async () => {
    proxy.cut();
    await once(client, "close");
    client = createConnection({ port: proxy.port, host: "127.0.0.1" });
    client.on("error", () => undefined);
    await once(client, "close");
    proxy.restore();
    client = createConnection({ port: proxy.port, host: "127.0.0.1" });
    client.write("hello");
    expect(await answer()).toBe("HELLO");
    expect(told).toEqual(["hello"]);
  });
});

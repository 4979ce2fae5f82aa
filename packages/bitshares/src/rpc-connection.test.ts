import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { fc, test } from "@stakebts/testkit/property";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { ChainError, type ChainErrorCode } from "./chain.ts";
import { CHAIN_ID } from "@stakebts/testkit/scripted-chain";
import {
  hangUp,
  Instead,
  refuse,
  type Script,
  ScriptedNode,
  sendText,
  silence,
} from "@stakebts/testkit/scripted-node";
import { NodeRefusal } from "./node-errors.ts";
import { createRpcConnection, type RpcConnection } from "./rpc-connection.ts";

const DEADLINE_MS = 1_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function connectTo(url: string, callDeadlineMs = DEADLINE_MS): RpcConnection {
  const connection = createRpcConnection({ url, callDeadlineMs, log: () => {} });
  cleanups.push(() => connection.close());
  return connection;
}

async function given(script: Script): Promise<{ node: ScriptedNode; connection: RpcConnection }> {
  const node = await ScriptedNode.start({ get_chain_id: () => CHAIN_ID, ...script });
  cleanups.push(() => node.stop());
  return { node, connection: connectTo(node.url) };
}

async function failureOf(promise: Promise<unknown>): Promise<ChainError> {
  const error = await promise.then(
    () => "no error",
    (e: unknown) => e,
  );
  if (error instanceof ChainError) return error;
  throw new Error(`a ChainError expected, found ${String(error)}`);
}
const codeOf = async (promise: Promise<unknown>): Promise<ChainErrorCode> => (await failureOf(promise)).code;

const ask = (connection: RpcConnection, method = "ask") => connection.call("database", method, []);

describe("a large answer over a slow line", () => {
  const PART_BYTES = 32 * 1024;
  const inParts = (parts: number, partBytes: number) =>
    new Instead((socket, { id }) => {
      const text = JSON.stringify({ id, result: "x".repeat(parts * partBytes) });
      let sent = 0;
      const timer = setInterval(() => {
        const fin = sent + partBytes >= text.length;
        socket.send(text.slice(sent, sent + partBytes), { fin });
        sent += partBytes;
        if (fin) clearInterval(timer);
      }, 100);
      cleanups.push(() => clearInterval(timer));
    });
  const patiently = async (answer: Instead): Promise<unknown> => {
    const { node } = await given({ ask: () => answer });
    return connectTo(node.url, 300).call("database", "ask", [], { patient: true });
  };

  it("is waited for while it comes", async () => {
    expect(await patiently(inParts(10, PART_BYTES))).toHaveLength(10 * PART_BYTES);
  });

  it("is not waited for while next to nothing comes", async () => {
    expect(await codeOf(patiently(inParts(100, 100)))).toBe("deadline");
  });
});

describe("a connection", () => {
  it("logs in, learns the chain id and asks by name", async () => {
    const { node, connection } = await given({ ask: (...args: number[]) => args });
    expect(await connection.call("database", "ask", [1, 2])).toEqual([1, 2]);
    expect(await connection.chainId()).toBe(CHAIN_ID);
    expect(node.questions.map(({ method }) => method)).toEqual(["login", "get_chain_id", "ask"]);
  });

  it("gives answers to their questions, in any order", async () => {
    const waiting: (() => void)[] = [];
    const { connection } = await given({
      ask: (n: number) =>
        new Instead((socket, { id }) => {
          waiting.unshift(() => socket.send(JSON.stringify({ id, result: n })));
          if (waiting.length === 5) for (const send of waiting) send();
        }),
    });
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => connection.call("database", "ask", [n])));
    expect(answers).toEqual([1, 2, 3, 4, 5]);
  });

  it("tells a refusal from a failure", async () => {
    const error = {
      code: 10,
      message: "no",
      data: { name: "assert_exception", stack: [{ format: "x > 0: " }] },
    };
    const { connection } = await given({ ask: () => refuse(error) });
    const refusal = await failureOf(ask(connection));
    expect(refusal).toBeInstanceOf(NodeRefusal);
    expect(refusal).toMatchObject({ code: "node_refused", errorName: "assert_exception", format: "x > 0: " });
  });

  it.each<[string, Instead, ChainErrorCode]>([
    ["does not answer", silence, "deadline"],
    ["hangs up", hangUp, "disconnected"],
    ["answers with neither result nor error", sendText((id) => `{"id":${id}}`), "malformed_answer"],
    ["answers with something that is not JSON", sendText(() => "hello"), "deadline"],
    ["answers with an empty frame", sendText(() => ""), "deadline"],
    ["answers with a number", sendText(() => "5"), "deadline"],
    ["answers with null", sendText(() => "null"), "deadline"],
    ["answers with a list", sendText(() => "[]"), "deadline"],
    ["answers another question", sendText((id) => `{"id":${id + 1000},"result":1}`), "deadline"],
    ["answers a text id", sendText((id) => `{"id":"${id}","result":1}`), "deadline"],
    ["answers the prototype", sendText(() => `{"__proto__":{"id":3},"id":{"a":1}}`), "deadline"],
    ["sends a notice only", sendText(() => `{"method":"notice","params":[1,[]]}`), "deadline"],
    ["sends a notice of no shape", sendText(() => `{"method":"notice"}`), "deadline"],
    ["refuses with nothing in the error", sendText((id) => `{"id":${id},"error":5}`), "node_refused"],
    [
      "refuses with a strange error",
      sendText((id) => `{"id":${id},"error":{"data":{"stack":7}}}`),
      "node_refused",
    ],
    ["sends binary", new Instead((socket) => socket.send(Buffer.from([0xff, 0xfe]))), "deadline"],
  ])("to a node that %s fails with its own error and goes on", async (_, answer, code) => {
    const { connection } = await given({ ask: () => answer, fine: () => 1 });
    expect(await codeOf(ask(connection))).toBe(code);
    expect(await ask(connection, "fine")).toBe(1);
  });

  it("says nothing of its address but host and port, also when the node repeats the rest", async () => {
    const { node } = await given({
      ask: () => refuse({ code: 1, message: "key secret-path of secret-user with secret-word has no quota" }),
      vanish: () => hangUp,
      stay: () => silence,
    });
    const events: unknown[] = [];
    const { host } = new URL(node.url);
    const open = (address: string) => {
      const connection = createRpcConnection({
        url: address,
        callDeadlineMs: 200,
        log: (event, fields) => events.push([event, fields]),
      });
      cleanups.push(() => connection.close());
      return connection;
    };
    const connection = open(`ws://secret-user:secret-word@${host}/secret-path?key=secret-query`);
    const failures: unknown[] = [];
    for (const method of ["ask", "vanish", "stay"]) failures.push(await failureOf(ask(connection, method)));
    for (const wrong of [
      "ws://secret-user:secret-word@127.0.0.1:1/secret-path?secret-query",
      "ws://secret-user:secret-word@127.0.0.1:1/#secret-path",
      "ws://secret-user:secret-word@:0/secret-path",
    ])
      failures.push(await failureOf(ask(open(wrong))));
    const said = failures.map((error) => [(error as Error).message, String((error as Error).cause)]);
    expect(JSON.stringify([said, events])).not.toMatch(/secret-(?:user|word|path|query)/u);
    expect(JSON.stringify(said)).toContain(`ws://${host} refused: key (hidden) of (hidden)`);
  });

  it("takes an answer with a notice before and rubbish behind", async () => {
    const { connection } = await given({
      ask: () =>
        new Instead((socket, { id }) => {
          for (const text of [
            '{"method":"notice","params":[9,[1]]}',
            "}{",
            `{"id":${id},"result":7}`,
            `{"id":${id},"result":8}`,
          ]) {
            socket.send(text);
          }
        }),
    });
    expect(await ask(connection)).toBe(7);
  });

  test.prop([fc.oneof(fc.json(), fc.string())], { numRuns: 30 })("survives any frame", async (text) => {
    const node = await ScriptedNode.start({
      get_chain_id: () => CHAIN_ID,
      ask: () =>
        new Instead((socket, { id }) => {
          socket.send(text);
          socket.send(JSON.stringify({ id, result: "after" }));
        }),
    });
    const connection = createRpcConnection({ url: node.url, callDeadlineMs: 2_000, log: () => {} });
    try {
      expect(await ask(connection)).toBe("after");
    } finally {
      connection.close();
      await node.stop();
    }
  });

  it("refuses a node that does not let it in, or has no chain id", async () => {
    const locked = await given({ login: () => false });
    expect(await codeOf(ask(locked.connection))).toBe("node_refused");
    for (const id of [null, 5, "", "abc"]) {
      const { connection } = await given({ get_chain_id: () => id });
      expect(await codeOf(ask(connection)), String(id)).toBe("malformed_answer");
    }
  });

  it("drops all calls of a lost connection and opens another for the next", async () => {
    const { node, connection } = await given({ ask: () => silence, die: () => hangUp, fine: () => 1 });
    const codes = [ask(connection), ask(connection), ask(connection, "die")].map(codeOf);
    expect(await Promise.all(codes)).toEqual(["disconnected", "disconnected", "disconnected"]);
    expect(await ask(connection, "fine")).toBe(1);
    expect(node.count("login")).toBe(2);
  });

  it("gives up a connection on which nothing has come back, not one on which other answers have", async () => {
    const { node, connection } = await given({ ask: () => silence, fine: () => 1 });
    const [lost] = await Promise.all([codeOf(ask(connection)), ask(connection, "fine")]);
    expect(lost).toBe("deadline");
    expect(await ask(connection, "fine")).toBe(1);
    expect(node.count("login")).toBe(1);
    expect(await codeOf(ask(connection))).toBe("deadline");
    expect(await ask(connection, "fine")).toBe(1);
    expect(node.count("login")).toBe(2);
  });

  it("waits for as long as blocks keep coming, however many were asked for", async () => {
    const queue: (() => void)[] = [];
    const { connection } = await given({
      get_block: (n: number) =>
        new Instead((socket, { id }) => queue.push(() => socket.send(JSON.stringify({ id, result: n })))),
    });
    const slow = setInterval(() => queue.shift()?.(), DEADLINE_MS / 4);
    cleanups.push(() => clearInterval(slow));
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const answers = numbers.map((n) => connection.call("database", "get_block", [n], { patient: true }));
    expect(await Promise.all(answers)).toEqual(numbers);
  });

  it("does not wait for ever even then", async () => {
    const { connection } = await given({ get_block: () => silence });
    expect(await codeOf(connection.call("database", "get_block", [1], { patient: true }))).toBe("deadline");
  });

  it("fails for addresses where no server answers, without waiting", async () => {
    for (const url of [
      "ws://127.0.0.1:1",
      "not a url",
      "http://127.0.0.1:1",
      "ws://user:secret@127.0.0.1:1/x",
    ]) {
      const connection = connectTo(url);
      const error = await failureOf(ask(connection));
      expect(error.code, url).toBe("disconnected");
      expect(error.message).not.toContain("secret");
      expect(await codeOf(ask(connection))).toBe("disconnected"); // too soon to try again
    }
  });

  it("fails in time for a server that accepts connections and says nothing", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    expect(await codeOf(ask(connectTo(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)))).toBe(
      "disconnected",
    );
  });

  it("fails at once when closed, and so does what was waiting", async () => {
    const { connection } = await given({ ask: () => silence });
    await connection.chainId();
    const waiting = codeOf(ask(connection));
    connection.close();
    expect(await waiting).toBe("disconnected");
    expect(await codeOf(ask(connection))).toBe("disconnected");
  });

  it("fails at once when closed while it opens", async () => {
    const { connection } = await given({ login: () => silence });
    const waiting = codeOf(ask(connection));
    connection.close();
    expect(await waiting).toBe("disconnected");
  });

  it("that fails again for one answer is not the end: what can be read is asked for over HTTP", async () => {
    const { answers, connection, asked } = await givenHttpToo((id) =>
      Buffer.concat([Buffer.from(`{"id":${id},"result":"a`), Buffer.from([0xff]), Buffer.from('b"}')]),
    );
    // Once may be a limit on requests.
    const askAgain = async (blockNum: number) => {
      expect(await codeOf(connection.call("database", "get_block", [blockNum]))).toBe("disconnected");
      expect(asked).toEqual([]);
      return connection.call("database", "get_block", [blockNum]);
    };
    expect(await askAgain(7)).toBe("a\udcffb");
    expect(JSON.parse(asked.splice(0)[0] as string)).toEqual({
      id: 1,
      method: "call",
      params: ["database", "get_block", [7]],
    });
    answers.over = () => Buffer.from('{"id":1,"error":{"code":1,"message":"no such block"}}');
    expect(await failureOf(askAgain(8))).toBeInstanceOf(NodeRefusal);
    asked.splice(0);
    answers.over = () => Buffer.from("<html>");
    expect((await failureOf(askAgain(9))).message).not.toContain("HTTP");
  });

  it("never sends a transaction in a second way: what was sent once may have been taken", async () => {
    const { connection, asked } = await givenHttpToo(() => Buffer.from('{"id":1,"result":null}'));
    expect(await codeOf(connection.call("network_broadcast", "broadcast_transaction", [{}]))).toBe(
      "disconnected",
    );
    expect(asked).toEqual([]);
  });
});

/** A node whose WebSocket breaks at every question but those of the login, and that answers POST on the same port. */
async function givenHttpToo(over: (id: number) => Buffer) {
  const answers = { over };
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      asked.push(Buffer.concat(parts).toString());
      response.end(answers.over(1));
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const { id, params } = JSON.parse(data.toString()) as { id: number; params: [unknown, string] };
      if (params[1] === "login") socket.send(JSON.stringify({ id, result: true }));
      else if (params[1] === "get_chain_id") socket.send(JSON.stringify({ id, result: CHAIN_ID }));
      else socket.terminate();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    return server.close();
  });
  const connection = connectTo(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { answers, asked, connection };
}

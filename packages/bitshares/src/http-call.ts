import { Agent as HttpAgent, type IncomingMessage, request as requestOverHttp } from "node:http";
import { Agent as HttpsAgent, request as requestOverHttps } from "node:https";
import { ChainError } from "./chain.ts";
import { startDeadline } from "./deadline.ts";
import { decodeLenient } from "./lenient-text.ts";
import { NodeRefusal } from "./node-errors.ts";

/*
 * The second way to a node: its port takes POST too. bitshares-core answers over HTTP what it cannot send over a WebSocket, which
 * must be UTF-8: any account can put a string that is not into a block, and every node is then silent about it.
 */

export interface HttpCaller {
  /** Throws ChainError: "deadline", "disconnected", "malformed_answer"; NodeRefusal for an error that the node sent. */
  call(api: string, method: string, args: readonly unknown[]): Promise<unknown>;
  close(): void;
}

const SOCKETS_MAX = 4;

/** @param options.url `ws://…` or `wss://…`, user and password included */
export function createHttpCaller(options: {
  url: string;
  name: string;
  callDeadlineMs: number;
  answerBytesMax: number;
  /** Takes what is secret in the address out of what the node says. */
  withoutSecrets: (text: string) => string;
}): HttpCaller {
  const { name, callDeadlineMs, answerBytesMax, withoutSecrets } = options;
  const url = new URL(options.url.replace(/^ws/, "http"));
  const isSecure = url.protocol === "https:";
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const post = isSecure ? requestOverHttps : requestOverHttp;

  function send(method: string, body: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const request = post(url, {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      });
      const fail = (code: "deadline" | "disconnected" | "malformed_answer", why: string): void => {
        deadline.cancel();
        reject(new ChainError(code, `${name}: ${method} over HTTP: ${why}`));
        request.destroy();
      };
      const onSilence = (): void => fail("deadline", `nothing within ${callDeadlineMs} ms`);
      let deadline = startDeadline(callDeadlineMs, onSilence);
      request.on("error", (error) => fail("disconnected", withoutSecrets(error.message)));
      request.on("response", (response: IncomingMessage) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes > answerBytesMax) return fail("malformed_answer", "an answer without end");
          deadline.cancel(); // silence is what is limited, not the size of the answer
          deadline = startDeadline(callDeadlineMs, onSilence);
        });
        response.on("error", (error) => fail("disconnected", withoutSecrets(error.message)));
        response.on("end", () => {
          deadline.cancel();
          resolve(Buffer.concat(parts));
        });
      });
      request.end(body);
    });
  }

  return {
    async call(api, method, args) {
      const bytes = await send(
        method,
        JSON.stringify({ id: 1, method: "call", params: [api, method, args] }),
      );
      let answer: unknown;
      try {
        answer = JSON.parse(decodeLenient(bytes));
      } catch {
        throw new ChainError("malformed_answer", `${name}: ${method} over HTTP: no JSON`);
      }
      if (typeof answer !== "object" || answer === null)
        throw new ChainError("malformed_answer", `${name}: ${method} over HTTP: no answer`);
      if ("error" in answer && answer.error !== null && answer.error !== undefined)
        throw new NodeRefusal(name, answer.error, withoutSecrets);
      if (!("result" in answer))
        throw new ChainError("malformed_answer", `${name}: ${method} over HTTP: neither result nor error`);
      return answer.result;
    },
    close: () => agent.destroy(),
  };
}

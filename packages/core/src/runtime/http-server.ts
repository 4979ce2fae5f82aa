import { messageOf } from "./error-facts.ts";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { StartupError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import { answerObservation, type Observation } from "./observation.ts";

const REQUEST_MS_MAX = 10_000;

export interface ObservationServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves what a process says of itself. Reading only, without a password: bind it to an address that only the monitoring
 * can reach.
 */
export async function serveObservation(
  observation: Observation,
  { host, port, log }: { host: string; port: number; log: Log },
): Promise<ObservationServer> {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX }, (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    const [path = ""] = (request.url ?? "").split("?");
    answerObservation(observation, path).then(
      ({ status, contentType, body }) => send(response, status, contentType, body),
      (error: unknown) => {
        log.warn("observation.failed", {
          path,
          message: messageOf(error),
        });
        send(response, 500, "text/plain", "this could not be found out; the log says why\n");
      },
    );
  });
  await listening(server, host, port);
  const { address, family, port: bound } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
  log.info("observation.listens", { url });
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response
    .writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    })
    .end(body);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new StartupError(
          `STAKEBTS_HTTP_HOST and STAKEBTS_HTTP_PORT: ${host}:${port} cannot be listened on (${error.code ?? "error"})`,
        ),
      ),
    );
    server.listen({ host, port }, resolve);
  });
}

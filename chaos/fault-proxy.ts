import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";

interface Call {
  readonly client: Socket;
  readonly server: Socket;
  /** Answers that wait for their time, in the order in which they came. */
  readonly late: { readonly atMs: number; readonly bytes: Buffer }[];
  /** Something that the server said was thrown away: what comes now would be read as nonsense. */
  hasHole: boolean;
}

/**
 * A man in the middle of one process and one server (PostgreSQL, Redis or a node). What the process says always arrives,
 * unless the proxy is cut; what the server answers can be swallowed or come late. So the server has done what it was asked
 * for, and no answer comes.
 */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #calls = new Set<Call>();
  #isCut = false;
  #isMute = false;
  #delayMs = 0;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#connected(client, targetPort));
  }

  /** To a port of this machine. */
  static async open(targetPort: number): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return new FaultProxy(server, targetPort);
  }

  /** The same address with the port of this proxy. */
  through(url: string): string {
    const address = new URL(url);
    address.port = String(this.port);
    return address.href;
  }

  /** Ends every connection and takes no new ones. */
  cut(): void {
    this.#isCut = true;
    for (const call of this.#calls) hangUp(call);
  }

  /** From now on the answers are lost. */
  mute(): void {
    this.#isMute = true;
  }

  /** From now on the answers take that much longer. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** All is well again. Connections of which an answer was lost end now. */
  restore(): void {
    this.#isCut = false;
    this.#isMute = false;
    this.#delayMs = 0;
    for (const call of this.#calls) if (call.hasHole) hangUp(call);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #connected(client: Socket, targetPort: number): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const server = createConnection({ port: targetPort, host: "127.0.0.1" });
    const call: Call = { client, server, late: [], hasHole: false };
    this.#calls.add(call);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => hangUp(call));
      socket.on("close", () => {
        this.#calls.delete(call);
        hangUp(call);
      });
    }
    client.pipe(server);
    server.on("data", (bytes: Buffer) => this.#answered(call, bytes));
  }

  #answered(call: Call, bytes: Buffer): void {
    if (this.#isMute || call.hasHole) {
      call.hasHole = true;
      return;
    }
    if (this.#delayMs === 0 && call.late.length === 0) {
      call.client.write(bytes);
      return;
    }
    const atMs = Math.max(performance.now() + this.#delayMs, call.late.at(-1)?.atMs ?? 0);
    call.late.push({ atMs, bytes });
    if (call.late.length === 1) this.#passOn(call);
  }

  #passOn(call: Call): void {
    const [next] = call.late;
    if (next === undefined || call.client.destroyed) return;
    setTimeout(
      () => {
        call.late.shift();
        if (this.#isMute) call.hasHole = true;
        if (!call.hasHole && !call.client.destroyed) call.client.write(next.bytes);
        this.#passOn(call);
      },
      Math.max(0, next.atMs - performance.now()),
    ).unref();
  }
}

function hangUp({ client, server }: Call): void {
  client.destroy();
  server.destroy();
}

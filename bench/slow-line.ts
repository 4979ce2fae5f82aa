import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** A line to a node on which every byte takes as long as is said, there and back, in a process of its own. */
export class SlowLine {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async open(nodeUrl: string): Promise<SlowLine> {
    const { hostname, port } = new URL(nodeUrl);
    const args = ["--import", "tsx", "--conditions=source", import.meta.filename, hostname, port];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const url = new URL(nodeUrl);
    url.port = line;
    url.hostname = "127.0.0.1";
    return new SlowLine(child, url.href);
  }

  /** From now on, in each direction. */
  delay(eachWayMs: number): void {
    this.#child.stdin?.write(`${eachWayMs}\n`);
  }

  close(): void {
    this.#child.kill();
  }
}

/** Passes on what comes, in its order and no sooner than the line takes. */
function passOn(from: Socket, to: Socket, delayMs: () => number): void {
  const late: { readonly atMs: number; readonly bytes: Buffer }[] = [];
  const next = (): void => {
    const nowMs = performance.now();
    for (let [first] = late; first !== undefined && first.atMs <= nowMs; [first] = late) {
      late.shift();
      if (!to.destroyed) to.write(first.bytes);
    }
    const [first] = late;
    if (first !== undefined) setTimeout(next, first.atMs - nowMs);
  };
  from.on("data", (bytes: Buffer) => {
    if (delayMs() === 0 && late.length === 0) return void to.write(bytes);
    late.push({ atMs: performance.now() + delayMs(), bytes });
    if (late.length === 1) setTimeout(next, delayMs());
  });
}

function serve(host: string, port: number): void {
  let eachWayMs = 0;
  createInterface({ input: process.stdin })
    .on("line", (line) => (eachWayMs = Number(line)))
    .on("close", () => process.exit(0));
  const server = createServer((client) => {
    const node = createConnection({ host, port });
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const) {
      one.setNoDelay(true);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      passOn(one, other, () => eachWayMs);
    }
  });
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

const [, script, host, port] = process.argv;
if (script === import.meta.filename && host !== undefined) serve(host, Number(port));

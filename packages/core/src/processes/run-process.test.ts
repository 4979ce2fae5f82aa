import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

// Whole processes, from the build: what counts is that one ends, and that takes a process.

const BUILT = pathToFileURL(join(import.meta.dirname, "../../dist/")).href;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** A process whose work is this text; `context` is what it works with. It says `ready` on its fourth descriptor. */
async function start(
  work: string,
): Promise<ChildProcess & { readonly ended: Promise<unknown[]>; readonly read: Promise<unknown[]> }> {
  const program = `
    const { runProcess } = await import("${BUILT}processes/run-process.js");
    const { startWatchdog } = await import("${BUILT}runtime/watchdog.js");
    const { writeSync } = await import("node:fs");
    runProcess("payer", () => ({ LOG_LEVEL: "info" }), async (context) => {
      setInterval(() => undefined, 1_000); // As connections do, it keeps the process alive.
      const ready = () => writeSync(3, "ready");
      const stopped = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      ${work}
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  started.push(child);
  const [ended, read] = [once(child, "exit"), once(child, "close")];
  await once(child.stdio[3] as NodeJS.ReadableStream, "data");
  return Object.assign(child, { ended, read });
}

/** Far more than a pipe holds. */
const LOG_A_LOT = `for (let n = 0; n < 5_000; n++) context.log.info("test.line", { text: "x".repeat(100) });`;

describe("a process that is told to end", () => {
  it("does although nobody reads its log and the pipe is full", async () => {
    const child = await start(`ready(); ${LOG_A_LOT} await stopped; ${LOG_A_LOT}`);
    child.kill("SIGTERM");
    expect(await child.ended).toEqual([0, null]);
  });

  it("does although what read its log is gone", async () => {
    const child = await start(
      `await new Promise((resolve) => setTimeout(resolve, 100)); ready(); ${LOG_A_LOT}
       process.emitWarning("a warning"); await stopped; ${LOG_A_LOT}`,
    );
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.kill("SIGTERM");
    expect(await child.ended).toEqual([0, null]);
  });

  it("gets its last lines to a reader that is slow", async () => {
    const child = await start(`ready(); await stopped; ${LOG_A_LOT}`);
    let log = "";
    child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
    child.kill("SIGTERM");
    expect(await child.ended).toEqual([0, null]);
    await child.read;
    expect(log.trimEnd().split("\n").at(-1)).toContain("process.stopped");
  });
});

describe("a process whose event loop stands still", () => {
  it("is ended by its watchdog, with a line that says so", async () => {
    const child = await start(
      `startWatchdog("payer", 2_000); ready(); const spin = () => Promise.resolve().then(spin); await spin();`,
    );
    let log = "";
    child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
    child.kill("SIGTERM");
    expect(await child.ended).toEqual([null, "SIGKILL"]);
    await child.read;
    expect(log).toContain('"event":"process.stalled"');
  });
});

describe("a process whose work ends with a broken assumption", () => {
  it("lets others know why, and exits with 70", async () => {
    const child = await start(
      `context.onBroken(async (receipt) => void writeSync(3, JSON.stringify(receipt)));
       ready(); await new Promise((resolve) => setTimeout(resolve, 50)); null.x;`,
    );
    let said = "";
    child.stdio[3]?.on("data", (data: Buffer) => (said += data.toString()));
    expect(await child.ended).toEqual([70, null]);
    await child.read;
    expect(said).toContain('"event":"process.broken","subject":"payer"');
  });

  it("exits all the same when nobody can be told", async () => {
    const child = await start(`context.onBroken(() => Promise.reject(new Error("away"))); ready(); null.x;`);
    expect(await child.ended).toEqual([70, null]);
  });
});

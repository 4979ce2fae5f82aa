import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "@stakebts/testkit/temporary-folder";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

// Whole processes: what counts is that one ends, and that takes a process.

const folder = temporaryFolder("stakebts-process-");
const module = join(folder, "module.mjs");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  await build({
    stdin: {
      contents: `export * from "./run-process.ts"; export * from "../runtime/watchdog.ts";`,
      resolveDir: import.meta.dirname,
    },
    outfile: module,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "bundle",
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
});

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** A process whose work is this text; `context` is what it works with. It says `ready` on its fourth descriptor. */
async function start(
  work: string,
): Promise<ChildProcess & { readonly ended: Promise<unknown[]>; readonly read: Promise<unknown[]> }> {
  const program = `
    const { runProcess, startWatchdog } = await import("${pathToFileURL(module).href}");
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

const logLines = (count: number) =>
  `for (let n = 0; n < ${count}; n++) context.log.info("test.line", { text: "x".repeat(100) });`;
/** Far more than a pipe holds. */
const LOG_A_LOT = logLines(5_000);
/** More than a pipe holds, and little enough that a reader on a busy machine gets it in the half second that there is. */
const LOG_SOME = logLines(600);

describe("a process that is told to end", () => {
  it("does although no process reads its log and the pipe is full", async () => {
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
    const child = await start(`ready(); await stopped; ${LOG_SOME}`);
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

  it("exits all the same when people cannot be told", async () => {
    const child = await start(`context.onBroken(() => Promise.reject(new Error("away"))); ready(); null.x;`);
    expect(await child.ended).toEqual([70, null]);
  });
});

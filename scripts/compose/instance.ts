import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Service } from "./compose-file.ts";

const LINES_KEPT = 400;
const RESTART_MS = 500;
/** A process ends when the one that started it does, even by SIGKILL: then its standard input is closed. It keeps none alive. */
const ENDS_WITH_PARENT =
  "data:text/javascript,process.stdin.on('end',()=>process.kill(process.pid,'SIGTERM')).resume().unref()";

export interface InstanceOptions {
  readonly service: Service;
  readonly replica: number;
  readonly argv: readonly string[];
  readonly healthTest: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onLine: (name: string, line: string) => void;
}

/** One container of a service, as a process of this machine: its command, its environment, its health check. */
export class Instance {
  readonly name: string;
  readonly service: Service;
  readonly lines: string[] = [];
  readonly #options: InstanceOptions;
  readonly #waiting = new Set<(line: string) => void>();
  #child: ChildProcess | undefined;
  #stopping = false;
  /** Exit code, or the signal, of the run that ended last. */
  ended: number | string | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.service = options.service;
    this.name = `${options.service.name}-${options.replica}`;
  }

  /** Starts it; one that ends by itself is started again if the compose file says so. Resolves when it has ended for good. */
  async run(): Promise<number | string> {
    for (;;) {
      this.ended = await this.#once();
      const again = this.service.restart === "unless-stopped" && !this.#stopping;
      if (!again) return this.ended;
      this.#take(`(ended with ${this.ended}, is started again)`);
      await delay(RESTART_MS);
      if (this.#stopping) return this.ended;
    }
  }

  kill(signal: "SIGKILL" | "SIGTERM"): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, and SIGKILL after the grace period. The exit code, or the signal. */
  async stop(): Promise<number | string | undefined> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return this.ended;
    const exited = new Promise<number | string>((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
    });
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), this.service.stopGraceMs);
    const how = await exited;
    clearTimeout(timer);
    return how;
  }

  /** Runs the health check once, as written. What it said when the answer is no. */
  async unhealthy(): Promise<string | undefined> {
    const { healthTest, cwd, environment } = this.#options;
    if (healthTest === undefined) return undefined;
    const [form, ...rest] = healthTest;
    const argv = form === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : rest;
    const child = spawn(argv[0] as string, argv.slice(1), {
      cwd,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => (said += data.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), this.service.healthcheck?.timeoutMs ?? 30_000);
    const code = await new Promise<number | string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (status, signal) => resolve(status ?? signal ?? "unknown"));
    });
    clearTimeout(timer);
    return code === 0 ? undefined : `health check: ${code} ${said.trim()}`;
  }

  /** The first line, past or coming, with this text in it. */
  async waitForLine(text: string, deadlineMs: number): Promise<void> {
    if (this.lines.some((line) => line.includes(text))) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.name} never said ${text}`)),
        Math.max(0, deadlineMs - Date.now()),
      );
      const listener = (line: string): void => {
        if (!line.includes(text)) return;
        clearTimeout(timer);
        this.#waiting.delete(listener);
        resolve();
      };
      this.#waiting.add(listener);
    });
  }

  #once(): Promise<number | string> {
    const { argv, cwd, environment } = this.#options;
    const [program, ...rest] = argv as [string, ...string[]];
    const args = program === "node" ? ["--import", ENDS_WITH_PARENT, ...rest] : rest;
    const child = spawn(program, args, { cwd, env: environment, stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => this.#take(line));
    return new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
    });
  }

  #take(line: string): void {
    this.lines.push(line);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
    this.#options.onLine(this.name, line);
    for (const listener of this.#waiting) listener(line);
  }
}

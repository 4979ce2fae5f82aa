import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { LineLog, startProgram, type StartedProgram } from "@stakebts/testkit/started-program";
import type { Service } from "./compose-file.ts";

const LINES_KEPT = 400;
const RESTART_MS = 500;
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
  readonly #options: InstanceOptions;
  readonly #log = new LineLog<string>(LINES_KEPT);
  #program: StartedProgram | undefined;
  #stopping = false;
  /** Exit code, or the signal, of the run that ended last. */
  ended: number | string | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.service = options.service;
    this.name = `${options.service.name}-${options.replica}`;
  }

  /** The newest, oldest first. */
  get lines(): readonly string[] {
    return this.#log.lines;
  }

  /** Starts it; one that ends by itself is started again if the compose file says so. Resolves when it has ended for good. */
  async run(): Promise<number | string> {
    for (;;) {
      this.ended = await this.#once();
      const { restart } = this.service;
      const again = restart === "unless-stopped" || (restart.startsWith("on-failure") && this.ended !== 0);
      if (!again || this.#stopping) return this.ended;
      this.#take(`(ended with ${this.ended}, is started again)`);
      await delay(RESTART_MS);
      if (this.#stopping) return this.ended;
    }
  }

  kill(signal: "SIGKILL" | "SIGTERM"): void {
    this.#program?.kill(signal);
  }

  /** SIGTERM, and SIGKILL after the grace period. The exit code, or the signal. */
  async stop(): Promise<number | string | undefined> {
    this.#stopping = true;
    const program = this.#program;
    if (program === undefined) return this.ended;
    program.kill("SIGTERM");
    const timer = setTimeout(() => program.kill("SIGKILL"), this.service.stopGraceMs);
    const how = await program.exited;
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
    await this.#log.find(
      (line) => line.includes(text),
      async () => {
        await delay(Math.max(0, deadlineMs - Date.now()), undefined, { ref: false });
        throw new Error(`${this.name} never wrote ${text}`);
      },
    );
  }

  #once(): Promise<number | string> {
    const { argv, cwd, environment } = this.#options;
    const [program, ...args] = argv as [string, ...string[]];
    this.#program = startProgram({ program, args, cwd, environment, onLine: (line) => this.#take(line) });
    return this.#program.exited;
  }

  #take(line: string): void {
    this.#options.onLine(this.name, line);
    this.#log.add(line);
  }
}

import type { Log } from "../ports/log.ts";

/** Exit codes, after sysexits.h where it has one. */
export const EXIT = { ok: 0, brokenAssumption: 70, notStarted: 78 } as const;

/** The process refuses to start: the operator has to change something first. The message says what. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}

/** How long a process may take to finish its current step after SIGTERM. */
const DRAIN_MS_MAX = 20_000;

/**
 * Runs a worker until SIGTERM or SIGINT, then lets it finish its step and exits with 0. Anything that nobody expected
 * ends the process at once with another code: it is safe to start it again at any time, and not safe to go on.
 */
export function runProcess(log: Log, main: (signal: AbortSignal) => Promise<void>): void {
  const stop = new AbortController();
  const crash = (error: unknown): never => {
    if (error instanceof StartupError) {
      log.error("process.not_started", { message: error.message });
      process.exit(EXIT.notStarted);
    }
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    log.error("process.broken", { message, stack, todo: "start it again; if this repeats, report it with the stack" });
    process.exit(EXIT.brokenAssumption);
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) return;
      log.info("process.stopping", { signal: name });
      stop.abort();
      setTimeout(() => crash(new Error(`not drained within ${DRAIN_MS_MAX} ms`)), DRAIN_MS_MAX).unref();
    });
  }
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  main(stop.signal).then(() => {
    log.info("process.stopped");
    process.exit(EXIT.ok);
  }, crash);
}

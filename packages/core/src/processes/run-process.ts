import { secretLeaks, forgetSecrets } from "../config/secret-leak-check.ts";
import { databaseProblem } from "../database/database-problem.ts";
import type { ProcessName } from "../config/process-settings.ts";
import { StartupError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import { answersWithin } from "../runtime/answers-within.ts";
import type { NewReceipt } from "../ledger/ledger.ts";
import { messageOf } from "../runtime/error-facts.ts";
import { hostClock } from "../runtime/host-clock.ts";
import { standardOutput } from "../runtime/log-output.ts";
import { createLog } from "../runtime/logger.ts";
import { serveObservation } from "../runtime/http-server.ts";
import { endWhenStuck } from "../runtime/stuck-loops.ts";
import { sessionName } from "../runtime/session-name.ts";
import { startWatchdog } from "../runtime/watchdog.ts";
import { countedLog, createObservation, type Observation } from "../runtime/observation.ts";

/** Exit codes, after sysexits.h where it has one. */
export const EXIT = { ok: 0, brokenAssumption: 70, notStarted: 78 } as const;

/** How long a process may take to finish its current step after SIGTERM. */
const DRAIN_MS_MAX = 20_000;

const BROKEN_TODO =
  "it is safe to start it again; if this repeats, see the runbook, and report it with the stack of its log";

/** How long a process that ends waits until others have heard why. */
const TELL_MS_MAX = 10_000;

/** What every process is told. Without a port it says nothing of itself over HTTP. */
export interface ProcessConfig {
  readonly LOG_LEVEL: string;
  readonly STAKEBTS_HTTP_HOST?: string | undefined;
  readonly STAKEBTS_HTTP_PORT?: number | undefined;
}

export interface ProcessContext<C> extends Observation {
  readonly config: C;
  readonly log: Log;
  /** Aborted by SIGTERM or SIGINT: finish the current step and return. */
  readonly signal: AbortSignal;
  /** How others hear of it when the work ends with a broken assumption. It is given a few seconds. */
  readonly onBroken: (tell: (receipt: NewReceipt) => Promise<void>) => void;
}

/**
 * Runs a worker: reads its configuration, works until SIGTERM or SIGINT, lets the current step end and exits with 0.
 * Anything unexpected ends the process at once with another code: it is safe to start it again at any time,
 * and not safe to go on.
 */
export function runProcess<C extends ProcessConfig>(
  name: ProcessName,
  readConfig: () => C,
  main: (context: ProcessContext<C>) => Promise<void>,
): void {
  let log = createLog({ process: name, level: "info" });
  // How PostgreSQL calls its sessions: `stakebts restore` says which of them have to end first, and the console which processes run.
  // oxlint-disable-next-line node/no-process-env -- it is written for the drivers, and nothing is read from it
  process.env["PGAPPNAME"] ??= sessionName(name);
  startWatchdog(name);
  const stop = new AbortController();
  let tell: ((receipt: NewReceipt) => Promise<void>) | undefined;
  const exit = (code: number): never => {
    standardOutput().flush();
    process.exit(code);
  };
  const crash = (error: unknown): never => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const wrong = configurationProblem(error);
    if (wrong !== undefined) {
      log.error("process.not_started", { message: wrong });
      exit(EXIT.notStarted);
    }
    log.error("process.broken", {
      message,
      stack,
      todo: BROKEN_TODO,
    });
    return exit(EXIT.brokenAssumption);
  };
  // Node writes warnings there. A warning without a reader is no broken assumption.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) return;
      log.info("process.stopping", { signal });
      stop.abort();
      setTimeout(() => crash(new Error(`not drained within ${DRAIN_MS_MAX} ms`)), DRAIN_MS_MAX).unref();
    });
  }
  const run = async (): Promise<void> => {
    // oxlint-disable-next-line node/no-process-env -- to see which settings there are; they are read by readConfig
    const given = { ...process.env };
    const config = readConfig();
    // oxlint-disable-next-line node/no-process-env -- to empty it
    forgetSecrets(process.env);
    const plain = createLog({ process: name, level: config.LOG_LEVEL });
    const observation = createObservation({ clock: hostClock, log: plain });
    log = countedLog(plain, observation);
    for (const { event, ...rest } of secretLeaks(name, given)) log.warn(event, rest);
    const { STAKEBTS_HTTP_HOST: host = "127.0.0.1", STAKEBTS_HTTP_PORT: port } = config;
    if (port !== undefined) {
      observation.metrics.includeProcess();
      await serveObservation(observation, { host, port, log });
    }
    endWhenStuck(observation.progress, (loops) => {
      const error = new Error(`${loops.join(", ")}: a step has not come back`);
      void tellOf(error).then(() => crash(error));
    });
    await main({ ...observation, config, log, signal: stop.signal, onBroken: (how) => (tell = how) });
  };
  /** Without this, people would learn only from the log, if they read it, of a process that ends again and again. */
  const tellOf = async (error: unknown): Promise<void> => {
    stop.abort();
    if (tell === undefined || configurationProblem(error) !== undefined) return;
    const reason = messageOf(error);
    const receipt = { event: "process.broken", subject: name, details: { reason, todo: BROKEN_TODO } };
    await answersWithin(tell(receipt), TELL_MS_MAX).catch((problem: unknown) =>
      log.warn("process.not_told", { message: messageOf(problem) }),
    );
  };
  run().then(
    () => {
      log.info("process.stopped");
      exit(EXIT.ok);
    },
    (error: unknown) => tellOf(error).then(() => crash(error)),
  );
}

/** The error, or what a step has ended with. */
const configurationProblem = (error: unknown): string | undefined => {
  const problem = databaseProblem((error as { cause?: unknown } | undefined)?.cause ?? error);
  if (problem?.kind === "configuration") return problem.message;
  return error instanceof StartupError ? error.message : undefined;
};

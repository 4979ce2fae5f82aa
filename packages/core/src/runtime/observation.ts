import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { Metrics } from "./metrics.ts";
import { Progress } from "./progress.ts";
import { Readiness } from "./readiness.ts";

/** What a process exports about itself for monitoring. */
export interface Observation {
  readonly progress: Progress;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
}

/** The answer to one question over HTTP, through any server. */
export interface ObservationAnswer {
  readonly status: 200 | 404 | 503;
  readonly contentType: string;
  readonly body: string;
}

export function createObservation({
  clock,
  log,
}: {
  clock: Pick<HostClock, "nowMs">;
  log: Log;
}): Observation {
  const progress = new Progress(clock);
  const metrics = new Metrics({ clock, log });
  metrics.source(
    "process",
    { stakebts_process_stuck: { help: "Loops of this process that have stopped making progress" } },
    async () => ({ stakebts_process_stuck: progress.stuck().length }),
  );
  return { progress, readiness: new Readiness(), metrics };
}

/** The log as it is, and how often each event was in it: names of events are few, and never change. */
export function countedLog(log: Log, { metrics }: Observation): Log {
  const events = metrics.counter("stakebts_log_events_total", "Lines of the log by event", [
    "level",
    "event",
  ]);
  const counted =
    (level: keyof Log): Log["info"] =>
    (event, fields) => {
      events.inc({ level, event });
      log[level](event, fields);
    };
  return { debug: log.debug, info: counted("info"), warn: counted("warn"), error: counted("error") };
}

/**
 * - `/healthz`: 200 while every loop makes progress; 503 asks for the process to be started again.
 * - `/readyz`: 200 while it can do its work; 503 names what is missing.
 * - `/metrics`: for Prometheus.
 * None of them contains a secret: names of loops, names of what is missing, numbers.
 */
export async function answerObservation(
  { progress, readiness, metrics }: Observation,
  path: string,
): Promise<ObservationAnswer> {
  switch (path) {
    case "/healthz": {
      const stuck = progress.stuck();
      return json(stuck.length === 0, stuck.length === 0 ? { status: "ok" } : { status: "stuck", stuck });
    }
    case "/readyz": {
      const missing = await readiness.problems();
      const ready = Object.keys(missing).length === 0;
      return json(ready, ready ? { status: "ready" } : { status: "not ready", missing });
    }
    case "/metrics":
      return { status: 200, contentType: metrics.registry.contentType, body: await metrics.text() };
    default:
      return { status: 404, contentType: "text/plain", body: "there are /healthz, /readyz and /metrics\n" };
  }
}

const json = (ok: boolean, body: object): ObservationAnswer => ({
  status: ok ? 200 : 503,
  contentType: "application/json",
  body: `${JSON.stringify(body)}\n`,
});

import { messageOf } from "./error-facts.ts";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { answersWithin } from "./answers-within.ts";

/** A source is read this often at most, however often Prometheus scrapes. */
const SOURCE_AGE_MS = 10_000;
/** A scrape gives up after 10 s by default, and takes what the others have to say with it. */
const SOURCE_MS_MAX = 5_000;

/** A measurement, by its name: what it says and by which labels it is told apart. */
export type Families = Readonly<
  Record<string, { readonly help: string; readonly labels?: readonly string[] }>
>;

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A value for every family; `undefined`: it is not known, and then nothing is exported in its place. */
export type Readings<F extends Families> = {
  readonly [Name in keyof F]: F[Name] extends { labels: readonly string[] }
    ? readonly Sample[]
    : number | undefined;
};

interface Source {
  readonly refresh: () => Promise<void>;
}

/**
 * What a process tells Prometheus. Values from elsewhere are read at each scrape. A source that cannot be
 * read exports only that fact: an old value, or a 0 that was not measured, would suppress an alert.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #clock: Pick<HostClock, "nowMs">;
  readonly #log: Log;
  readonly #sources: Source[] = [];
  readonly #sourceUp: Gauge<"source">;

  constructor({ clock, log }: { clock: Pick<HostClock, "nowMs">; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#sourceUp = new Gauge({
      name: "stakebts_source_up",
      help: "1 when the place that metrics are read from could be read",
      labelNames: ["source"],
      registers: [this.registry],
    });
  }

  /** Memory, processor and event loop of the process. */
  includeProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  gauge<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  /** @param buckets upper limits in seconds */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.registry] });
  }

  /**
   * Gauges that are read together at a scrape.
   * @param ageMsMax how old a reading may be: longer for what is expensive to find out
   */
  source<const F extends Families>(
    name: string,
    families: F,
    read: () => Promise<Readings<F>>,
    ageMsMax = SOURCE_AGE_MS,
  ): void {
    const gauges = Object.entries(families).map(([family, { help, labels = [] }]) => ({
      family,
      labels,
      gauge: this.gauge(family, help, labels),
    }));
    const clear = () => {
      for (const { gauge, labels } of gauges) {
        gauge.reset();
        if (labels.length === 0) gauge.remove(); // It was reset to 0, which is an answer.
      }
    };
    clear();
    this.#sourceUp.set({ source: name }, 0);
    let readAtMs = -Infinity;
    let running: Promise<void> | undefined;
    let isOnRecoveryHold = true;
    const say = (up: boolean, message = "") => {
      this.#sourceUp.set({ source: name }, up ? 1 : 0);
      if (isOnRecoveryHold && !up) this.#log.warn("metrics.source_unreadable", { source: name, message });
      isOnRecoveryHold = up;
    };
    const refresh = async () => {
      try {
        const readings: Readonly<Record<string, number | undefined | readonly Sample[]>> = await read();
        clear();
        for (const { family, gauge } of gauges) {
          const reading = readings[family];
          if (typeof reading === "number") gauge.set(reading);
          else for (const { labels, value } of reading ?? []) gauge.set(labels, value);
        }
        say(true);
      } catch (error) {
        clear();
        say(false, messageOf(error));
      }
      readAtMs = this.#clock.nowMs();
      running = undefined;
    };
    this.#sources.push({
      refresh: async () => {
        const ageMs = this.#clock.nowMs() - readAtMs;
        if (running === undefined && ageMs >= 0 && ageMs < ageMsMax) return;
        running ??= refresh();
        if (await answersWithin(running, SOURCE_MS_MAX)) return;
        clear();
        say(false, `no answer within ${SOURCE_MS_MAX} ms`);
      },
    });
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    await Promise.all(this.#sources.map(({ refresh }) => refresh()));
    return this.registry.metrics();
  }
}

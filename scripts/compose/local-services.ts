import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { activeServices, type ComposeFile, readVariables, type Service } from "./compose-file.ts";
import { Instance } from "./instance.ts";
import { neighbours, type Place, rewriter } from "./place.ts";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { freePort } from "@stakebts/testkit/postgres";
import { isInstalled, startPostgresService, startRedisService } from "./stores.ts";

export interface LocalServicesOptions {
  readonly compose: ComposeFile;
  readonly repository: string;
  /** Those of `.env`, which stands in the place of the file in the repository. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Where each image has been put together, by the name of its target; without it, the repository as it is built. */
  readonly images?: string;
  readonly scale: Readonly<Record<string, number>>;
  readonly onLine: (name: string, line: string) => void;
  readonly say: (text: string) => void;
}

/** Images that are not ours and are not needed for the job. */
const FOREIGN = /^(?:prom|grafana)\//u;

/** The services of the compose file, each as processes of this machine. */
export class LocalServices {
  readonly instances: Instance[] = [];
  readonly #options: LocalServicesOptions;
  readonly #services: readonly Service[];
  readonly #folder: string;
  readonly #place: Place;
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #up = new Map<string, Promise<void>>();

  private constructor(
    options: LocalServicesOptions,
    services: readonly Service[],
    folder: string,
    place: Place,
  ) {
    this.#options = options;
    this.#services = services;
    this.#folder = folder;
    this.#place = place;
  }

  static async create(options: LocalServicesOptions, profiles: readonly string[]): Promise<LocalServices> {
    const { compose, repository, scale, say } = options;
    const active = activeServices(compose, profiles).filter(({ name, image }) => {
      const why = whyNotHere(name, image);
      if (why !== undefined) say(`!!! ${name} is left out: ${why}`);
      return why === undefined;
    });
    const folder = mkdtempSync(join(tmpdir(), "stakebts-compose-"));
    chmodSync(folder, 0o755);
    execFileSync(join(repository, "deploy/compose/make-secrets.sh"), ["dev"], {
      env: { ...process.env, STAKEBTS_SECRETS_DIR: join(folder, "secrets") },
    });
    const ports = new Map<string, number>();
    for (const { name, exposed } of active)
      for (let replica = 1; replica <= (scale[name] ?? 1); replica++)
        for (const port of exposed.toSorted((a, b) => a - b)) {
          // A program that is told of the first of several ports counts on.
          const before = ports.get(`${name}/${replica}/${port - 1}`);
          const free = before === undefined ? await anotherFreePort([...ports.values()]) : before + 1;
          ports.set(`${name}/${replica}/${port}`, free);
        }
    const place: Place = {
      portOf: (service, replica, port) => ports.get(`${service}/${replica}/${port}`) ?? port,
      volume: (name) => join(folder, "volumes", name),
      path: (source) => join(repository, source),
      secret: (name) => {
        const path = join(folder, "here", name);
        mkdirSync(join(folder, "here"), { recursive: true });
        writeFileSync(
          path,
          neighbours(compose.services, place, readFileSync(join(folder, "secrets", name), "utf8")),
          { mode: 0o600 },
        );
        return path;
      },
    };
    return new LocalServices(options, active, folder, place);
  }

  /** An address on this machine of what the compose file calls `service:port`. */
  address(service: string, port: number): string {
    return `127.0.0.1:${this.#place.portOf(service, 1, port)}`;
  }

  secret(name: string): string {
    return readFileSync(this.#place.secret(name), "utf8").trim();
  }

  replicas(service: string): readonly Instance[] {
    return this.instances.filter((instance) => instance.service.name === service);
  }

  /** Starts everything, each after what it depends on. Resolves when all that has a health check is healthy. */
  async start(deadlineMs: number): Promise<void> {
    await Promise.all(this.#services.map((service) => this.#started(service, deadlineMs)));
  }

  /** Those that are not healthy now, and what they say. */
  async problems(): Promise<readonly string[]> {
    const answers = await Promise.all(
      this.instances
        .filter(({ service }) => service.healthcheck !== undefined && !isStore(service))
        .map(async (instance) => {
          const said = await instance.unhealthy();
          return said === undefined ? undefined : `${instance.name}: ${said}`;
        }),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  /** Stops everything. Those that did not end with exit code 0. */
  async stop(): Promise<readonly string[]> {
    const processes = this.instances.filter(({ service }) => !isStore(service));
    // The chain last: a payer that waits for its answer is not to wait for nothing.
    const [chain, others] = [true, false].map((wanted) =>
      processes.filter(({ service }) => (service.name === "devnet") === wanted),
    ) as [Instance[], Instance[]];
    const ends: string[] = [];
    for (const group of [others, chain])
      await Promise.all(
        group.map(async (instance) => {
          const how = await instance.stop();
          if (how !== 0) ends.push(`${instance.name} ended with ${how}`);
        }),
      );
    for (const stop of this.#stops.reverse()) await stop();
    rmSync(this.#folder, { recursive: true, force: true });
    return ends;
  }

  #started(service: Service, deadlineMs: number): Promise<void> {
    let started = this.#up.get(service.name);
    if (started === undefined) {
      started = this.#start(service, deadlineMs);
      this.#up.set(service.name, started);
    }
    return started;
  }

  async #start(service: Service, deadlineMs: number): Promise<void> {
    // Every condition is met when the other is up: healthy, or through with its one task.
    for (const name of Object.keys(service.dependsOn)) {
      const other = this.#services.find((one) => one.name === name);
      if (other !== undefined) await this.#started(other, deadlineMs);
    }
    const replicas = Array.from({ length: this.#options.scale[service.name] ?? 1 }, (_, n) =>
      this.#instance(service, n + 1),
    );
    await Promise.all(replicas.map((instance) => this.#run(instance, deadlineMs)));
    this.#options.say(`${service.name} is ${service.healthcheck === undefined ? "done" : "healthy"}`);
  }

  async #run(instance: Instance, deadlineMs: number): Promise<void> {
    const { service } = instance;
    if (!isStore(service)) {
      const ended = instance.run();
      if (service.healthcheck === undefined) {
        const late = delay(Math.max(0, deadlineMs - Date.now()), "not ended in time", { ref: false });
        const how = await Promise.race([ended, late]);
        if (how !== 0) throw new Error(`${instance.name} ended with ${how}`);
        return;
      }
    }
    let said: string | undefined = "not asked yet";
    while ((said = await instance.unhealthy()) !== undefined) {
      if (Date.now() > deadlineMs) throw new Error(`${instance.name} is not healthy: ${said}`);
      await delay(service.healthcheck?.startIntervalMs);
    }
  }

  #instance(service: Service, replica: number): Instance {
    const { compose, repository, images, onLine } = this.#options;
    const text = rewriter(compose, this.#place, { service, replica });
    const path = process.env["PATH"] ?? "";
    const environment = {
      PATH: installedPostgres === undefined ? path : `${join(installedPostgres, "bin")}:${path}`,
      NODE_ENV: "production",
      ...Object.fromEntries(this.#settings(service).map(([name, value]) => [name, text.environment(value)])),
    };
    for (const { source } of service.mounts)
      if (!/^[./]/u.test(source)) mkdirSync(this.#place.volume(source), { recursive: true });
    const target = service.buildTarget === "backup" ? "cli" : service.buildTarget;
    const instance = new Instance({
      service,
      replica,
      argv: service.argv.map(text.argument),
      healthTest: service.healthcheck?.test.map(text.argument),
      environment,
      cwd: images === undefined || target === undefined ? repository : join(images, target),
      onLine,
    });
    this.instances.push(instance);
    return instance;
  }

  /** Those of the file, and the operator's own where there are some; without Redis there is none to be named. */
  #settings({ envFiles, environment }: Service): (readonly [string, string])[] {
    const { repository, variables } = this.#options;
    const more = envFiles.map((path) => {
      if (path === ".env") return variables;
      return existsSync(join(repository, path)) ? readVariables(join(repository, path)) : {};
    });
    const hasRedis = this.#services.some(({ name }) => name === "redis");
    const all = Object.assign({}, ...more, environment) as Record<string, string>;
    return Object.entries(all).filter(([name]) => hasRedis || name !== "REDIS_URL_FILE");
  }

  /** The two stores are programs of this machine in the place of images. */
  async startStores(): Promise<void> {
    const { compose } = this.#options;
    for (const service of this.#services.filter(isStore)) {
      const text = rewriter(compose, this.#place, { service, replica: 1 });
      if (service.name === "postgres") {
        const environment = Object.fromEntries(
          Object.entries(service.environment).map(([name, value]) => [name, text.environment(value)]),
        );
        const server = await startPostgresService(environment, this.#place.portOf("postgres", 1, 5432));
        this.#stops.push(() => server.stop());
      } else {
        const redis = startRedisService(service.argv.map(text.argument), this.#place.volume("redis"));
        this.#stops.push(() => redis.stop());
      }
    }
  }
}

const isStore = ({ name }: Service): boolean => name === "postgres" || name === "redis";

function whyNotHere(name: string, image: string): string | undefined {
  if (FOREIGN.test(image)) return "its image is not ours";
  if (name === "redis" && !isInstalled("redis-server"))
    return "no redis-server here; the queues are in PostgreSQL";
  if (name === "backup" && installedPostgres === undefined)
    return "no pg_dump beside a server of its version here";
  return undefined;
}

/** One that is free now, and not promised to another service already. */
async function anotherFreePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (!taken.includes(port)) return port;
  }
}

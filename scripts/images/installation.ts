import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { docker, type Result, tryDocker } from "./docker.ts";

/** What an installation needs beside the images. */
const FILES = ["docker-compose.yml", "deploy/compose", "deploy/prometheus", "deploy/grafana"];

/** Any that are free: another installation may run on this machine. */
const PORTS = { CONSOLE_PORT: "0", DEVNET_PORT: "0", DEVNET_CONTROL_PORT: "0", GRAFANA_PORT: "0" };

/** What `docker inspect` says of a container, as far as it is looked at. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly StartedAt: string;
    readonly ExitCode: number;
    readonly Status: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Volumes: Readonly<Record<string, unknown>> | null;
  };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number | null;
    readonly Ulimits: readonly { readonly Name: string; readonly Hard: number }[] | null;
  };
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, unknown>> };
}

/** The compose file in a folder and a project of its own, as an operator has it beside the repository's images. */
export class Installation {
  readonly folder: string;
  readonly project: string;

  constructor(repository: string, tag: string) {
    this.folder = mkdtempSync(join(tmpdir(), "stakebts-images-"));
    this.project = basename(this.folder).toLowerCase();
    for (const path of FILES) cpSync(join(repository, path), join(this.folder, path), { recursive: true });
    execFileSync(join(this.folder, "deploy/compose/make-secrets.sh"), ["dev"], {
      cwd: this.folder,
      stdio: "ignore",
    });
    this.set({ COMPOSE_PROJECT_NAME: this.project, STAKEBTS_VERSION: tag, ...PORTS });
  }

  /** Adds lines to `.env`; of two with one name the later counts. */
  set(settings: Readonly<Record<string, string>>): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    appendFileSync(join(this.folder, ".env"), lines.join(""));
  }

  /** `settings/<service>.env`, in the folder that `.env` names. */
  setFor(service: string, settings: Readonly<Record<string, string>>): void {
    const folder = join(this.folder, "deploy/compose/dev-settings");
    mkdirSync(folder, { recursive: true });
    for (const [name, value] of Object.entries(settings))
      appendFileSync(join(folder, `${service}.env`), `${name}=${value}\n`);
  }

  compose(...args: string[]): Promise<string> {
    return docker(["compose", ...args], this.#where);
  }

  tryCompose(...args: string[]): Promise<Result> {
    return tryDocker(["compose", ...args], this.#where);
  }

  exec(service: string, ...argv: string[]): Promise<string> {
    return this.compose("exec", "-T", service, ...argv);
  }

  /** Runs a program of Node inside a container, and gives what it wrote as JSON. */
  async node<T>(container: string, program: string, ...args: string[]): Promise<T> {
    const out = await docker([
      "exec",
      container,
      "node",
      "--input-type=module",
      "-e",
      program,
      "--",
      ...args,
    ]);
    return JSON.parse(out) as T;
  }

  async query(sql: string, database = "stakebts"): Promise<readonly string[]> {
    const out = await this.exec("postgres", "psql", "-U", "stakebts", "-d", database, "-tAc", sql);
    return out.split("\n").filter((line) => line !== "");
  }

  /** All containers of one service, those that have ended too. */
  async containers(service?: string): Promise<readonly Container[]> {
    const labels = [`com.docker.compose.project=${this.project}`, "com.docker.compose.oneoff=False"];
    if (service !== undefined) labels.push(`com.docker.compose.service=${service}`);
    const ids = await docker([
      "ps",
      "--all",
      "--quiet",
      ...labels.flatMap((label) => ["--filter", `label=${label}`]),
    ]);
    const wanted = ids.split("\n").filter((id) => id !== "");
    return wanted.length === 0 ? [] : (JSON.parse(await docker(["inspect", ...wanted])) as Container[]);
  }

  /** The one container of a service, or the first of several. */
  async only(service: string): Promise<Container> {
    const [container] = await this.containers(service);
    if (container === undefined) throw new Error(`there is no container of ${service}`);
    return container;
  }

  logs(container: Pick<Container, "Id">): Promise<string> {
    return tryDocker(["logs", container.Id]).then(({ said }) => said);
  }

  /** Containers, networks and volumes; the folder too. */
  async remove(): Promise<void> {
    await this.tryCompose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5");
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #where() {
    // Where no person is signed in there is no USER, and receipts name who did something.
    return { cwd: this.folder, env: { STAKEBTS_ACTOR: "images-check" } };
  }
}

export const serviceOf = ({ Config }: Container): string => Config.Labels["com.docker.compose.service"] ?? "";

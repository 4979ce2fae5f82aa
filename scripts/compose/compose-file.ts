import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { parse } from "yaml";

// docker-compose.yml as `docker compose config` would understand it, as far as this repository uses the format. What it
// does not understand it refuses, so that nothing is passed over in silence.

export type Condition = "service_started" | "service_healthy" | "service_completed_successfully";

export interface Healthcheck {
  /** `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

export interface Mount {
  /** A path of this repository (begins with `.` or `/`), or the name of a volume. */
  readonly source: string;
  readonly target: string;
}

export interface Service {
  readonly name: string;
  readonly image: string;
  readonly buildTarget: string | undefined;
  readonly profiles: readonly string[];
  /** Entrypoint and command, as one. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly envFiles: readonly string[];
  readonly secrets: readonly string[];
  readonly mounts: readonly Mount[];
  readonly networks: readonly string[];
  readonly exposed: readonly number[];
  readonly published: readonly string[];
  readonly dependsOn: Readonly<Record<string, { condition: Condition; required: boolean }>>;
  readonly healthcheck: Healthcheck | undefined;
  readonly restart: string;
  readonly stopGraceMs: number;
  /** The service as it stands in the file, variables filled in. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface ComposeFile {
  readonly services: ReadonlyMap<string, Service>;
  /** Path of the file by the secret's name. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly internalNetworks: ReadonlySet<string>;
  /** The whole document, checkpoints resolved, variables as they stand. */
  readonly document: unknown;
}

type Variables = Readonly<Record<string, string | undefined>>;
type Raw = Record<string, unknown>;

export function readComposeFile(path: string, variables: Variables): ComposeFile {
  const document: unknown = parse(readFileSync(path, "utf8"), { merge: true });
  const filled = fill(document, variables) as {
    services: Record<string, Raw>;
    networks: Record<string, { internal?: boolean } | null>;
    secrets: Record<string, { file: string }>;
    configs: Record<string, { file: string }>;
  };
  return {
    document,
    services: new Map(
      Object.entries(filled.services).map(([name, raw]) => [name, service(name, raw, filled.configs)]),
    ),
    secrets: new Map(Object.entries(filled.secrets).map(([name, { file }]) => [name, file])),
    internalNetworks: new Set(
      Object.entries(filled.networks).flatMap(([name, network]) =>
        network?.internal === true ? [name] : [],
      ),
    ),
  };
}

/** The variables of a file such as .env. */
export const readVariables = (path: string): Variables => parseEnv(readFileSync(path, "utf8"));

/** The services that run with these profiles. */
export const activeServices = ({ services }: ComposeFile, profiles: readonly string[]): Service[] =>
  [...services.values()].filter(
    (one) => one.profiles.length === 0 || one.profiles.some((profile) => profiles.includes(profile)),
  );

function service(name: string, raw: Raw, configs: Record<string, { file: string }>): Service {
  const check = raw["healthcheck"] as Record<string, unknown> | undefined;
  const dependsOn = (raw["depends_on"] ?? {}) as Record<string, { condition: Condition; required?: boolean }>;
  return {
    name,
    image: raw["image"] as string,
    buildTarget: (raw["build"] as { target?: string } | undefined)?.target,
    profiles: list(raw["profiles"]),
    argv: [...list(raw["entrypoint"]), ...list(raw["command"])],
    environment: Object.fromEntries(
      Object.entries((raw["environment"] ?? {}) as Record<string, unknown>).map(([key, value]) => [
        key,
        String(value),
      ]),
    ),
    envFiles: ((raw["env_file"] ?? []) as { path: string }[]).map(({ path }) => path),
    secrets: list(raw["secrets"]),
    mounts: [
      ...((raw["configs"] ?? []) as { source: string; target: string }[]).map(({ source, target }) => ({
        source: configs[source]?.file ?? missing(`${name}: there is no config ${source}`),
        target,
      })),
      ...list(raw["volumes"]).map((text) => {
        const [source = "", target = ""] = text.split(":");
        return { source, target };
      }),
    ],
    networks: list(raw["networks"]),
    exposed: list(raw["expose"]).map(Number),
    published: list(raw["ports"]),
    dependsOn: Object.fromEntries(
      Object.entries(dependsOn).map(([on, { condition, required = true }]) => [on, { condition, required }]),
    ),
    healthcheck:
      check === undefined
        ? undefined
        : {
            test: check["test"] as string[],
            intervalMs: durationMs(check["interval"] ?? "30s"),
            timeoutMs: durationMs(check["timeout"] ?? "30s"),
            startPeriodMs: durationMs(check["start_period"] ?? "0s"),
            startIntervalMs: durationMs(check["start_interval"] ?? "5s"),
            retries: Number(check["retries"] ?? 3),
          },
    restart: (raw["restart"] ?? "no") as string,
    stopGraceMs: durationMs(raw["stop_grace_period"] ?? "10s"),
    raw,
  };
}

function list(value: unknown): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new TypeError(`expected a list of texts, found ${JSON.stringify(value)}`);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function durationMs(value: unknown): number {
  const match = /^(\d+)(ms|s|m|h)$/u.exec(String(value));
  return match === null
    ? missing(`not a duration: ${String(value)}`)
    : Number(match[1]) * (UNITS_MS[match[2] ?? ""] ?? 0);
}

function fill(value: unknown, variables: Variables): unknown {
  if (typeof value === "string") return fillText(value, variables);
  if (Array.isArray(value)) return value.map((item) => fill(item, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, variables)]));
}

/**
 * `${NAME:-default}` and `${NAME:?what it is}`: empty counts as not set. In a default another of them may stand. `$$` is a dollar.
 * There is no other form here.
 */
function fillText(text: string, variables: Variables): string {
  return text.replace(
    /\$(?:\{([A-Z][A-Z0-9_]*):([-?])((?:[^{}]|\{[^{}]*\}|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|.?)/gu,
    (found, name?: string, form?: string, rest = "") => {
      if (found === "$$") return "$";
      if (name === undefined) return missing(`${text}: ${found} is not understood here`);
      const value = variables[name];
      if (value) return value;
      return form === "-" ? fillText(rest, variables) : missing(`${name} is not set: ${rest}`);
    },
  );
}

function missing(message: string): never {
  throw new Error(message);
}

import { readFileSync, statSync } from "node:fs";
import type { Environment } from "./environment.ts";
import { KEYSTORE_SETTINGS } from "./keystore-settings.ts";
import { PROCESS_SETTINGS, type ProcessName } from "./process-settings.ts";

// Where a secret may get out of a process without anybody taking it from its memory: settings of another process, files
// that others read, dumps of memory. Each is a warning and not a refusal: payments go on while somebody puts it right.

/** Something that shows secrets to whoever should not see them. No text in it is a secret. */
export interface SecretLeak {
  readonly event: "secret.not_needed" | "secret.file_open" | "secret.dump_possible";
  readonly what: string;
  readonly todo: string;
}

const SECRET = /^STAKEBTS_\w*(?:KEY|SECRET|PASSWORD|TOKEN|DEPOSIT_MEMO|_URL)$|^(?:DATABASE|REDIS)_URL$/u;
const KEYSTORE = ["STAKEBTS_KEYSTORE", "STAKEBTS_KEYSTORE_PASSWORD"];

/**
 * Takes what was read out of the environment, so that no child inherits it and no report of Node shows it. What the
 * system itself shows of a process (`/proc/<pid>/environ`) stays: a secret that shall not be there comes as a file.
 */
export function forgetSecrets(environment: Record<string, string | undefined>): void {
  // Reflect: an environment is no ordinary object, and a name in it is no property that is known.
  for (const name of Object.keys(environment))
    if (SECRET.test(name)) Reflect.deleteProperty(environment, name);
}

interface Host {
  /** As Linux shows it; `undefined` elsewhere. */
  readonly limits: string | undefined;
  /** Options of Node, wherever they were given. */
  readonly nodeOptions: readonly string[];
}

export const thisHost = (environment: Environment): Host => ({
  limits: read("/proc/self/limits"),
  nodeOptions: [...process.execArgv, ...(environment["NODE_OPTIONS"] ?? "").split(/\s+/u)],
});

/** What shows secrets of this process, by the environment that it was started with. */
export function secretLeaks(
  name: ProcessName,
  environment: Environment,
  host = thisHost(environment),
): readonly SecretLeak[] {
  const given = Object.keys(environment)
    .filter((setting) => environment[setting]?.trim())
    .map((setting) => ({ setting, name: setting.replace(/_FILE$/u, "") }));
  const wanted = Object.keys(PROCESS_SETTINGS[name].shape);
  const takesKeystore = wanted.some((setting) => KEYSTORE_SETTINGS.includes(setting));
  const isNeeded = (setting: string): boolean =>
    wanted.includes(setting) || (takesKeystore && KEYSTORE.includes(setting));
  const secrets = given.filter((one) => SECRET.test(one.name) || KEYSTORE.includes(one.name));
  return [
    ...secrets.flatMap(({ setting, name: plain }): SecretLeak[] =>
      isNeeded(plain)
        ? []
        : [
            {
              event: "secret.not_needed",
              what: `${setting} is given to the ${name}, which does not use it`,
              todo: "give each process its own secrets only: docs/deploy.md, Secrets",
            },
          ],
    ),
    ...secrets.flatMap(({ setting }): SecretLeak[] => {
      const path = environment[setting]?.trim() ?? "";
      if (!setting.endsWith("_FILE") && setting !== "STAKEBTS_KEYSTORE") return [];
      return isOpen(path)
        ? [
            {
              event: "secret.file_open",
              what: `the file of ${setting} can be read by others than its owner`,
              todo: `chmod 600 the file, and give it to the user that the ${name} runs as`,
            },
          ]
        : [];
    }),
    ...dumps(host),
  ];
}

/** What a container is given is for the container alone, whatever its mode says. */
const MOUNTED = /^\/(?:var\/)?run\/secrets\//u;

function isOpen(path: string): boolean {
  if (MOUNTED.test(path)) return false;
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}

/** Options with which Node writes its memory or its environment to a disk, or shows them to a debugger. */
const SHOWS_MEMORY = /^--(?:report-|heapsnapshot-|heap-prof|abort-on-uncaught|inspect)/u;

function dumps({ limits, nodeOptions }: Host): readonly SecretLeak[] {
  const found: SecretLeak[] = [];
  const soft = /^Max core file size\s+(\S+)/mu.exec(limits ?? "")?.[1];
  if (soft !== undefined && soft !== "0")
    found.push({
      event: "secret.dump_possible",
      what: `a core dump may be written, up to ${soft} bytes: everything that is in memory`,
      todo: "ulimit -c 0, LimitCORE=0 or `ulimits: { core: 0 }`: docs/deploy.md, Secrets",
    });
  const options = nodeOptions
    .filter((option) => SHOWS_MEMORY.test(option))
    .map((option) => option.split("=")[0]);
  if (options.length > 0)
    found.push({
      event: "secret.dump_possible",
      what: `Node is told to show what is in memory: ${options.join(" ")}`,
      todo: "start it without these options, beside real money at least",
    });
  return found;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Not Linux.
  }
}

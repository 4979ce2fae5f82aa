import { readFileSync, statSync } from "node:fs";
import type { Environment } from "./environment.ts";
import type { ProcessName } from "./process-settings.ts";
import { SETTING_NAMES, settingOf } from "./settings.ts";

// Where a secret may get out of a process without an attack on its memory: settings of another process, files
// that others read, dumps of memory. Each is a warning and not a refusal: payments go on while a person puts it right.

/** Something that shows secrets to others than this process. No text in it is a secret. */
export interface SecretLeak {
  readonly event: "secret.not_needed" | "secret.file_open" | "secret.dump_possible";
  readonly what: string;
  readonly todo: string;
}

/**
 * Takes what was read out of the environment, so that no child inherits it and no report of Node shows it. What the
 * system itself shows of a process (`/proc/<pid>/environ`) stays: a secret that shall not be there comes as a file.
 */
export function forgetSecrets(environment: Record<string, string | undefined>): void {
  for (const name of SETTING_NAMES)
    // Reflect: an environment is no ordinary object, and a name in it is no property that is known.
    if (settingOf(name)?.secret === true) Reflect.deleteProperty(environment, name);
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
  const secrets = SETTING_NAMES.flatMap((plain) => {
    const setting = settingOf(plain);
    return setting?.secret === true ? [plain, `${plain}_FILE`].map((given) => ({ given, setting })) : [];
  }).filter(({ given }) => environment[given]?.trim());
  return [
    ...secrets.flatMap(({ given, setting }): SecretLeak[] =>
      setting.readers.includes(name)
        ? []
        : [
            {
              event: "secret.not_needed",
              what: `${given} is given to the ${name}, which does not use it`,
              todo: "give each process its own secrets only: docs/deploy.md, Secrets",
            },
          ],
    ),
    ...secrets.flatMap(({ given }): SecretLeak[] => {
      const path = environment[given]?.trim() ?? "";
      if (!given.endsWith("_FILE") && given !== "STAKEBTS_KEYSTORE") return [];
      return isOpen(path)
        ? [
            {
              event: "secret.file_open",
              what: `the file of ${given} can be read by others than its owner`,
              todo: `chmod 600 the file, and give it to the user that the ${name} runs as`,
            },
          ]
        : [];
    }),
    ...dumps(host),
  ];
}

/** What a container is given is for the container alone, no matter what its mode says. */
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

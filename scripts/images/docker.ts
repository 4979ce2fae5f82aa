import { spawn } from "node:child_process";

export interface Result {
  readonly code: number | null;
  readonly out: string;
  /** Both outputs, as they came. */
  readonly said: string;
}

interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `docker` with these arguments. Does not throw for an exit code. */
export function tryDocker(args: readonly string[], { cwd, env = {} }: Options = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, {
      cwd,
      // No colours, no lines that are written over: this is read in a log.
      env: {
        ...process.env,
        COMPOSE_ANSI: "never",
        COMPOSE_PROGRESS: "plain",
        BUILDKIT_PROGRESS: "plain",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, said] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
      said += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => (said += data.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, said }));
  });
}

const LINES_SHOWN = 40;

/** As {@link tryDocker}; throws with the last lines of what it said when it does not end with 0. */
export async function docker(args: readonly string[], options: Options = {}): Promise<string> {
  const { code, out, said } = await tryDocker(args, options);
  if (code !== 0)
    throw new Error(
      `docker ${args.slice(0, 6).join(" ")} … ended with ${code}:\n${said.trim().split("\n").slice(-LINES_SHOWN).join("\n")}`,
    );
  return out;
}

/** Why nothing can be built or started here; `undefined` when it can. */
export async function whyNoEngine(): Promise<string | undefined> {
  const engine = await tryDocker(["version", "--format", "{{.Server.Version}}"]).catch(() => undefined);
  if (engine === undefined) return "there is no docker here";
  if (engine.code !== 0) return "no container engine answers (DOCKER_HOST, or the default socket)";
  if ((await tryDocker(["buildx", "version"])).code !== 0) return "docker has no buildx";
  if ((await tryDocker(["compose", "version"])).code !== 0) return "docker has no compose";
  return undefined;
}

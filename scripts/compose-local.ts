// Runs docker-compose.yml without a container engine: every service is a process of this machine, with the command, the
// environment, the secrets, the order and the health check that stand in the file. Names, ports and paths are the only
// things that are put differently, since there is one machine here and not ten.
//
//   npm run compose:local                   until Ctrl-C, with the settings of deploy/compose/dev.env
//   npm run compose:local -- --check        all healthy, one nomination, its confirmation paid by the stand-by of a payer
//                                           that was killed, everything stopped; exit code 0
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkServices } from "./compose/check.ts";
import { readComposeFile, readVariables } from "./compose/compose-file.ts";
import { LocalServices } from "./compose/local-services.ts";

const repository = join(import.meta.dirname, "..");
const START_MS_MAX = 180_000;
const TAIL = 15;

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    "env-file": { type: "string", default: join(repository, "deploy/compose/dev.env") },
    images: { type: "string" },
    scale: { type: "string", multiple: true, default: [] },
    quiet: { type: "boolean", default: false },
  },
});

const say = (text: string): void => console.log(text);
const scale = Object.fromEntries(
  // A check has a stand-by: it is the payer that leads which is killed.
  [...(values.check ? ["payer=2"] : []), ...values.scale].map((text) => {
    const [name = "", count = ""] = text.split("=");
    if (!/^[1-9]$/u.test(count)) throw new Error(`--scale wants service=count, not ${text}`);
    return [name, Number(count)];
  }),
);
const variables: Readonly<Record<string, string | undefined>> = {
  COMPOSE_PROJECT_NAME: "local",
  ...readVariables(values["env-file"]),
};
const services = await LocalServices.create(
  {
    compose: readComposeFile(join(repository, "docker-compose.yml"), variables),
    repository,
    variables,
    ...(values.images === undefined ? {} : { images: values.images }),
    scale,
    onLine: (name, line) => {
      if (!values.check && !values.quiet) console.log(`${name.padEnd(12)} | ${line}`);
    },
    say,
  },
  (variables["COMPOSE_PROFILES"] ?? "").split(","),
);

let interrupted = false;
const interruption = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      interrupted = true;
      resolve();
    });
});

const startedAtMs = Date.now();
let failure: string | undefined;
let done: readonly string[] = [];
try {
  await services.startStores();
  await Promise.race([services.start(startedAtMs + START_MS_MAX), interruption]);
  if (!interrupted && values.check)
    done = await Promise.race([checkServices(services, say), interruption.then(() => [])]);
  else if (!interrupted) {
    say(
      `\nconsole   http://${services.address("console", 8400)}, operator, ${services.secret("console_password")}`,
    );
    say(`database  ${services.secret("database_url")}`);
    say(`node      ws://${services.address("devnet", 8090)}\n`);
    await interruption;
  }
  if (interrupted && values.check) failure = "interrupted";
} catch (error) {
  failure = error instanceof Error ? error.message : String(error);
}
if (failure !== undefined)
  for (const { name, lines } of services.instances)
    for (const line of lines.slice(-TAIL)) console.error(`${name.padEnd(12)} | ${line.slice(0, 600)}`);
const ends = await services.stop();
if (failure === undefined && ends.length > 0) failure = ends.join("; ");
if (failure !== undefined) console.error(`\ncompose:local failed: ${failure}`);
if (values.check)
  say(
    JSON.stringify({
      ok: failure === undefined,
      done,
      seconds: Math.round((Date.now() - startedAtMs) / 1000),
    }),
  );
process.exit(failure === undefined ? 0 : 1);

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Service } from "../compose/compose-file.ts";
import { buildImages, composeOf, TARGETS } from "./build.ts";
import { docker } from "./docker.ts";
import { type Container, Installation, serviceOf } from "./installation.ts";
import { readVariables } from "../compose/compose-file.ts";

const WAIT_MS_MAX = 180_000;
const LOOK_MS = 500;
const START_SECONDS_MAX = "400";
const STAKEBTS = ["node", "apps/cli/bin/stakebts.js"] as const;
const BACKUPS = "/var/backups/stakebts";
const OURS: readonly string[] = ["ingester", "scheduler", "payer", "watcher", "console", "backup", "devnet"];

/** A step that does not hold ends the check: those after it rest on it. */
export async function checkImages(
  repository: string,
  tag: string,
): Promise<{ readonly passed: number; readonly failed: number }> {
  const startMs = Date.now();
  let passed = 0;
  const step = async (sentence: string, work: () => Promise<void>): Promise<void> => {
    const stepMs = Date.now();
    try {
      await work();
    } catch (error) {
      console.log(`FAILED: ${sentence}\n${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
    passed += 1;
    console.log(`ok ${sentence} (${Math.round((Date.now() - stepMs) / 1000)} s)`);
  };

  let installation: Installation | undefined;
  try {
    await step(`${TARGETS.length} images are built`, () => buildImages(repository, tag));
    // The same images in the place of the version before: no older one was ever released.
    const before = `${tag}-before`;
    for (const target of TARGETS)
      await docker(["tag", `stakebts/${target}:${tag}`, `stakebts/${target}:${before}`]);
    installation = new Installation(repository, before);
    await checkInstallation(repository, installation, step, { before, after: tag });
    console.log(`all in ${Math.round((Date.now() - startMs) / 1000)} s`);
    return { passed, failed: 0 };
  } catch (error) {
    if (installation !== undefined) await showLogs(installation);
    else console.log(error);
    return { passed, failed: 1 };
  } finally {
    await installation?.remove();
  }
}

async function checkInstallation(
  repository: string,
  at: Installation,
  step: (sentence: string, work: () => Promise<void>) => Promise<void>,
  tags: { readonly before: string; readonly after: string },
): Promise<void> {
  const services = composeOf(repository, readVariables(join(at.folder, ".env"))).services;
  const up = (...more: string[]) =>
    at.compose(
      "up",
      "--detach",
      "--no-build",
      "--wait",
      "--wait-timeout",
      START_SECONDS_MAX,
      "--scale",
      "payer=2",
      ...more,
    );

  at.set({ STAKEBTS_POLL_MS: "200" });
  at.setFor("ingester", { STAKEBTS_POLL_MS: "150" });
  await step("the profile dev starts cold, and everything is healthy", async () => {
    await up();
    for (const container of await at.containers()) {
      const { State, Name } = container;
      if (services.get(serviceOf(container))?.healthcheck === undefined)
        same(`${Name} ended with`, State.ExitCode, 0);
      else same(`${Name} is`, State.Health?.Status, "healthy");
    }
  });

  await step(
    "users, file systems, capabilities, limits and labels are those of the compose file",
    async () => {
      for (const container of await at.containers())
        checkConfined(container, services.get(serviceOf(container)) as Service);
      for (const container of (await at.containers()).filter((one) => OURS.includes(serviceOf(one))))
        await checkInside(at, container);
    },
  );

  await step("each container has its own secrets, and none of them in its environment", async () => {
    const secrets = join(at.folder, "secrets");
    const values = readdirSync(secrets).map((name) => readFileSync(join(secrets, name), "utf8").trim());
    for (const container of await at.containers()) {
      const { Name, Config } = container;
      const mounted = container.Mounts.map(({ Destination }) => Destination)
        .filter((path) => path.startsWith("/run/secrets/"))
        .map((path) => path.slice("/run/secrets/".length));
      same(`secrets of ${Name}`, mounted.toSorted(), services.get(serviceOf(container))?.secrets.toSorted());
      const shown = Config.Env.filter((line) =>
        values.some((value) => value.length > 8 && line.includes(value)),
      );
      same(`secrets in the environment of ${Name}`, shown, []);
    }
  });

  await step("a setting of one process wins over .env", async () => {
    const [ingester, watcher] = [await only(at, "ingester"), await only(at, "watcher")];
    same(
      "of the ingester",
      ingester.Config.Env.filter((line) => line.startsWith("STAKEBTS_POLL_MS=")),
      ["STAKEBTS_POLL_MS=150"],
    );
    same(
      "of the watcher",
      watcher.Config.Env.filter((line) => line.startsWith("STAKEBTS_POLL_MS=")),
      ["STAKEBTS_POLL_MS=200"],
    );
  });

  await step("each container reaches what shares a network with it, and nothing else", async () => {
    for (const container of (await at.containers()).filter((one) => OURS.includes(serviceOf(one))))
      await checkReach(at, container, services);
    const answer = await at.node<string>(
      (await only(at, "scheduler")).Id,
      `import { connect } from "node:net";
       const socket = connect(6379, "redis", () => socket.write("PING\\r\\n"));
       socket.on("data", (data) => { console.log(JSON.stringify(data.toString().split(" ")[0])); process.exit(0); });`,
    );
    same("redis answers without its password", answer, "-NOAUTH");
  });

  await step("a nomination is confirmed on the chain", () => nominate(at, 1));

  await step(
    "the payer that leads is killed: the other leads, the first is started again, and pays nothing twice",
    async () => {
      const payers = await at.containers("payer");
      const logs = await Promise.all(payers.map((payer) => at.logs(payer)));
      const leader = payers.find((_, index) => logs[index]?.includes('"payer.leads"'));
      const other = payers.find((payer) => payer !== leader);
      if (leader === undefined || other === undefined)
        throw new Error(`of ${payers.length} payers none leads, or both do`);
      const killMs = Date.now();
      await killInside(at, leader);
      await until("the other payer leads", async () => (await at.logs(other)).includes('"payer.leads"'));
      console.log(`   took ${Date.now() - killMs} ms`);
      await nominate(at, 2);
      await until("the killed payer is there again", async () =>
        (await at.containers("payer")).every(({ State }) => State.Health?.Status === "healthy"),
      );
    },
  );

  const programs = ["ingester", "scheduler", "payer", "watcher", "console", "backup"];
  const kept = [...programs, "redis", "postgres"];
  await step("what is told to stop ends with 0, and what is started again has lost nothing", async () => {
    // The chain of the devnet is in its memory, so it stays.
    await at.compose("stop", ...kept);
    for (const container of await at.containers())
      if (kept.includes(serviceOf(container)))
        same(`${container.Name} ended with`, container.State.ExitCode, 0);
    await at.compose("rm", "--force", ...kept);
    await up();
    same("payouts that are confirmed", await confirmations(at), 2);
    await nominate(at, 3);
  });

  let dump = "";
  await step("a backup is made and verified, and restored into another database", async () => {
    const made = await at.exec("backup", ...STAKEBTS, "backup", "--dir", BACKUPS);
    dump = /^made (\S+\.dump), .*, verified$/mu.exec(made)?.[1] ?? "";
    if (dump === "") throw new Error(`no backup was made: ${made}`);
    await at.compose(
      "run", "--rm", "-T", "--no-deps", "owner",
      "restore", dump, "--into", "stakebts_drill", "--reason", "drill", "--yes", "--confirm", "stakebts_drill",
    ); // oxfmt-ignore
    const sql = "SELECT count(*) FROM payout WHERE key LIKE 'confirm:%'";
    same("payouts of the restored ledger", await at.query(sql, "stakebts_drill"), await at.query(sql));
    await at.query("DROP DATABASE stakebts_drill");
  });

  // docs/deploy.md, Upgrade and way back.
  await step("the next version takes over, and what it did not change stays", async () => {
    // Without the profile, as in production: a devnet of another version would begin another chain.
    at.set({ STAKEBTS_VERSION: tags.after, COMPOSE_PROFILES: "" });
    await up();
    await everyImageIs(at, tags.after, [...programs, "migrate"]);
    await nominate(at, 4);
  });
  await step("the version before takes over again, without its migrations", async () => {
    at.set({ STAKEBTS_VERSION: tags.before });
    await up("--no-deps", ...programs);
    await everyImageIs(at, tags.before, programs);
    await nominate(at, 5);
  });

  await step("nothing is left over: no volume without a name", async () => {
    for (const container of await at.containers())
      for (const { Type, Name = "" } of container.Mounts)
        if (Type === "volume")
          same(
            `${container.Name}: volume ${Name} is of the project`,
            Name.startsWith(`${at.project}_`),
            true,
          );
  });
}

function checkConfined(container: Container, service: Service): void {
  const { HostConfig, Name, Config } = container;
  const ours = service.buildTarget !== undefined;
  const limits = (
    service.raw["deploy"] as { resources: { limits: { cpus: string; memory: string; pids: number } } }
  ).resources.limits;
  same(`${Name} is confined`, {
    user: ours ? Config.User : "",
    readonly: HostConfig.ReadonlyRootfs,
    drops: HostConfig.CapDrop,
    security: HostConfig.SecurityOpt,
    memory: HostConfig.Memory,
    memoryAndSwap: HostConfig.MemorySwap,
    cpus: HostConfig.NanoCpus,
    pids: HostConfig.PidsLimit,
    core: ours ? HostConfig.Ulimits?.find(({ Name: name }) => name === "core")?.Hard : 0,
  }, {
    user: ours ? "10001:10001" : "",
    readonly: true,
    drops: ["ALL"],
    security: ["no-new-privileges:true"],
    memory: bytes(limits.memory),
    memoryAndSwap: bytes(limits.memory),
    cpus: Number(limits.cpus) * 1e9,
    pids: limits.pids,
    core: 0,
  }); // oxfmt-ignore
  if (ours)
    same(`${Name} has a revision`, Config.Labels["org.opencontainers.image.revision"] !== undefined, true);
}

const bytes = (text: string): number =>
  Number.parseInt(text, 10) * (text.endsWith("g") ? 1024 ** 3 : 1024 ** 2);

/** What the process itself sees. */
async function checkInside(at: Installation, { Id, Name }: Container): Promise<void> {
  const seen = await at.node<{ uid: number; written: string[]; privileges: string }>(
    Id,
    `import { readFileSync, writeFileSync } from "node:fs";
     const written = ["/app/x", "/x", "/usr/local/bin/node", "/etc/passwd"].filter((path) => {
       try { writeFileSync(path, "x", { flag: "a" }); return true; } catch { return false; }
     });
     const status = readFileSync("/proc/1/status", "utf8");
     console.log(JSON.stringify({ uid: process.getuid(), written, privileges: /^CapPrm:\\s*(\\w+)/m.exec(status)[1] }));`,
  );
  same(`${Name}, from inside`, seen, { uid: 10001, written: [], privileges: "0000000000000000" });
}

/** Every port that any service exposes: reached if and only if the two share a network. */
async function checkReach(
  at: Installation,
  container: Container,
  services: ReadonlyMap<string, Service>,
): Promise<void> {
  const own = services.get(serviceOf(container)) as Service;
  const running = new Set(
    (await at.containers()).filter(({ State }) => State.Status === "running").map(serviceOf),
  );
  const targets = [...services.values()].flatMap(({ name, exposed, networks }) =>
    name === own.name || !running.has(name)
      ? []
      : exposed.map((port) => ({
          to: `${name}:${port}`,
          expected: networks.some((network) => own.networks.includes(network)),
        })),
  );
  const reached = await at.node<string[]>(
    container.Id,
    `import { connect } from "node:net";
     const reaches = (to) => new Promise((resolve) => {
       const [host, port] = to.split(":");
       const socket = connect({ host, port: Number(port), timeout: 4000 }, () => { socket.destroy(); resolve(true); });
       for (const event of ["error", "timeout"]) socket.on(event, () => { socket.destroy(); resolve(false); });
     });
     const all = process.argv.slice(1);
     const answers = await Promise.all(all.map(reaches));
     console.log(JSON.stringify(all.filter((_, index) => answers[index])));`,
    ...targets.map(({ to }) => to),
  );
  same(
    `${container.Name} reaches`,
    reached,
    targets.filter(({ expected }) => expected).map(({ to }) => to),
  );
}

/** As a crash: the program is gone, and Docker starts the container again. `docker kill` would tell it not to. */
async function killInside(at: Installation, { Id }: Container): Promise<void> {
  await at.node(
    Id,
    `import { readdirSync, readFileSync } from "node:fs";
     const [pid] = readdirSync("/proc").filter((name) => {
       try { return /^\\d+$/.test(name) && Number(name) > 1 && readFileSync("/proc/" + name + "/cmdline", "utf8").startsWith("node\\0--optimize"); } catch { return false; }
     });
     console.log("true");
     process.kill(Number(pid), "SIGKILL");`,
  );
}

const confirmations = async (at: Installation): Promise<number> =>
  Number(
    (await at.query("SELECT count(*) FROM payout WHERE key LIKE 'confirm:%' AND status = 'confirmed'"))[0],
  );

/** Somebody nominates, and the confirmation is paid: the so-manyth of this ledger. */
async function nominate(at: Installation, count: number): Promise<void> {
  await docker([
    "exec",
    (await only(at, "devnet")).Id,
    "node",
    "packages/devnet/dist/main.js",
    "nominate",
    "--from",
    `nominator-${((count - 1) % 3) + 1}`,
  ]);
  await until(`nomination ${count} is confirmed`, async () => (await confirmations(at)) >= count);
  same("confirmations", await confirmations(at), count);
}

async function everyImageIs(at: Installation, tag: string, of: readonly string[]): Promise<void> {
  for (const container of await at.containers())
    if (of.includes(serviceOf(container)))
      same(`${container.Name} is of`, container.Config.Image.split(":")[1], tag);
}

async function only(at: Installation, service: string): Promise<Container> {
  const [container] = await at.containers(service);
  if (container === undefined) throw new Error(`there is no container of ${service}`);
  return container;
}

async function until(sentence: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${WAIT_MS_MAX / 1000} s: ${sentence}`);
    await delay(LOOK_MS);
  }
}

function same(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

const LINES_SHOWN = 12;

async function showLogs(at: Installation): Promise<void> {
  for (const container of await at.containers()) {
    const { Name, State } = container;
    console.log(`--- ${Name}: ${State.Status} ${State.Health?.Status ?? ""} ${State.ExitCode}`);
    for (const line of (await at.logs(container)).trim().split("\n").slice(-LINES_SHOWN))
      console.log(line.slice(0, 400));
  }
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MAINNET_CHAIN_ID } from "@stakebts/core/rules/policy";
import { type ComposeFile, readVariables, type Service } from "../compose/compose-file.ts";
import { buildImages, composeOf, TARGETS } from "./build.ts";
import { checkAlerts, whyNoObservability } from "./alerts.ts";
import { docker } from "./docker.ts";
import { same, until } from "./expectations.ts";
import { type Container, Installation, serviceOf } from "./installation.ts";

const START_SECONDS_MAX = "400";
const STAKEBTS = ["node", "apps/cli/bin/stakebts.js"] as const;
const BACKUPS = "/var/backups/stakebts";
const OURS: readonly string[] = ["ingester", "scheduler", "payer", "watcher", "console", "backup", "devnet"];

/** A step that does not hold ends the check: those after it rest on it. */
export async function checkImages(
  repository: string,
  tag: string,
): Promise<{ readonly passed: number; readonly failed: number; readonly skipped: number }> {
  const startMs = Date.now();
  let [passed, skipped] = [0, 0];
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
  const skip = (why: string): void => {
    skipped += 1;
    console.log(`!!! not checked: ${why}`);
  };

  let installation: Installation | undefined;
  try {
    await step(`${TARGETS.length} images are built`, () => buildImages(repository, tag));
    // The same images in the place of the version before: no older one was ever released.
    const before = `${tag}-before`;
    for (const target of TARGETS)
      await docker(["tag", `stakebts/${target}:${tag}`, `stakebts/${target}:${before}`]);
    installation = new Installation(repository, before);
    await checkInstallation(repository, installation, { step, skip }, { before, after: tag });
    console.log(`all in ${Math.round((Date.now() - startMs) / 1000)} s`);
    return { passed, failed: 0, skipped };
  } catch (error) {
    if (installation !== undefined) await showLogs(installation);
    else console.log(error);
    return { passed, failed: 1, skipped };
  } finally {
    await installation?.remove();
  }
}

async function checkInstallation(
  repository: string,
  at: Installation,
  {
    step,
    skip,
  }: {
    readonly step: (sentence: string, work: () => Promise<void>) => Promise<void>;
    readonly skip: (why: string) => void;
  },
  tags: { readonly before: string; readonly after: string },
): Promise<void> {
  // As compose does: what is in the environment wins.
  const file = composeOf(repository, { ...readVariables(join(at.folder, ".env")), ...process.env });
  const { services } = file;
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
    const [ingester, watcher] = [await at.only("ingester"), await at.only("watcher")];
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
      await checkReach(at, container, file);
    const answer = await at.node<string>(
      (await at.only("scheduler")).Id,
      `import { connect } from "node:net";
       const socket = connect(6379, "redis", () => socket.write("PING\\r\\n"));
       socket.on("data", (data) => { console.log(JSON.stringify(data.toString().split(" ")[0])); process.exit(0); });`,
    );
    same("redis answers without its password", answer, "-NOAUTH");
  });

  await step("a second installation starts and ends beside this one, which notices nothing", async () => {
    const seen = async () =>
      (await at.containers()).map(({ Id, State }) => `${Id} ${State.Status} ${State.StartedAt}`).toSorted();
    const before = await seen();
    const other = new Installation(repository, tags.before);
    try {
      await other.compose("up", "--detach", "--no-build", "--wait", "devnet", "redis");
    } finally {
      await other.remove();
    }
    same("containers of the first", await seen(), before);
    same("its nominations", await confirmations(at), 0);
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

  await step("a process that hangs is ended by its watchdog, and started again", async () => {
    const watcher = await at.only("watcher");
    await hang(at, watcher);
    await until("the watcher was ended and is healthy again", async () => {
      const { RestartCount, State } = await at.only("watcher");
      return RestartCount === watcher.RestartCount + 1 && State.Health?.Status === "healthy";
    });
    same("it said so", (await at.logs(watcher)).includes('"process.stalled"'), true);
  });

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
  });

  await step("the profile dev refuses a ledger of the main network", async () => {
    // What is written once is written again by the owner of the database alone, and here.
    await at.query(
      `SET session_replication_role = replica; UPDATE ledger_account SET chain_id = '${MAINNET_CHAIN_ID}'`,
      "stakebts_drill",
    );
    const address = readFileSync(join(at.folder, "secrets/database_url_operator"), "utf8").trim();
    const { code, said } = await at.tryCompose(
      "run", "--rm", "-T", "--no-deps", "-e", "DATABASE_URL_FILE=", "-e", `DATABASE_URL=${address}_drill`, "check-ledger",
    ); // oxfmt-ignore
    if (code !== 1 || !said.includes("on the main network")) throw new Error(`ended with ${code}: ${said}`);
    await at.query("DROP DATABASE stakebts_drill");
  });

  const why = await whyNoObservability(file);
  if (why === undefined) await checkAlerts(at, tags.before, step);
  else skip(`whether an alert reaches anybody: ${why}`);

  // docs/deploy.md, Upgrade and way back.
  await step("the next version takes over, and what it did not change stays", async () => {
    // Without the profile, as in production: a devnet of another version would begin another chain.
    at.set({ STAKEBTS_VERSION: tags.after, COMPOSE_PROFILES: "" });
    await up();
    await everyImageIs(at, tags.after, [...programs, "migrate"]);
    await nominate(at, 4);
  });
  await step("the version before takes over again on a newer ledger, and takes orders", async () => {
    await at.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ('newer', repeat('0', 64), '99991231235959_of_a_newer_version', now(), 1)`,
    );
    at.set({ STAKEBTS_VERSION: tags.before });
    await up("--no-deps", ...programs);
    await everyImageIs(at, tags.before, programs);
    for (const order of ["off", "on"])
      await at.compose("run", "--rm", "-T", "stakebts", "payments", order, "--reason", "the version before");
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
  { services, internalNetworks: internal }: ComposeFile,
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
  // The route to everything else: only networks that are not internal have one.
  const ways = await at.node<boolean>(
    container.Id,
    `import { readFileSync } from "node:fs";
     console.log(readFileSync("/proc/net/route", "utf8").split("\\n").some((line) => line.split("\\t")[1] === "00000000"));`,
  );
  same(
    `${container.Name} has a way out`,
    ways,
    own.networks.some((network) => !internal.has(network)),
  );
  same(
    `${container.Name} reaches`,
    reached,
    targets.filter(({ expected }) => expected).map(({ to }) => to),
  );
}

/** Of the program in a container, which is not process 1. */
const PROGRAM_PID = `import { readdirSync, readFileSync } from "node:fs";
     const pid = readdirSync("/proc").map(Number).find((one) => {
       try { return one > 1 && /^node\\0.*\\/dist\\/main\\.js\\0$/s.test(readFileSync("/proc/" + one + "/cmdline", "utf8")); } catch { return false; }
     });`;

/** The event loop of the program comes back no more: told so by way of Node's debugger, which a signal opens. */
async function hang(at: Installation, { Id }: Container): Promise<void> {
  await at.node(
    Id,
    `import { get, request } from "node:http";
     import { randomBytes } from "node:crypto";
     import { setTimeout as delay } from "node:timers/promises";
     ${PROGRAM_PID}
     process.kill(pid, "SIGUSR1");
     const list = () => new Promise((resolve, reject) => get("http://127.0.0.1:9229/json/list", (response) => {
       let body = "";
       response.on("data", (data) => (body += data)).on("end", () => resolve(JSON.parse(body)));
     }).on("error", reject));
     let found;
     while (found === undefined) { found = await list().catch(() => undefined); await delay(100); }
     const { hostname, port, pathname } = new URL(found[0].webSocketDebuggerUrl);
     const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": randomBytes(16).toString("base64") };
     const upgrade = request({ hostname, port, path: pathname, headers });
     upgrade.on("upgrade", (_, socket) => {
       const text = Buffer.from(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression: "for (;;);" } }));
       // One frame of text, masked with nothing.
       socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
       setTimeout(() => { console.log("true"); process.exit(0); }, 200);
     });
     upgrade.end();`,
  );
}

/** As a crash: the program is gone, and Docker starts the container again. `docker kill` would tell it not to. */
async function killInside(at: Installation, { Id }: Container): Promise<void> {
  await at.node(
    Id,
    `${PROGRAM_PID}
     console.log("true");
     process.kill(pid, "SIGKILL");`,
  );
}

const confirmations = async (at: Installation): Promise<number> =>
  Number(
    (await at.query("SELECT count(*) FROM payout WHERE key LIKE 'confirm:%' AND status = 'confirmed'"))[0],
  );

/** A nominator sends a nomination, and its confirmation is paid: the `count`th of this ledger. */
async function nominate(at: Installation, count: number): Promise<void> {
  await docker([
    "exec",
    (await at.only("devnet")).Id,
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

const LINES_SHOWN = 12;

async function showLogs(at: Installation): Promise<void> {
  for (const container of await at.containers()) {
    const { Name, State } = container;
    console.log(`--- ${Name}: ${State.Status} ${State.Health?.Status ?? ""} ${State.ExitCode}`);
    for (const line of (await at.logs(container)).trim().split("\n").slice(-LINES_SHOWN))
      console.log(line.slice(0, 400));
  }
}

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerObservation, createObservation } from "@stakebts/core/runtime/observation";
import { PROCESS_ROLES } from "@stakebts/core/database/rights";
import { PROCESS_SETTINGS, type ProcessName } from "@stakebts/core/config/process-settings";
import { isSecret, settingOf } from "@stakebts/core/config/settings";
import { readEnvironment } from "@stakebts/core/config/environment";
import { wifFromSeed } from "@stakebts/devnet";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readComposeFile, readVariables, type Service } from "../../scripts/compose/compose-file.ts";
import { type Place, rewriter } from "../../scripts/compose/place.ts";
import { understands } from "./cli-command.ts";
import { notRead } from "./not-read.ts";

const repository = join(import.meta.dirname, "../..");
const at = (path: string): string => join(repository, path);
const variables: Readonly<Record<string, string | undefined>> = {
  ...readVariables(at("deploy/compose/dev.env")),
  COMPOSE_PROJECT_NAME: "stakebts-test",
};
const compose = readComposeFile(at("docker-compose.yml"), variables);
const services = [...compose.services.values()];
const one = (name: string): Service => compose.services.get(name) as Service;
const processes = [
  "ingester",
  "scheduler",
  "payer",
  "watcher",
  "console",
] as const satisfies readonly ProcessName[];
const stores = ["postgres", "redis"];
const table = (pick: (service: Service) => unknown): Record<string, unknown> =>
  Object.fromEntries(services.map((service) => [service.name, pick(service)]));

const ADDRESSES = new Set(["REDIS_URL", "STAKEBTS_EXCHANGE_URL"]);

let secrets: string;
beforeAll(() => {
  secrets = mkdtempSync(join(tmpdir(), "stakebts-secrets-"));
  execFileSync(at("deploy/compose/make-secrets.sh"), ["dev"], {
    env: { ...process.env, STAKEBTS_SECRETS_DIR: secrets },
  });
});
afterAll(() => rmSync(secrets, { recursive: true, force: true }));

describe("docker-compose.yml", () => {
  it("is what the Compose Specification allows", () => {
    const { $schema: _, ...schema } = JSON.parse(
      readFileSync(at("node_modules/dclint/schemas/compose.schema.json"), "utf8"),
    ) as Record<string, unknown>;
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
    validate(compose.document);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { a: { image: "b", comand: [] } } })).toBe(false);
  });

  it("refuses to start without what has no default, and without a name and a tag of its own", () => {
    for (const name of [
      "COMPOSE_PROJECT_NAME",
      "STAKEBTS_VERSION",
      "STAKEBTS_NODES",
      "STAKEBTS_CUSTODIAN",
      "STAKEBTS_PAYMENTS",
    ])
      expect(() => readComposeFile(at("docker-compose.yml"), { ...variables, [name]: "" })).toThrow(
        `${name} is not set`,
      );
  });

  it("leaves every setting to .env and settings/<service>.env: what stands in environment: would win over both", () => {
    const raw = (
      compose.document as { services: Record<string, { env_file?: unknown; environment?: object }> }
    ).services;
    const told = Object.entries(raw).filter(([, { env_file: files }]) => files !== undefined);
    expect(told.map(([name]) => name)).toEqual([...processes, "stakebts"]);
    for (const [name, { environment = {} }] of told) {
      expect(one(name).envFiles).toEqual([".env", `./deploy/compose/dev-settings/${name}.env`]);
      for (const [key, value] of Object.entries(environment))
        // Who types is known to the shell alone.
        if (key !== "STAKEBTS_ACTOR") expect(String(value), `${name} ${key}`).not.toContain("$");
    }
  });

  it("names the person who types, also under sudo", () => {
    const actorOf = (who: Record<string, string>): unknown =>
      readComposeFile(at("docker-compose.yml"), { ...variables, ...who }).services.get("stakebts")
        ?.environment["STAKEBTS_ACTOR"];
    expect(actorOf({ USER: "anna" })).toBe("anna");
    expect(actorOf({ USER: "root", SUDO_USER: "anna" })).toBe("anna");
    expect(actorOf({ USER: "root", SUDO_USER: "anna", STAKEBTS_ACTOR: "boris" })).toBe("boris");
  });

  it("runs files that the build makes, and commands that stakebts has", async () => {
    for (const { name, argv, buildTarget } of services) {
      if (buildTarget === undefined) continue;
      const [program, ...args] = argv;
      expect({ name, program }).toEqual({ name, program: "node" });
      const index = args.findIndex((arg) => !arg.startsWith("--"));
      const file = args[index] as string;
      const source = file.replace("/dist/", "/src/").replace(/main\.js$/u, "main.ts");
      expect({ name, file, exists: existsSync(at(source)) }).toEqual({ name, file, exists: true });
      if (file.endsWith("stakebts.js")) expect(await understands(args.slice(index + 1)), name).toBe(true);
    }
  });

  it("gives each process settings that it reads, and no others", () => {
    for (const name of processes) expect(notRead(name, one(name).environment), name).toEqual([]);
    for (const name of ["migrate", "backup", "stakebts", "owner", "first-user"])
      expect(notRead("stakebts", one(name).environment), name).toEqual([]);
    // The rest is not ours, and takes none of our settings.
    for (const { name, environment, buildTarget } of services)
      if (buildTarget === undefined || name === "devnet")
        expect(
          Object.keys(environment).filter((key) => key.startsWith("STAKEBTS_")),
          name,
        ).toEqual([]);
  });

  it("asks .env for settings that there are, and both examples of one set no other", () => {
    const names = (text: string, pattern: RegExp): string[] =>
      [...text.matchAll(pattern)].map(([, name = ""]) => name).filter((name) => name.startsWith("STAKEBTS_"));
    const asked = names(readFileSync(at("docker-compose.yml"), "utf8"), /\$\{(\w+)/gu);
    expect(asked.length).toBeGreaterThan(10);
    const isSetting = (name: string): boolean => settingOf(name.replace(/_FILE$/u, "")) !== undefined;
    expect(asked.filter((name) => !isSetting(name))).toEqual([]);
    for (const file of ["dev.env", "production.env"]) {
      const set = names(readFileSync(at(`deploy/compose/${file}`), "utf8"), /^(?:# )?(\w+)=/gmu);
      expect(set.length).toBeGreaterThan(5);
      expect({ file, names: set.filter((name) => !isSetting(name)) }).toEqual({ file, names: [] });
    }
  });

  it.each(processes)("gives %s everything that it does not start without", (name) => {
    const service = one(name);
    const place: Place = {
      portOf: (_service, _replica, port) => port,
      volume: (volume) => join(secrets, volume),
      path: at,
      secret: (secret) => join(secrets, secret),
    };
    const { environment } = rewriter(compose, place, { service, replica: 1 });
    const own = service.envFiles.flatMap((path) =>
      path === ".env" ? [variables] : existsSync(at(path)) ? [readVariables(at(path))] : [],
    );
    const given = Object.assign({}, ...own, service.environment) as Record<string, string>;
    const settings = Object.entries(given).map(([key, value]) => [key, environment(value)]);
    expect(readEnvironment(PROCESS_SETTINGS[name], Object.fromEntries(settings))).toMatchObject({
      LOG_LEVEL: "info",
    });
  });

  it("has an example for a real network that names everything without a default", () => {
    const named = Object.keys(readVariables(at("deploy/compose/production.env")));
    const filled = Object.fromEntries(named.map((name) => [name, "x"]));
    expect(() => readComposeFile(at("docker-compose.yml"), filled)).not.toThrow();
  });
});

describe("secrets", () => {
  it("are files, mounted where they are needed and nowhere else", () => {
    expect(table(({ secrets: mounted }) => mounted.join(" "))).toEqual({
      postgres: "postgres_password",
      redis: "redis_config redis_password",
      migrate: ["", "_backup", "_console", "_ingester", "_operator", "_payer", "_scheduler", "_watcher"]
        .map((process) => `database_url${process}`)
        .join(" "),
      ingester: "database_url_ingester redis_url memo_key",
      scheduler: "database_url_scheduler redis_url exchange_1_deposit_memo",
      payer:
        "database_url_payer redis_url memo_key active_key exchange_1_key exchange_1_secret exchange_1_deposit_memo",
      watcher: "database_url_watcher",
      console: "database_url_console redis_url",
      backup: "database_url_backup",
      stakebts: "database_url_operator redis_url",
      owner: "database_url",
      "check-ledger": "database_url_operator",
      devnet: "",
      "first-user": "database_url_operator console_password",
      prometheus: "",
      alertmanager: "alertmanager_config",
      "node-exporter": "",
      grafana: "grafana_password",
    });
  });

  it("of the database's owner are given to what ends by itself, never to a process that goes on", () => {
    const owners = services.filter(({ secrets: mounted }) =>
      mounted.some((name) => ["database_url", "postgres_password"].includes(name)),
    );
    expect(owners.map(({ name, restart }) => `${name} ${restart}`)).toEqual([
      "postgres unless-stopped",
      "migrate on-failure:5",
      "owner no",
    ]);
  });

  it("of the database are one for each process, and migrate makes the login of every one", () => {
    const logins = PROCESS_ROLES.map((role) => `database_url_${role}`);
    expect(one("migrate").argv.filter((arg) => arg.startsWith("/"))).toEqual(
      logins.map((name) => `/run/secrets/${name}`),
    );
    const made = logins.map((name) => new URL(readFileSync(join(secrets, name), "utf8").trim()));
    expect(new Set(made.map(({ username }) => username)).size).toBe(logins.length);
    expect(new Set(made.map(({ password }) => password)).size).toBe(logins.length);
    for (const name of logins) {
      const users = services.filter(
        ({ name: service, secrets: mounted }) => service !== "migrate" && mounted.includes(name),
      );
      for (const { name: service, environment } of users)
        expect(environment["DATABASE_URL_FILE"], service).toBe(`/run/secrets/${name}`);
    }
  });

  it("that are in the memory of a process are not written to a disk, neither when it dies nor as swap", () => {
    for (const { name, raw, buildTarget } of services) {
      if (buildTarget !== undefined) expect(raw, name).toMatchObject({ ulimits: { core: 0 } });
      const { memory } = (raw["deploy"] as { resources: { limits: { memory: string } } }).resources.limits;
      expect(raw["memswap_limit"], name).toBe(memory);
    }
  });

  it("of redis are one password, as the server reads it and as its clients do", () => {
    const made = (name: string): string => readFileSync(join(secrets, name), "utf8").trim();
    const password = made("redis_password");
    expect(password).toMatch(/^[0-9a-f]{48}$/u);
    expect(made("redis_config")).toBe(`requirepass ${password}`);
    expect(new URL(made("redis_url"))).toMatchObject({ password, host: "redis:6379" });
    expect(one("redis").argv.slice(0, 2)).toEqual(["redis-server", "/run/secrets/redis_config"]);
    expect(one("redis").argv.join(" ")).toContain("--protected-mode yes");
  });

  it("stand in no environment, and every path of one is mounted", () => {
    for (const { name, environment, argv, secrets: mounted } of services) {
      for (const [key, value] of Object.entries(environment)) {
        const setting = settingOf(key);
        // An address is a secret for what may stand in it; it does not here.
        if (
          setting !== undefined
            ? isSecret(key) && !ADDRESSES.has(key)
            : /(?<!PUBLIC_)KEY|SECRET|PASSWORD|TOKEN/u.test(key)
        )
          expect(key, name).toMatch(/_FILE$/u);
        expect(value, `${name} ${key}`).not.toMatch(/:\/\/[^/]*@/u);
      }
      for (const path of [...Object.values(environment), ...argv])
        if (path.startsWith("/run/secrets/"))
          expect(mounted, name).toContain(path.slice("/run/secrets/".length));
    }
  });

  it("are made by the script, for their owner alone, and are not in the repository", () => {
    for (const [name, file] of compose.secrets) {
      // While images are built alone, and for a registry of your own alone.
      if (["npmrc", "ca"].includes(name)) {
        expect(file).toBe("/dev/null");
        expect(services.filter(({ secrets: mounted }) => mounted.includes(name))).toEqual([]);
        continue;
      }
      expect(file).toBe(`./secrets/${name}`);
      expect(existsSync(join(secrets, name)), name).toBe(true);
    }
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    expect(readFileSync(at(".gitignore"), "utf8").split("\n")).toContain("/secrets");
    expect(readFileSync(at(".dockerignore"), "utf8").split("\n")[1]).toBe("*");
  });

  it("of the development chain are those of its public seeds", () => {
    const custodian = variables["STAKEBTS_CUSTODIAN"] as string;
    const made = (name: string): string => readFileSync(join(secrets, name), "utf8").trim();
    expect(made("active_key")).toBe(wifFromSeed(`${custodian}-active`));
    expect(made("memo_key")).toBe(wifFromSeed(`${custodian}-memo`));
  });
});

describe("the script that makes secrets", () => {
  const said = (folder: string): string =>
    execFileSync(at("deploy/compose/make-secrets.sh"), [], {
      encoding: "utf8",
      env: { ...process.env, STAKEBTS_SECRETS_DIR: folder },
    });

  it("says which keys are to be put in, and that no person gets alerts, until that is done", () => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-secrets-"));
    const missing = said(folder);
    for (const what of ["active_key", "memo_key", "alertmanager_config"]) expect(missing).toContain(what);
    for (const key of ["active_key", "memo_key"]) writeFileSync(join(folder, key), "5…");
    rmSync(join(folder, "alertmanager_config"));
    writeFileSync(join(folder, "alertmanager_config"), "route: { receiver: people }");
    expect(said(folder)).toBe("");
    rmSync(folder, { recursive: true });
  });
});

describe("the script that checks versions", () => {
  const said = (engine: string, composeVersion: string): string => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-docker-"));
    const answers = `#!/bin/sh\n[ "$1" = compose ] && echo ${composeVersion} || echo ${engine}\n`;
    writeFileSync(join(folder, "docker"), answers, { mode: 0o755 });
    const { status, stderr } = spawnSync(at("deploy/compose/check-versions.sh"), {
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` },
    });
    rmSync(folder, { recursive: true });
    return `${status} ${stderr.trim()}`;
  };

  it("refuses an engine or a Compose that does not understand the compose file", () => {
    expect(said("25.0.3", "v2.24.0")).toBe("0 ");
    expect(said("26.1.5+dfsg1", "2.26.1-4")).toBe("0 ");
    expect(said("24.0.9", "2.26.1")).toContain("1 Docker Engine is 24.0.9");
    expect(said("29.0.0", "2.9.0")).toContain("1 Docker Compose is 2.9.0");
  });
});

describe("networks", () => {
  it("keep the stores on one without a way out, and the payer's way out to itself", () => {
    for (const name of ["postgres", "migrate", "backup", "owner", "first-user", "check-ledger"])
      expect({ name, networks: one(name).networks }).toEqual({ name, networks: ["data"] });
    expect(one("redis").networks).toEqual(["queue"]);
    expect(services.filter(({ networks }) => networks.includes("queue")).map(({ name }) => name)).toEqual([
      "redis",
      "ingester",
      "scheduler",
      "payer",
      "console",
      "stakebts",
    ]);
    expect([...compose.internalNetworks].sort()).toEqual(["alerts", "data", "metrics", "queue"]);
    expect(services.filter(({ networks }) => networks.includes("payments")).map(({ name }) => name)).toEqual([
      "payer",
      "devnet",
    ]);
    expect(services.filter(({ networks }) => networks.includes("watch")).map(({ name }) => name)).toEqual([
      "watcher",
      "devnet",
    ]);
    expect(Object.keys(one("watcher").dependsOn)).not.toContain("redis");
    expect(one("scheduler").networks).not.toContain("chain");
  });

  it("are reached from outside at addresses of this machine alone, and never a store or the payer", () => {
    const published = services.filter(({ published: ports }) => ports.length > 0);
    expect(published.map(({ name }) => name)).toEqual(["console", "devnet", "grafana"]);
    for (const { published: ports } of published)
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/u);
  });

  it("connect everything that is named in a setting", () => {
    for (const { name, environment, networks } of services)
      for (const value of Object.values(environment))
        for (const [, host = "", port] of value.matchAll(/\/\/([a-z][a-z-]*):(\d+)/gu)) {
          const other = one(host);
          expect(other.exposed, `${name} → ${host}`).toContain(Number(port));
          expect(
            other.networks.some((network) => networks.includes(network)),
            `${name} → ${host}`,
          ).toBe(true);
        }
  });
});

describe("every service", () => {
  it("has a file system that it cannot write to, no capabilities, limits and a rule for restarts", () => {
    for (const { name, raw, restart } of services) {
      expect(raw, name).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        deploy: {
          resources: {
            limits: { cpus: expect.any(String), memory: expect.any(String), pids: expect.any(Number) },
          },
        },
      });
      expect(["no", "unless-stopped", "on-failure:5"], name).toContain(restart);
      if (!stores.includes(name)) expect(String(raw["user"]), name).toMatch(/^[1-9]\d*:\d+$/u);
    }
  });

  it("says whether it is healthy, or ends by itself", () => {
    for (const { name, healthcheck, restart, profiles } of services)
      expect({
        name,
        ok: healthcheck !== undefined || restart !== "unless-stopped" || profiles.includes("tools"),
      }).toEqual({
        name,
        ok: true,
      });
  });

  it("takes an operator's order with a ledger of any version", () => {
    // The `migrate` of an older version refuses a newer ledger: after going back it would be in the way.
    for (const name of ["stakebts", "owner"]) expect(Object.keys(one(name).dependsOn)).toEqual(["postgres"]);
  });

  it("waits for health where there is a health check, and for the end of what ends", () => {
    for (const { name, dependsOn } of services)
      for (const [on, { condition, required }] of Object.entries(dependsOn)) {
        const other = one(on);
        const expected =
          other.healthcheck === undefined ? "service_completed_successfully" : "service_healthy";
        expect({ name, on, condition }).toEqual({ name, on, condition: expected });
        // A service of a profile is not there for everybody.
        expect({ name, on, required }).toEqual({
          name,
          on,
          required: other.profiles.every((p) => one(name).profiles.includes(p)),
        });
      }
  });

  it("is asked at a port where it listens and a path that it answers", async () => {
    const observation = createObservation({
      clock: { nowMs: () => 0 },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    for (const name of processes) {
      const { healthcheck, environment, exposed } = one(name);
      const url = new URL(healthcheck?.test.at(-1) ?? "");
      expect(environment["STAKEBTS_HTTP_PORT"]).toBe(url.port);
      expect(exposed).toContain(Number(url.port));
      expect((await answerObservation(observation, url.pathname)).status).not.toBe(404);
    }
  });

  it("is a target that the monitoring asks, if it is ours and goes on", () => {
    const { scrape_configs: jobs } = parse(readFileSync(at("deploy/compose/prometheus.yml"), "utf8")) as {
      scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[] }[];
    };
    const targets = jobs.flatMap(({ dns_sd_configs: configs = [] }) =>
      configs.map(({ names, port }) => `${names.join()}:${port}`),
    );
    expect(targets).toEqual(
      processes.map((name) => `${name}:${one(name).environment["STAKEBTS_HTTP_PORT"]}`),
    );
  });

  it("that does one thing is tried again, and nothing of the profile dev starts before the ledger was looked at", () => {
    for (const name of ["migrate", "check-ledger", "first-user"])
      expect(one(name).restart).toBe("on-failure:5");
    expect(one("check-ledger").argv.slice(-3)).toEqual(["db", "status", "--not-main-network"]);
    for (const { name, profiles, dependsOn } of services)
      if (profiles.includes("dev") && name !== "check-ledger")
        expect(Object.keys(dependsOn), name).toContain("check-ledger");
  });

  it("has its alerts handed on to receivers that there are", () => {
    const { route, receivers } = parse(readFileSync(at("deploy/compose/alertmanager.yml"), "utf8")) as {
      route: { receiver: string; routes: { receiver: string }[] };
      receivers: { name: string }[];
    };
    const names = receivers.map(({ name }) => name);
    for (const { receiver } of [route, ...route.routes]) expect(names).toContain(receiver);
    const { alerting } = parse(readFileSync(at("deploy/compose/prometheus.yml"), "utf8")) as {
      alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
    };
    const [target] = alerting.alertmanagers.flatMap(({ static_configs: configs }) =>
      configs.flatMap(({ targets }) => targets),
    );
    expect(target).toBe(`alertmanager:${one("alertmanager").exposed.join()}`);
    expect(one("alertmanager").networks.some((network) => one("prometheus").networks.includes(network))).toBe(
      true,
    );
  });

  it("mounts files that exist", () => {
    for (const { name, mounts } of services)
      for (const { source } of mounts)
        if (source.startsWith("."))
          expect({ name, source, exists: existsSync(at(source)) }).toEqual({ name, source, exists: true });
  });
});

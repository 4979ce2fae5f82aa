import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answerObservation, createObservation } from "@stakebts/core/runtime/observation";
import { PROCESS_ROLES } from "@stakebts/core/database/rights";
import { PROCESS_SETTINGS } from "@stakebts/core/config/process-settings";
import { isSecret, settingOf } from "@stakebts/core/config/settings";
import { afterAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { understands } from "./cli-command.ts";
import { notRead } from "./not-read.ts";

const repository = join(import.meta.dirname, "../..");
const base = join(repository, "deploy/k8s/base");

interface Container {
  name: string;
  image: string;
  args: string[];
  env?: { name: string; value: string }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
  startupProbe?: { httpGet: { path: string; port: string } };
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: unknown;
  resources: unknown;
}
interface PodSpec {
  containers: Container[];
  securityContext: unknown;
  volumes: {
    name: string;
    secret?: { secretName: string };
    configMap?: { name: string };
    projected?: { sources: unknown[] };
  }[];
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec: Record<string, unknown>;
}

interface Kustomization {
  readonly resources: string[];
  readonly configMapGenerator: { name: string; literals?: string[]; files?: string[] }[];
}
const kustomizationOf = (folder: string): Kustomization =>
  parse(readFileSync(join(base, folder, "kustomization.yaml"), "utf8")) as Kustomization;
const kustomization = kustomizationOf(".");
// As kubectl reads YAML: 0440 is octal.
const documentsOf = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: "1.1" }).map((one) => one.toJS() as Manifest);
const manifests: Manifest[] = [
  ...[".", "../once", "../tools/stakebts", "../tools/restore"].flatMap((folder) =>
    kustomizationOf(folder).resources.flatMap((file) =>
      documentsOf(readFileSync(join(base, folder, file), "utf8")),
    ),
  ),
  // What kustomize makes, but for the hash in their names.
  ...kustomizationOf("../settings").configMapGenerator.map(({ name, literals = [], files = [] }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data: Object.fromEntries([
      ...literals.map((text) => text.split(/=(.*)/u).slice(0, 2)),
      ...files.map((file) => [file, readFileSync(join(base, "../settings", file), "utf8")]),
    ]) as Record<string, string>,
    spec: {},
  })),
];
const kind = (name: string): Manifest[] => manifests.filter((one) => one.kind === name);

/** Pods by the name of what makes them. */
const pods = new Map<string, { labels: Record<string, string>; spec: PodSpec }>(
  manifests.flatMap(({ kind: of, metadata, spec }) => {
    const template =
      of === "CronJob"
        ? (spec["jobTemplate"] as { spec: { template: unknown } }).spec.template
        : of === "Deployment" || of === "Job"
          ? spec["template"]
          : of === "Pod"
            ? { metadata, spec }
            : undefined;
    if (template === undefined) return [];
    const pod = template as { metadata: { labels: Record<string, string> }; spec: PodSpec };
    return [[metadata.name, { labels: pod.metadata.labels, spec: pod.spec }] as const];
  }),
);
const processes = ["ingester", "scheduler", "payer", "watcher", "console"] as const;
const container = (name: string): Container => pods.get(name)?.spec.containers[0] as Container;
const configMap = (name: string): Record<string, string> =>
  kind("ConfigMap").find(({ metadata }) => metadata.name === name)?.data ?? {};
const settingsOf = ({ env = [], envFrom = [] }: Container): Record<string, string> => ({
  ...Object.assign({}, ...envFrom.map(({ configMapRef }) => configMap(configMapRef.name))),
  ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
});

/** Folder and version in kubernetes-types: `batch/v1`, `networking/v1` of `networking.k8s.io/v1`, `core/v1` of `v1`. */
const typesOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.replace(/\.k8s\.io\//u, "/") : `core/${apiVersion}`;
const generated = join(repository, "node_modules/.cache/stakebts-manifests");
afterAll(() => rmSync(generated, { recursive: true, force: true }));

describe("the manifests", () => {
  it("are all in the kustomization", () => {
    const files = readdirSync(base).filter((name) => name !== "kustomization.yaml");
    expect(kustomization.resources.toSorted()).toEqual(files.toSorted());
  });

  it("have the keys and values of the types of Kubernetes, and no others", () => {
    const check = (documents: readonly Manifest[]): string => {
      mkdirSync(generated, { recursive: true });
      const text = documents.map(({ spec, ...rest }, n) => {
        const one = rest.kind === "ConfigMap" ? rest : { ...rest, ...(spec === undefined ? {} : { spec }) };
        return (
          `import type { ${one.kind} as T${n} } from "kubernetes-types/${typesOf(one.apiVersion)}.d.ts";\n` +
          `export const m${n} = ${JSON.stringify(one)} satisfies T${n};\n`
        );
      });
      const file = join(generated, "manifests.ts");
      writeFileSync(file, text.join(""));
      const options = [
        "--ignoreConfig",
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--types",
        "node",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
      ];
      const { stdout } = spawnSync(join(repository, "node_modules/.bin/tsc"), [...options, file], {
        encoding: "utf8",
      });
      return stdout;
    };
    expect(check(manifests)).toBe("");
    const [namespace] = kind("Namespace") as [Manifest];
    const [deployment] = kind("Deployment") as [Manifest];
    const { template: _, ...incomplete } = deployment.spec;
    // In one go: the compiler takes a second to start.
    const refused = check([
      { ...namespace, metdata: {} } as Manifest,
      { ...deployment, spec: { ...deployment.spec, replicas: "one" } },
      { ...deployment, spec: incomplete },
      { ...deployment, apiVersion: "apps/v2" },
      { ...deployment, kind: "Deploymant" },
    ]);
    const reasons = [
      `'"metdata"' does not exist`,
      "'string' is not assignable to type 'number'",
      "'template' is missing",
      "'kubernetes-types/apps/v2.d.ts'",
      "no exported member named 'Deploymant'",
    ];
    for (const reason of reasons) expect(refused).toContain(reason);
  });

  it("hold no secret", () => {
    expect(kind("Secret")).toEqual([]);
    for (const { spec } of pods.values())
      for (const one of spec.containers)
        for (const [name, value] of Object.entries(settingsOf(one))) {
          expect({ name, secret: settingOf(name) !== undefined && isSecret(name) }).toEqual({
            name,
            secret: false,
          });
          expect(value).not.toMatch(/:\/\/[^/]*@/u);
        }
  });

  const LOGINS: Readonly<Record<string, string>> = {
    migrate: "owner",
    restore: "owner",
    stakebts: "operator",
    compare: "operator",
    "audit-verify": "operator",
  };
  it("sign each pod in with its own login, and give the owner's address to what ends by itself alone", () => {
    const secrets = (name: string): string[] =>
      (pods.get(name)?.spec.volumes ?? []).flatMap(({ secret }) =>
        secret?.secretName.startsWith("stakebts-database") === true ? [secret.secretName] : [],
      );
    for (const name of pods.keys())
      expect(secrets(name), name).toEqual([`stakebts-database-${LOGINS[name] ?? name}`]);
    const logins = pods.get("migrate")?.spec.volumes.find(({ projected }) => projected !== undefined);
    expect(logins?.projected?.sources).toEqual(
      PROCESS_ROLES.map((role) => ({
        secret: {
          name: `stakebts-database-${role}`,
          items: [{ key: "DATABASE_URL", path: `database_url_${role}` }],
        },
      })),
    );
    expect(container("migrate").args.filter((arg) => arg.startsWith("/"))).toEqual(
      PROCESS_ROLES.map((role) => `/run/secrets/logins/database_url_${role}`),
    );
  });

  it("give the payer's keys to the payer alone, and run one payer at a time", () => {
    const holders = (secret: string): string[] =>
      [...pods].flatMap(([name, { spec }]) =>
        spec.volumes.some((volume) => volume.secret?.secretName === secret) ? [name] : [],
      );
    expect(holders("stakebts-payer")).toEqual(["payer"]);
    expect(holders("stakebts-memo-key").toSorted()).toEqual(["compare", "ingester", "payer"]);
    const payer = kind("Deployment").find(({ metadata }) => metadata.name === "payer");
    expect(payer?.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  });

  it("let every pod do nothing that it does not need", () => {
    for (const [name, { spec }] of pods) {
      expect(spec, name).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const one of spec.containers)
        expect(one, name).toMatchObject({
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          resources: { limits: { memory: expect.any(String) }, requests: { cpu: expect.any(String) } },
        });
      // A container whose request of memory is its limit is never given swap, and there are keys in some.
      for (const { resources } of spec.containers as unknown as {
        resources: { limits: { memory: string }; requests: { memory: string } };
      }[])
        expect(resources.requests.memory, name).toBe(resources.limits.memory);
    }
  });

  it("give each process settings that it reads, and everything that it does not start without", () => {
    // The settings of all are given to all, as .env is: each is one that a process reads.
    const ofAll = Object.keys(configMap("stakebts-settings"));
    expect(
      ofAll.filter((name) => processes.every((reader) => notRead(reader, { [name]: "" }).length > 0)),
    ).toEqual([]);
    for (const name of processes) {
      expect(container(name).envFrom?.map(({ configMapRef }) => configMapRef.name)).toContain(
        "stakebts-settings",
      );
      const own = Object.entries(settingsOf(container(name))).filter(([setting]) => !ofAll.includes(setting));
      expect(notRead(name, Object.fromEntries(own)), name).toEqual([]);
      const given = Object.keys(settingsOf(container(name))).map((setting) => setting.replace(/_FILE$/u, ""));
      const missing = Object.entries(PROCESS_SETTINGS[name].shape).flatMap(([setting, schema]) =>
        schema.safeParse(undefined).success || given.includes(setting) ? [] : [setting],
      );
      expect({ name, missing }).toEqual({ name, missing: [] });
    }
    for (const name of ["migrate", "backup", "stakebts", "restore", "compare", "audit-verify"])
      expect(notRead("stakebts", settingsOf(container(name))), name).toEqual([]);
  });

  it("keep the names out that Kubernetes gives for services: STAKEBTS_… of a service would be no setting", () => {
    for (const [name, { spec }] of pods) expect(spec, name).toMatchObject({ enableServiceLinks: false });
  });

  it("mount every file that a setting names, and every volume that is mounted", () => {
    for (const [name, { spec }] of pods)
      for (const one of spec.containers) {
        const mounted = one.volumeMounts.map(({ mountPath }) => mountPath);
        for (const value of Object.values(settingsOf(one)))
          if (/^\/(?:run|etc)\//u.test(value))
            expect(mounted, name).toContain(value.slice(0, value.lastIndexOf("/")));
        for (const { name: volume } of one.volumeMounts)
          expect(
            spec.volumes.map((v) => v.name),
            name,
          ).toContain(volume);
        for (const { configMap: map } of spec.volumes)
          if (map !== undefined) expect(configMap(map.name)).not.toEqual({});
      }
  });

  it("run the commands of the images", async () => {
    const dockerfile = readFileSync(join(repository, "Dockerfile"), "utf8");
    for (const name of processes)
      expect(dockerfile).toContain(
        `CMD [${container(name)
          .args.map((arg) => JSON.stringify(arg))
          .join(", ")}]`,
      );
    for (const name of ["migrate", "backup", "stakebts", "restore", "compare", "audit-verify"])
      expect(await understands(container(name).args), name).toBe(true);
  });

  it("ask for health at ports and paths that are answered", async () => {
    const observation = createObservation({
      clock: { nowMs: () => 0 },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    for (const name of processes) {
      const { livenessProbe, readinessProbe, startupProbe, ports = [] } = container(name);
      // The default of one second is too short for a machine that starts everything at once.
      expect(startupProbe).toMatchObject({ timeoutSeconds: 5, httpGet: { path: "/healthz" } });
      expect(livenessProbe?.httpGet.path).toBe("/healthz");
      expect(readinessProbe?.httpGet.path).toBe("/readyz");
      for (const probe of [livenessProbe, readinessProbe]) {
        const port = ports.find((one) => one.name === probe?.httpGet.port)?.containerPort;
        expect(String(port)).toBe(settingsOf(container(name))["STAKEBTS_HTTP_PORT"]);
        expect((await answerObservation(observation, probe?.httpGet.path ?? "")).status).not.toBe(404);
      }
    }
  });

  it("keep what must not be lost apart from what is deleted, and are spread over hosts", () => {
    const kinds = kustomization.resources.flatMap((file) =>
      documentsOf(readFileSync(join(base, file), "utf8")).map((one) => one.kind),
    );
    expect(kinds).not.toContain("Namespace");
    expect(kinds).not.toContain("PersistentVolumeClaim");
    for (const { metadata, spec } of kind("Deployment")) {
      const [constraint] = (spec["template"] as { spec: { topologySpreadConstraints: unknown[] } }).spec
        .topologySpreadConstraints;
      expect(constraint, metadata.name).toMatchObject({
        topologyKey: "kubernetes.io/hostname",
        labelSelector: { matchLabels: { "app.kubernetes.io/name": metadata.name } },
      });
    }
    const [migrate] = kind("Job");
    expect(migrate?.spec["ttlSecondsAfterFinished"]).toBe(600);
  });

  it("let each process out to what it needs, and none to a store at any address", () => {
    interface Rule {
      readonly to?: unknown[];
      readonly ports?: { readonly port: number }[];
    }
    const policies = kind("NetworkPolicy").map(({ spec }) => spec as unknown as Record<string, unknown>);
    const ports = (pod: string): number[] =>
      [
        ...new Set(
          policies.flatMap(({ podSelector, egress = [] }) => {
            const { matchLabels, matchExpressions } = podSelector as {
              matchLabels?: Record<string, string>;
              matchExpressions?: { values: string[] }[];
            };
            const named = [
              ...Object.values(matchLabels ?? {}),
              ...(matchExpressions ?? []).flatMap(({ values }) => values),
            ];
            const everybody = matchLabels === undefined && matchExpressions === undefined;
            if (!everybody && !named.includes(pod)) return [];
            return (egress as Rule[]).flatMap((rule) => (rule.ports ?? []).map(({ port }) => port));
          }),
        ),
      ].toSorted((a, b) => a - b);
    expect(Object.fromEntries([...pods.keys()].map((name) => [name, ports(name)]))).toEqual({
      migrate: [53, 5432],
      ingester: [53, 443, 5432, 6379],
      scheduler: [53, 443, 465, 587, 5432, 6379],
      payer: [53, 443, 5432, 6379],
      watcher: [53, 443, 465, 587, 5432],
      console: [53, 443, 5432, 6379],
      backup: [53, 5432],
      compare: [53, 443, 5432],
      "audit-verify": [53, 5432],
      stakebts: [53, 443, 5432, 6379],
      restore: [53, 5432],
    });
    for (const { egress = [] } of policies)
      for (const { to } of egress as Rule[]) expect(to?.length).toBeGreaterThan(0);
    const outside = policies.flatMap(({ egress = [] }) =>
      (egress as { to: { ipBlock?: { cidr: string } }[] }[]).flatMap(({ to }) =>
        to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []),
      ),
    );
    expect(new Set(outside)).toEqual(new Set(["0.0.0.0/0", "::/0", "169.254.20.10/32"]));
  });

  it("deny what no policy allows, and select pods that exist", () => {
    const policies = kind("NetworkPolicy").map(({ spec }) => spec);
    expect(policies).toContainEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    const labels = [...pods.values()].map((pod) => pod.labels["app.kubernetes.io/name"]);
    const selected = [...kind("NetworkPolicy"), ...kind("PodDisruptionBudget")].flatMap(({ spec }) => {
      const { matchLabels, matchExpressions } = (spec["podSelector"] ?? spec["selector"]) as {
        matchLabels?: Record<string, string>;
        matchExpressions?: { values: string[] }[];
      };
      return [
        ...Object.values(matchLabels ?? {}),
        ...(matchExpressions ?? []).flatMap(({ values }) => values),
      ];
    });
    expect(selected.filter((label) => !labels.includes(label))).toEqual([]);
    expect(
      kind("PodDisruptionBudget")
        .map(({ metadata }) => metadata.name)
        .toSorted(),
    ).toEqual([...processes].toSorted());
  });
});

// The programs that put manifests together; without either nothing is rendered here.
const kustomize = [
  ["kubectl", "kustomize"],
  ["kustomize", "build"],
].find(([program = "", ...args]) => spawnSync(program, [...args, "--help"]).status === 0);

describe("what kustomize makes of them", () => {
  if (kustomize === undefined)
    console.warn("neither kubectl nor kustomize is here: manifests are not put together");
  const FOLDERS = [
    "once",
    "base",
    "tools/stakebts",
    "tools/restore",
    "example",
    "example/stakebts",
    "example/restore",
  ];
  const made = (folder: string): Manifest[] => {
    const [program = "", ...args] = kustomize as string[];
    const { stdout, stderr } = spawnSync(program, [...args, join(base, "..", folder)], { encoding: "utf8" });
    expect(stderr).toBe("");
    return documentsOf(stdout);
  };
  type Model = new (data: unknown) => { validate(): void };
  /** By the schemas of Kubernetes itself: also forms of quantities, names and times. */
  const validate = ({ apiVersion, kind: of, ...rest }: Manifest): void => {
    const models = createRequire(import.meta.url)(`kubernetes-models/${apiVersion}`) as Record<string, Model>;
    const Found = models[of];
    if (Found === undefined) throw new Error(`there is no ${of} in ${apiVersion}`);
    new Found(rest).validate();
  };

  it.skipIf(kustomize === undefined).each(FOLDERS)("is valid: %s", (folder) => {
    const documents = made(folder);
    expect(documents.length).toBeGreaterThan(0);
    for (const one of documents) validate(one);
    for (const { kind: of, metadata } of documents)
      if (of !== "Namespace") expect((metadata as { namespace?: string }).namespace).toBe("stakebts");
  });

  it.skipIf(kustomize === undefined)(
    "a change of settings starts again what uses them, and tools take the same",
    () => {
      const settingsOf = (folder: string): string | undefined =>
        made(folder).find(
          ({ kind: of, metadata }) => of === "ConfigMap" && metadata.name.startsWith("stakebts-settings-"),
        )?.metadata.name;
      expect(settingsOf("base")).not.toBe(settingsOf("example"));
      expect(settingsOf("example/stakebts")).toBe(settingsOf("example"));
      const used = JSON.stringify(made("example").filter(({ kind: of }) => of === "Deployment"));
      expect(used).toContain(`"${settingsOf("example")}"`);
      expect(used).not.toContain('"stakebts-settings"');
      expect(used).not.toMatch(/stakebts\/\w+:local/u);
    },
  );

  it.skipIf(kustomize === undefined)("the example narrows the way to the ledger to one address", () => {
    const ledger = made("example").find(
      ({ kind: of, metadata }) => of === "NetworkPolicy" && metadata.name === "ledger",
    );
    expect(ledger?.spec["egress"]).toEqual([
      { ports: [{ port: 5432, protocol: "TCP" }], to: [{ ipBlock: { cidr: "10.20.0.10/32" } }] },
    ]);
  });

  it.skipIf(kustomize === undefined)("the example gives its channels to those that notify, as files", () => {
    const told = made("example").flatMap(({ kind: of, metadata, spec }) => {
      if (of !== "Deployment") return [];
      const pod = (spec["template"] as { spec: PodSpec }).spec;
      const [{ env = [], volumeMounts }] = pod.containers as [Container];
      const channels = env.filter(({ name }) => name.startsWith("STAKEBTS_NOTIFY_"));
      expect(
        notRead(
          metadata.name as (typeof processes)[number],
          Object.fromEntries(channels.map(({ name, value }) => [name, value])),
        ),
      ).toEqual([]);
      for (const { value } of channels)
        expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain(
          value.slice(0, value.lastIndexOf("/")),
        );
      for (const { name } of volumeMounts) expect(pod.volumes.map((volume) => volume.name)).toContain(name);
      return channels.length > 0 ? [metadata.name] : [];
    });
    expect(told).toEqual(["scheduler", "watcher"]);
  });

  it("a value that is no quantity is refused", () => {
    const [claim] = documentsOf(readFileSync(join(base, "../once/backups.yaml"), "utf8")) as [Manifest];
    validate(claim);
    const wrong = structuredClone(claim);
    (wrong.spec["resources"] as { requests: { storage: string } }).requests.storage = "20 gigabytes";
    expect(() => validate(wrong)).toThrow("storage");
  });
});

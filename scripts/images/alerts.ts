import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { ComposeFile } from "../compose/compose-file.ts";
import { tryDocker } from "./docker.ts";
import { same, until } from "./expectations.ts";
import type { Installation } from "./installation.ts";

// The profile observability without Grafana: whether Prometheus reads every process, and an alert reaches people.

const SERVICES = ["prometheus", "alertmanager", "node-exporter"] as const;
const SCRAPED: readonly string[] = ["ingester", "scheduler", "payer", "watcher", "console"];

/** Parts of queries that are right to have no series here. */
const WITHOUT_SERIES: readonly string[] = [
  // A node says how much it bears only when it was asked too much.
  "stakebts_node_requests_per_second",
  // Nothing was to be complained of.
  'level=~"warn|error"',
];

/** Why the profile cannot be started here; `undefined` when its images are there, or could be pulled. */
export async function whyNoObservability({ services }: ComposeFile): Promise<string | undefined> {
  for (const name of SERVICES) {
    const image = services.get(name)?.image ?? "";
    if ((await tryDocker(["image", "inspect", image])).code === 0) continue;
    if ((await tryDocker(["pull", "--quiet", image])).code !== 0)
      return `${image} is not here and cannot be pulled`;
  }
  return undefined;
}

/** Leaves the installation as it was. */
export async function checkAlerts(
  at: Installation,
  tag: string,
  step: (sentence: string, work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  writeReceiver(at, tag);
  const started = [...SERVICES, "receiver"];

  await step("prometheus starts beside it, reads every process and accepts every rule", async () => {
    await at.compose("up", "--detach", "--no-build", "--no-deps", "--wait", ...started);
    await until("every process is read", async () => {
      const [{ activeTargets }] = (await ask(at, "targets")) as [{ activeTargets: Target[] }];
      const read = new Set(activeTargets.flatMap(({ labels, health }) => (health === "up" ? [labels["process"] ?? labels["job"]] : [])));
      return [...SCRAPED, "node"].every((name) => read.has(name));
    }); // oxfmt-ignore
    const [{ groups }] = (await ask(at, "rules")) as [{ groups: { rules: Rule[] }[] }];
    const rules = groups.flatMap((group) => group.rules);
    same(
      "rules that cannot be evaluated",
      rules.filter(({ lastError }) => lastError),
      [],
    );
    const text = readFileSync(join(at.folder, "deploy/prometheus/rules.yml"), "utf8");
    same("rules", rules.length, text.match(/- alert:/gu)?.length);
  });

  await step("every query of the dashboard is answered with numbers", async () => {
    const text = readFileSync(join(at.folder, "deploy/grafana/dashboards/stakebts.json"), "utf8");
    const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    let empty: string[] = [];
    // A rate needs two readings.
    await until("every query has a series", async () => {
      const answers = await ask<{ result: unknown[] }>(
        at,
        ...queries.map((query) => `query?query=${encodeURIComponent(query)}`),
      );
      empty = queries.filter((_, index) => answers[index]?.result.length === 0);
      return empty.every((query) => WITHOUT_SERIES.some((part) => query.includes(part)));
    }).catch((error: unknown) => {
      throw new Error(`no series: ${empty.join("; ")}`, { cause: error });
    });
  });

  await step("an alert reaches people by webhook and by mail when the payer is away, and so does its end", async () => {
    await at.compose("stop", "payer");
    await until("both were told", async () => {
      const { webhooks, mails } = await received(at);
      return (
        webhooks.some(({ status, alerts }) => status === "firing" && alerts.some(isPayerDown)) &&
        mails.some((mail) => /^Subject: \[FIRING:\d+\] StakebtsProcessDown/mu.test(mail))
      );
    });
    await at.compose("start", "payer");
    await until("both were told that it is over", async () => {
      const { webhooks, mails } = await received(at);
      return (
        webhooks.some(({ status, alerts }) => status === "resolved" && alerts.some(isPayerDown)) &&
        mails.some((mail) => /^Subject: \[RESOLVED\] StakebtsProcessDown/mu.test(mail))
      );
    });
  }); // oxfmt-ignore

  await at.compose("rm", "--force", "--stop", ...started);
  rmSync(join(at.folder, OVERRIDE));
}

const OVERRIDE = "docker-compose.override.yml";

/**
 * A service that takes alerts, and both settings that send them there. All is asked for more often, because this waits for it: 15
 * seconds between two readings, 30 until an alert is sent and five minutes until its end is are for people.
 */
function writeReceiver(at: Installation, tag: string): void {
  const path = (name: string): string => join(at.folder, name);
  copyFileSync(join(import.meta.dirname, "receiver.mjs"), path("receiver.mjs"));
  const services = {
    receiver: {
      image: `stakebts/cli:${tag}`,
      entrypoint: ["node", "/receiver.mjs"],
      init: true,
      networks: ["receivers"],
      volumes: ["./receiver.mjs:/receiver.mjs:ro"],
      // Or `--wait` refuses it.
      healthcheck: {
        test: ["CMD", "node", "deploy/image/answers.mjs", "http://127.0.0.1:8080/"],
        interval: "30s",
        start_period: "60s",
        start_interval: "1s",
      },
    },
    // Not every machine that runs this has its / mounted so that `rslave` is allowed.
    "node-exporter": { volumes: ["/:/host:ro"] },
  };
  writeFileSync(path(OVERRIDE), stringify({ services }));

  const prometheus = parse(readFileSync(path("deploy/compose/prometheus.yml"), "utf8")) as {
    global: object;
    scrape_configs: { dns_sd_configs?: object[] }[];
  };
  Object.assign(prometheus.global, { scrape_interval: "5s", evaluation_interval: "5s" });
  for (const { dns_sd_configs: discoveries = [] } of prometheus.scrape_configs)
    for (const discovery of discoveries) Object.assign(discovery, { refresh_interval: "5s" });
  writeFileSync(path("deploy/compose/prometheus.yml"), stringify(prometheus));

  const receiver = "people";
  const alertmanager = parse(readFileSync(path("deploy/compose/alertmanager.yml"), "utf8")) as {
    route: { routes: object[] };
    receivers: object[];
  };
  Object.assign(alertmanager.route, { receiver, group_wait: "1s", group_interval: "1s" });
  for (const route of alertmanager.route.routes) Object.assign(route, { receiver });
  const mail = { to: "operators@example.org", from: "stakebts@example.org", smarthost: "receiver:2525" };
  alertmanager.receivers = [
    {
      name: receiver,
      webhook_configs: [{ url: "http://receiver:8080/", send_resolved: true }],
      email_configs: [{ ...mail, require_tls: false, send_resolved: true }],
    },
  ];
  const secret = path("secrets/alertmanager_config");
  rmSync(secret);
  writeFileSync(secret, stringify(alertmanager), { mode: 0o444 });
}

interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
}
interface Rule {
  readonly name: string;
  readonly lastError?: string;
}
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Webhook {
  readonly status: string;
  readonly alerts: readonly Alert[];
}

const isPayerDown = ({ labels, annotations }: Alert): boolean =>
  labels["alertname"] === "StakebtsProcessDown" &&
  labels["process"] === "payer" &&
  /^payer .*does not answer$/u.test(annotations["summary"] ?? "");

async function received(
  at: Installation,
): Promise<{ readonly webhooks: readonly Webhook[]; readonly mails: readonly string[] }> {
  const lines = (await at.logs(await at.only("receiver"))).split("\n").filter((line) => line.startsWith("{"));
  const messages = lines.map((line) => JSON.parse(line) as { by: string; message: string });
  const by = (how: string): string[] => messages.flatMap((one) => (one.by === how ? [one.message] : []));
  return { webhooks: by("webhook").map((text) => JSON.parse(text) as Webhook), mails: by("mail") };
}

/** The HTTP API of Prometheus, asked from a container that shares a network with it. */
async function ask<T>(at: Installation, ...paths: string[]): Promise<readonly T[]> {
  const answers = await at.node<readonly { status: string; error?: string; data: T }[]>(
    (await at.only("scheduler")).Id,
    `const ask = async (path) => (await fetch("http://prometheus:9090/api/v1/" + path)).json();
     console.log(JSON.stringify(await Promise.all(process.argv.slice(1).map(ask))));`,
    ...paths,
  );
  return answers.map(({ status, error, data }, index) => {
    if (status !== "success") throw new Error(`${paths[index]}: ${error}`);
    return data;
  });
}

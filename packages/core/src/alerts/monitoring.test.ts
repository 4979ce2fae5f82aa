import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countBlocks, measureCursor, measureNodes } from "../ledger/chain-metrics.ts";
import { countedLog, createObservation } from "../runtime/observation.ts";
import { measureBalance, measureSpendMonitor } from "../custody/metrics.ts";
import { measureFreeze } from "../limits/metrics.ts";
import { measureLiveness, measureNotifications } from "./metrics.ts";
import { measureLead, measureMoney, measurePause, measurePayments } from "../payments/metrics.ts";
import { measureLedger, measureQueues } from "../ledger/metrics.ts";
import { JOB_KINDS } from "../queue/catalog.ts";
import type { Log } from "@stakebts/kernel/log";
import { NEEDS_ATTENTION } from "../ledger/log-receipt.ts";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The metrics of all processes with their labels, as their main.ts registers them. Nothing is read, so nothing is there. */
function metricsThereAre(): Map<string, readonly string[]> {
  const nothing = {} as never;
  const observation = createObservation({ clock: { nowMs: () => 0 }, log: silent });
  const { metrics } = observation;
  metrics.includeProcess();
  countedLog(silent, observation);
  measureNodes(metrics, nothing);
  measureCursor(metrics, nothing);
  countBlocks(metrics, { blocks: () => undefined } as never);
  measureLedger(metrics, nothing);
  measureQueues(metrics, nothing, JOB_KINDS);
  measureSpendMonitor(metrics, () => nothing);
  measureBalance(metrics, () => nothing);
  measureLiveness(metrics);
  measureNotifications(metrics, nothing);
  const port = () => Promise.resolve();
  measurePayments(metrics)({
    signer: { sign: port },
    ledger: { withdrawals: { save: port } },
    chain: { broadcast: port },
  } as never);
  measureLead(metrics);
  measurePause(metrics);
  measureFreeze(metrics);
  measureMoney(metrics, nothing);
  const found = new Map<string, readonly string[]>([
    ["up", []],
    // Of the node exporter.
    ["node_filesystem_avail_bytes", ["fstype", "mountpoint"]],
    ["node_filesystem_size_bytes", ["fstype", "mountpoint"]],
  ]);
  for (const metric of metrics.registry.getMetricsAsArray()) {
    const {
      name,
      labelNames = [],
      type,
    } = metric as unknown as {
      name: string;
      labelNames?: string[];
      type: unknown;
    };
    found.set(name, labelNames);
    // prom-client says what a histogram is by what it has.
    if ("upperBounds" in metric || type === "histogram")
      for (const suffix of ["bucket", "sum", "count"])
        found.set(`${name}_${suffix}`, suffix === "bucket" ? [...labelNames, "le"] : labelNames);
  }
  return found;
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
const rules = (parse(read("deploy/prometheus/rules.yml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(read("deploy/grafana/dashboards/stakebts.json")) as {
  panels: Panel[];
};
const expressions = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr })),
  ),
];

/** Labels that Prometheus itself puts on everything. */
const SCRAPED = ["job", "instance", "process"];

describe("what scrapes the processes", () => {
  it.each([
    "deploy/prometheus/prometheus.yml",
    "deploy/prometheus/prometheus-kubernetes.yml",
    "deploy/compose/prometheus.yml",
  ])("gives them the job and the label that the rules name: %s", (path) => {
    const { scrape_configs: jobs } = parse(read(path)) as { scrape_configs: { job_name: string }[] };
    expect(JSON.stringify(jobs.find(({ job_name: name }) => name === "stakebts"))).toMatch(
      /"process":"ingester"|"target_label":"process"/u,
    );
  });
});

describe("alerts and dashboard", () => {
  const there = metricsThereAre();

  it("use only metrics that there are", () => {
    const missing = expressions.flatMap(({ where, expr }) =>
      [...expr.matchAll(/\b(?:stakebts|process|nodejs|node)_\w+|\bup\b/gu)]
        .map(([name]) => name)
        .filter((name) => !there.has(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it("ask only for labels that these metrics have", () => {
    const missing = expressions.flatMap(({ where, expr }) =>
      [...expr.matchAll(/\b(\w+)\{([^}]*)\}/gu)].flatMap(([, name = "", matchers = ""]) =>
        [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/gu)]
          .map(([, label = ""]) => label)
          .filter((label) => ![...(there.get(name) ?? []), ...SCRAPED].includes(label))
          .map((label) => `${where}: ${name}{${label}}`),
      ),
    );
    expect(missing).toEqual([]);
  });

  it("show every metric of ours somewhere: an unused one is deleted", () => {
    const used = new Set(
      expressions.flatMap(({ expr }) => [...expr.matchAll(/\bstakebts_\w+/gu)].map(([name]) => name)),
    );
    const unused = [...there.keys()].filter(
      (name) =>
        name.startsWith("stakebts_") &&
        ![name, `${name}_bucket`, name.replace(/_(?:bucket|sum|count)$/u, "_bucket")].some((n) =>
          used.has(n),
        ),
    );
    expect(unused).toEqual([]);
  });

  it("have no label that grows with the number of accounts or payments", () => {
    const labels = new Set(
      [...there].flatMap(([name, names]) => (name.startsWith("stakebts_") ? names : [])),
    );
    expect([...labels].toSorted()).toEqual(
      [
        "check",
        "direction",
        "event",
        "horizon",
        "kind",
        "le",
        "level",
        "limit",
        "node",
        "of",
        "outcome",
        "purse",
        "reason",
      ].concat(["source", "state", "status", "what"]),
    );
  });
});

describe("the runbook", () => {
  /** Names in the first cell of each row: `<a id="…"></a>` is the address of an alert. */
  const rows = [...read("docs/runbook.md").matchAll(/^\| *((?:<a id|`)[^|]*)\|(.*)\|$/gmu)].map(
    ([, name = "", rest = ""]) => ({ name, cells: rest.split("|").map((cell) => cell.trim()) }),
  );

  it("has a row on every alert, at the address that the alert gives, and on no other", () => {
    const named = rows.flatMap(({ name }) => [...name.matchAll(/<a id="(\w+)"><\/a>`(Stakebts\w+)`/gu)]);
    expect(named.map(([, , alert = ""]) => alert).toSorted()).toEqual(
      rules.map(({ alert }) => alert).toSorted(),
    );
    for (const [, id, alert = ""] of named) expect(id).toBe(alert.toLowerCase());
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  });

  it("has a row on every receipt that asks for a person, with its meaning and what to look at or type", () => {
    const missing = [...NEEDS_ATTENTION].filter(
      (event) =>
        !rows.some(
          ({ name, cells: [meaning = "", look = "", type = ""] }) =>
            name.includes(`\`${event}\``) && meaning !== "" && `${look}${type}` !== "",
        ),
    );
    expect(missing).toEqual([]);
  });
});

const promtool = ((): string | undefined => {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
    return "promtool";
  } catch {
    console.warn("promtool is not installed (Debian: prometheus): the alert rules are NOT tested");
    return undefined;
  }
})();

describe.skipIf(promtool === undefined)("Prometheus itself", () => {
  const run = (...args: string[]): string =>
    execFileSync(promtool as string, args, { cwd: join(root, "deploy/prometheus"), encoding: "utf8" });

  // Not prometheus-kubernetes.yml: Debian's promtool knows no Kubernetes.
  it("accepts the configuration and the rules", () => {
    expect(run("check", "config", "prometheus.yml")).toContain(`${rules.length} rules found`);
  });

  it("raises each alert when its cause is there, and none where all is well", { timeout: 120_000 }, () => {
    expect(run("test", "rules", "rules.test.yml")).toContain("SUCCESS");
  });
});

describe("the tests of the rules", () => {
  it("raise every alert, and look at every one where all is well", () => {
    const { tests } = parse(read("deploy/prometheus/rules.test.yml")) as {
      tests: {
        name: string;
        alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
      }[];
    };
    const alerts = rules.map(({ alert }) => alert).toSorted();
    const raised = tests.flatMap((one) => one.alert_rule_test.filter((t) => t.exp_alerts.length > 0));
    const quiet = tests.flatMap((one) => one.alert_rule_test.filter((t) => t.exp_alerts.length === 0));
    expect(raised.map(({ alertname }) => alertname).toSorted()).toEqual(alerts);
    expect(quiet.map(({ alertname }) => alertname).toSorted()).toEqual(alerts);
  });
});

import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { createAuditLog } from "@stakebts/core/audit/postgres-audit-log";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { createBrowser } from "@stakebts/core/operators/browse/browser";
import { type ConsoleRole, hashPassword } from "@stakebts/core/operators/console-access";
import { createPostgresConsoleAccess } from "@stakebts/core/operators/postgres-console-access";
import { QUEUE_NAMES } from "@stakebts/core/queue/catalog";
import { openQueue } from "@stakebts/core/queue/connection";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { hostClock } from "@stakebts/core/runtime/host-clock";
import { bts, toShares } from "@stakebts/kernel/amount";
import type { Log } from "@stakebts/kernel/log";
import { millis } from "@stakebts/kernel/time";
import { startPostgres } from "@stakebts/testkit/postgres";
import { writeProgramme } from "@stakebts/testkit/written-programme";
import { chromium, type Page } from "playwright-core";
import { createConsole } from "../apps/console/src/app.tsx";
import type { ChainGlance } from "../apps/console/src/chain-watch.ts";
import { Changes } from "../apps/console/src/live.ts";
import { prepare } from "../prisma/migrate.ts";

// Pictures of the console's pages for the documents: of a programme that was written for it, with no chain behind it.
//   npm run screenshots                    docs/images, few and small
//   npm run screenshots -- --all folder    every page, wide and narrow, dark and light
//   npm run screenshots -- --agreements 100000 --time    how long each page takes at the server

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
};
const all = argument("all");
const agreements = Number(argument("agreements") ?? 300);
const times = process.argv.includes("--time");
const PASSWORD = "a password for pictures";
const BYTES_MAX = 1_000_000;

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (event, fields) => console.error(event, fields),
};

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const postgres = await startPostgres();
  try {
    const url = await postgres.createDatabase("pictures");
    await prepare(url);
    const nowMs = Date.now();
    say(`writing ${agreements} agreements …`);
    await writeProgramme(url, { agreements, nominators: Math.max(9, Math.floor(agreements / 4)), nowMs });
    await withConsole(url, nowMs, takeAll);
  } finally {
    await postgres.stop();
  }
}

interface Shown {
  readonly address: string;
  readonly key: string;
  readonly operation: string;
  readonly txid: string;
}

async function withConsole(url: string, nowMs: number, use: (shown: Shown) => Promise<void>): Promise<void> {
  const ledger = createPostgresLedger({ url });
  const view = createPostgresLedgerView({ url });
  const browse = createBrowser({ url });
  const audit = createAuditLog({ url });
  const access = createPostgresConsoleAccess({ url });
  const queues = QUEUE_NAMES.map((name) => openQueue({ databaseUrl: url }, name, {}, log));
  const passwordHash = await hashPassword(PASSWORD, { ln: 10, r: 1, p: 1 });
  for (const [name, role] of [
    ["anna", "operator"],
    ["berta", "approver"],
    ["carla", "viewer"],
  ] as const satisfies readonly (readonly [string, ConsoleRole])[])
    await access.addUser(
      { name, role, passwordHash },
      { event: "console.user_added", subject: name, details: { role, actor: "operator" } },
    );
  const head = {
    headBlockNum: 92_000_020,
    irreversibleBlockNum: 92_000_001,
    headTimeMs: millis(nowMs),
  } as never;
  const glance = (): ChainGlance => ({
    takenAtMs: Date.now() - 2_000,
    nodes: ["node-one.example", "node-two.example"].map((node) => ({ node, answer: { head } })),
    chain: { head, hotWallet: toShares(bts(9_400_000n)), account: {} as never },
  });
  const app = createConsole({
    ledger,
    view,
    browse,
    audit,
    access,
    chain: {} as never,
    glance,
    queues,
    changes: new Changes(),
    clock: hostClock,
    log,
    policy: DEFAULT_POLICY,
    explorer: {
      account: "https://explorer.example/{account}",
      block: "https://explorer.example/{block}",
      transaction: "https://explorer.example/{transaction}",
    },
    custodian: "custodian",
    origin: undefined,
    sumsAgeMsMax: 15_000,
  });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await new Promise<void>(
    (resolve) => void (server.listening ? resolve() : server.once("listening", resolve)),
  );
  const { port } = server.address() as { port: number };
  const [failed] = (await browse.payouts({ statuses: ["failed"] }, { limit: 1 })).items;
  const [opened] = (await browse.agreements({ status: "open", months: 12, order: "oldest" }, { limit: 1 }))
    .items;
  const [paid] = (await browse.transfers({ direction: "out" }, { limit: 1 })).items;
  try {
    await use({
      address: `http://127.0.0.1:${port}`,
      key: failed?.key ?? "",
      operation: opened?.agreement ?? "",
      txid: paid?.txid ?? "",
    });
  } finally {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
    await Promise.all(queues.map((queue) => queue.close()));
    await Promise.all([ledger, view, browse, audit, access].map((part) => part.close()));
  }
}

async function takeAll({ address, key, operation, txid }: Shown): Promise<void> {
  const monthAgo = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 7);
  const pages: readonly (readonly [name: string, path: string])[] = [
    ["overview", "/"],
    ["due", "/due"],
    ["forecast", "/forecast?arrivals=3&funds=all&closed=14"],
    ["agreements", "/agreements"],
    ["agreements-largest", "/agreements?order=largest&status=ended"],
    ["agreement", `/agreements/${operation}`],
    ["nominators", "/nominators"],
    ["nominator", "/nominators/user0007"],
    ["statement", "/nominators/user0007/statement"],
    ["payouts", "/payouts"],
    ["paid-in-month", `/payouts?paid=${monthAgo}&group=payee`],
    ["paid-each", `/payouts?paid=${monthAgo}`],
    ["payout", `/payouts/${key}`],
    ["requeue", `/payouts/${key}/requeue`],
    ["transfers", "/transfers"],
    ["transfer", `/transfers/${operation}`],
    ["transaction", `/transactions/${txid}`],
    ["top-ups", "/top-ups"],
    ["limits", "/limits"],
    ["freeze", "/freeze"],
    ["receipts", "/receipts"],
    ["receipts-family", "/receipts?event=payout.*"],
    ["users", "/users"],
    ["settings", "/settings?process=payer"],
    ["search", "/search?q=user00"],
  ];
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 820 } });
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404"))
        console.error(`${page.url()}: ${message.text()}`);
    });
    await page.goto(address);
    await page.getByLabel("Name").fill("anna");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    if (times) return await tellTimes(page, address, pages);
    const folder = all ?? join(import.meta.dirname, "../docs/images");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    let bytes = 0;
    const take = async (name: string, path: string, fullPage: boolean) => {
      await page.goto(`${address}${path}`);
      await delay(50);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file, fullPage, scale: "css" });
      bytes += statSync(file).size;
    };
    if (all === undefined) {
      for (const name of ["overview", "payout", "agreement", "forecast"])
        await take(name, pages.find(([one]) => one === name)?.[1] ?? "/", false);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 390, height: 844 });
      await take("overview-phone-dark", "/", false);
      say(`${folder}: ${bytes} bytes`);
      if (bytes > BYTES_MAX)
        throw new Error(`the pictures have ${bytes} bytes together, and may have ${BYTES_MAX}`);
      return;
    }
    for (const [name, path] of pages) await take(name, path, true);
    await page.emulateMedia({ colorScheme: "dark" });
    for (const [name, path] of pages.slice(0, 4)) await take(`${name}-dark`, path, false);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path] of pages) await take(`${name}-phone`, path, false);
  } finally {
    await browser.close();
  }
}

/** Of three visits the middle one, as the server itself says. */
async function tellTimes(
  page: Page,
  address: string,
  pages: readonly (readonly [string, string])[],
): Promise<void> {
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  for (const [name, path] of pages) {
    const took: number[] = [];
    for (let n = 0; n < 3; n++) {
      const answer = await fetch(`${address}${path}`, { headers: { cookie, accept: "text/html" } });
      await answer.text();
      took.push(
        Number(/total;dur=([\d.]+)/u.exec(answer.headers.get("server-timing") ?? "")?.[1] ?? Number.NaN),
      );
    }
    say(`${name.padEnd(20)} ${took.map((ms) => `${Math.round(ms)} ms`.padStart(9)).join("")}`);
  }
}

await main();

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
import { chromium, type Page } from "playwright-core";
import { createConsole } from "../src/app.tsx";
import type { ChainGlance } from "../src/chain-watch.ts";
import { Changes } from "../src/live.ts";

// The console before a programme that was written straight into the tables (written-programme.ts), with no chain behind it: for
// pictures, and to see how long its pages take.

export const PASSWORD = "a password for pictures";

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
};

export interface Shown {
  readonly address: string;
  /** Of a payout that failed. */
  readonly key: string;
  /** Of an open agreement. */
  readonly operation: string;
  /** Of a payment. */
  readonly txid: string;
}

export async function withConsole(
  url: string,
  nowMs: number,
  use: (shown: Shown) => Promise<void>,
): Promise<void> {
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

/** Every page, by name. */
export function pagesOf({ key, operation, txid }: Shown): readonly (readonly [name: string, path: string])[] {
  const monthAgo = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 7);
  return [
    ["overview", "/"],
    ["due", "/due"],
    ["forecast", "/forecast?arrivals=3&funds=all&closed=14"],
    ["agreements", "/agreements"],
    ["agreements-largest", "/agreements?order=largest"],
    ["agreements-ended", "/agreements?order=largest&status=ended"],
    ["agreements-months", "/agreements?months=3&status=open&order=oldest"],
    ["agreement", `/agreements/${operation}`],
    ["nominators", "/nominators"],
    ["nominator", "/nominators/user0007"],
    ["statement", "/nominators/user0007/statement"],
    ["payouts", "/payouts"],
    ["paid-in-month", `/payouts?paid=${monthAgo}&group=payee`],
    ["paid-each", `/payouts?paid=${monthAgo}`],
    ["payout", `/payouts/${key}`],
    ["requeue", `/payouts/${key}/requeue`],
    ["ask-to-cancel", `/payouts/${key}/ask-to-cancel`],
    ["transfers", "/transfers"],
    ["transfer", `/transfers/${operation}`],
    ["transaction", `/transactions/${txid}`],
    ["top-ups", "/top-ups"],
    ["limits", "/limits"],
    ["freeze", "/freeze"],
    ["set-aside", "/set-aside"],
    ["replays", "/replays"],
    ["receipts", "/receipts"],
    ["receipts-family", "/receipts?event=payout.*"],
    ["users", "/users"],
    ["settings", "/settings?process=payer"],
    ["search", "/search?q=user00"],
  ];
}

/** Signed in as an operator. */
export async function inBrowser(address: string, use: (page: Page) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 820 } });
    page.setDefaultTimeout(120_000); // The first look at a year of a large programme, on a machine that is busy.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404"))
        process.stderr.write(`${page.url()}: ${message.text()}\n`);
    });
    await page.goto(address);
    await page.getByLabel("Name").fill("anna");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await use(page);
  } finally {
    await browser.close();
  }
}

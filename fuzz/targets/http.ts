import { createHash } from "node:crypto";
import { connect, type AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { createObservation } from "@stakebts/core/runtime/observation";
import { serveObservation } from "@stakebts/core/runtime/http-server";
import { bts } from "@stakebts/kernel/amount";
import { DEFAULT_POLICY } from "@stakebts/core/rules/policy";
import { millis } from "@stakebts/kernel/time";
import type { FreezeId } from "@stakebts/core/rules/freeze";
import { NO_LIMITS } from "@stakebts/core/rules/limits";
import type { PayoutId } from "@stakebts/core/rules/payout";
import { ChainError, type ChainReader } from "@stakebts/bitshares/chain";
import type { ConsoleAccess, ConsoleRole } from "@stakebts/core/operators/console-access";
import type { GlanceView, LedgerView, PayoutStory } from "@stakebts/core/ledger/view";
import { cursorAt } from "@stakebts/testkit/given";
import { ManualClock } from "@stakebts/testkit/manual-clock";
import { MemoryLedger } from "@stakebts/testkit/memory-ledger";
import type { AuditLog } from "@stakebts/core/audit/audit-log";
import type { Browser } from "@stakebts/core/operators/browse/browser";
import type { PayoutLife } from "@stakebts/core/operators/browse/payout-life";
import { Changes } from "../../apps/console/src/live.ts";
import { createConsole } from "../../apps/console/src/app.tsx";
import type { Prng } from "@stakebts/testkit/simulator/prng";
import { HOSTILE_TEXTS, longText, mutateText } from "../mutate.ts";
import { silent } from "../silent.ts";
import { rule, type Target } from "../target.ts";

// Raw bytes to the console and to what the workers say of themselves, through the servers that stand there in earnest.

const TOKENS: Readonly<Record<string, ConsoleRole>> = {
  "token-viewer": "viewer",
  "token-operator": "operator",
};
const CSRF = "csrf-of-everybody";
const PAYOUT = "00000000-0000-4000-8000-000000000001" as PayoutId;
/** Only a user who is signed in may see this. */
const DATA = "fuzzdata";
/** Text in the ledger that strangers have written: no page may take it for markup. */
const MARKUP = `<fuzz onload=1>"'&<script>alert(1)</script>`;

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

const story: PayoutStory = {
  id: PAYOUT,
  key: "reward:1:2:3:1" as PayoutStory["key"],
  kind: "reward",
  payee: DATA,
  amount: bts(8_000n),
  dueMs: millis(1_800_000_000_000),
  status: "failed",
  reason: MARKUP,
  attempts: 3,
  limitedBy: undefined,
  approvals: [],
  blockProcessed: undefined,
  processedMs: undefined,
  memo: MARKUP,
  waitingSinceMs: undefined,
  rows: [],
  withdrawals: [],
  payments: [],
  receipts: [],
};
const life: PayoutLife = {
  ...story,
  cause: undefined,
  agreement: undefined,
  requests: [{ actor: MARKUP, atMs: 0 }],
  cancelAsked: [{ actor: MARKUP, reason: MARKUP, askedAtMs: 0, openFromMs: 0, isOpen: true }],
  settlement: undefined,
  refusals: new Map(),
  isJobWaiting: false,
};
const sum = { count: 1, amount: bts(8_000n) };

const FREEZE = { id: 1n as FreezeId, level: "all", reason: MARKUP, sinceMs: 0 } as const;

const view = {
  // Its type is named, so that what a page comes to ask for has to be here.
  glance: async (): Promise<GlanceView> => ({
    cursor: cursorAt(9),
    payments: { on: false, reason: MARKUP },
    freezes: [{ ...FREEZE, source: "operator", process: undefined }],
    processFreezes: [{ ...FREEZE, source: "file", process: "payer" }],
    limits: NO_LIMITS,
    limited: [{ by: "approval", held: true, ...sum }],
    hashChain: { chained: 9, unchained: 0, oldestAgeMs: 0 },
    recoveryHold: { raised: undefined, databaseChanged: false },
    lastBackup: undefined,
    balance: undefined,
    checksPassed: [],
    unread: [],
    setAside: [],
    undecidedTransfers: 0,
    jobsToDispatch: 0,
    oldestOpen: undefined,
  }),
  liabilities: async () => ({
    asOfMs: millis(0),
    ...Object.fromEntries(
      "gross within30d within7d within48h within24h pastDue stopped paidLast48h cancelled"
        .split(" ")
        .map((name) => [name, sum]),
    ),
    nominators: 1,
  }),
  watch: async () => ({ payerLeads: true, watcherPresent: false }),
  dueByDay: async () => [{ dayMs: millis(0), payments: 1, amount: bts(8_000n) }],
} as unknown as LedgerView;

const counted = { count: 1, more: false, amount: bts(8_000n) };
const page = <T>(...items: readonly T[]) => ({ items, after: undefined, before: undefined });

const browse: Browser = {
  agreements: async () => page(),
  countAgreements: async () => counted,
  agreement: async () => undefined,
  nominators: async () => page(),
  nominator: async () => undefined,
  statement: async () => [],
  payouts: async () => page(story),
  sumPayouts: async () => counted,
  sumByPayee: async () => page({ payee: MARKUP, count: 1, amount: bts(1n) }),
  payoutIds: async () => [PAYOUT],
  payoutsNamed: async () => [story],
  payout: async (id: PayoutId) => (id === PAYOUT ? life : undefined),
  debts: async () => page({ ...story, payee: MARKUP, payout: story.key, agreement: undefined }),
  sumDebts: async () => counted,
  transfers: async () => page(),
  countTransfers: async () => counted,
  transfer: async () => undefined,
  transaction: async () => undefined,
  receipts: async () => page(),
  eventNames: async () => [MARKUP],
  paidByMonth: async () => [{ month: "2026-01", kind: "reward", count: 1, amount: bts(1n) }],
  balanceReports: async () => [],
  openStakes: async () => ({ agreements: 1, base: bts(1n), penalty: bts(-1n), payouts: bts(0n) }),
  lastStarts: async () => [{ process: MARKUP, startedAtMs: 0, settings: { STAKEBTS_NODES: MARKUP } }],
  runningProcesses: async () => [{ process: MARKUP, instance: MARKUP, revision: MARKUP, leads: true }],
  setAside: async () => [{ event: "1:2:3", actor: MARKUP, reason: MARKUP, sinceMs: 0 }],
  replays: async () => [],
  findPage: async () => undefined,
  close: async () => {},
};

const audit = { head: async () => undefined } as unknown as AuditLog;

const access = {
  passwordHashOf: async () => undefined,
  findSession: async (tokenHash: string) => {
    const [, role] = Object.entries(TOKENS).find(([token]) => digest(token) === tokenHash) ?? [];
    return role && { user: `a-${role}`, role, csrfToken: CSRF, seenAtMs: 1_000_000 };
  },
  openSession: async () => {},
  markSeen: async () => {},
  closeSession: async () => {},
} as unknown as ConsoleAccess;

const chain = {
  head: async () => {
    throw new ChainError("no_usable_node", "no node answers");
  },
} as unknown as ChainReader;

const PATHS = [
  "/",
  "/login",
  "/login?next=/payouts",
  "/logout",
  "/console.css",
  "/console.js",
  "/payouts?status=held,failed&kind=%00&after=x~y&min=9e9",
  "/receipts?event=payout.*&after=-1&from=2026-13-45",
  "/search?q=%3Cfuzz%3E",
  "/transfers/1:2:3.99999999999",
  "/nominators/%2e%2e/statement?as=csv",
  "/forecast?arrivals=1000&rate=99,99&closed=365&balance=9999999999",
  "/favicon.ico",
  `/payouts/${PAYOUT}/requeue`,
  "/payouts/x/requeue",
  `/payouts/${PAYOUT}/cancel`,
  "/set-aside?event=%3C%00:..",
  "/replays",
  "/queues",
  "/queues/",
  "/queues/api/queues",
  "/queues/api/queues/payouts/failed/retry",
  "/queues/static/js/main.js",
  "/healthz",
  "/readyz",
  "/metrics",
];
const METHODS = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "TRACE",
  "get",
];
const HEADERS = [
  "Accept: text/html",
  "Cookie: stakebts=token-viewer",
  "Cookie: stakebts=token-operator",
  "Cookie: stakebts=%E0%A4%A; stakebts_form=x",
  'Cookie: stakebts_form="\\"',
  "Origin: null",
  "Origin: http://elsewhere.invalid",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Site: cross-site",
  `X-XSRF-Token: ${CSRF}`,
  "X-Forwarded-For: 192.0.2.1, <script>",
  "X-Forwarded-Host: elsewhere.invalid",
  "Content-Type: application/x-www-form-urlencoded",
  "Content-Type: multipart/form-data; boundary=b",
  "Content-Type: multipart/form-data",
  "Content-Type: application/json",
  "Transfer-Encoding: chunked",
  "Expect: 100-continue",
  "Range: bytes=0-,-1",
  "If-None-Match: *",
  "Upgrade: websocket",
];
const BODIES = [
  "",
  `csrf=${CSRF}&reason=because`,
  "csrf=%E0%A4%A&name=%00&password=x",
  "csrf[]=a&csrf[__proto__]=b&__proto__[polluted]=1",
  '--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nx\r\n--b--\r\n',
  '--b\r\nContent-Disposition: form-data; name="__proto__"; filename="../x"\r\n\r\nx',
  '{"csrf":"x"}',
  "5\r\nhello\r\n0\r\n\r\n",
  "ffffffffffffffff\r\n",
];

function requestText(random: Prng): string {
  const path = random.chance(0.6)
    ? random.pick(PATHS)
    : mutateText(random, random.pick(PATHS), [
        ...HOSTILE_TEXTS.filter((text) => !/\s/u.test(text)),
        "%2e%2e",
        "%2F",
        "//",
      ]);
  const body = random.chance(0.7) ? random.pick(BODIES) : mutateText(random, random.pick(BODIES));
  const headers = Array.from({ length: random.int(0, 4) }, () =>
    random.chance(0.8) ? random.pick(HEADERS) : mutateText(random, random.pick(HEADERS)),
  );
  if (random.chance(0.02)) headers.push(`X-Long: ${longText(random)}`);
  if (random.chance(0.9))
    headers.push(`Content-Length: ${Buffer.byteLength(body) + (random.chance(0.05) ? 5 : 0)}`);
  const host = random.chance(0.9) ? "Host: console.test" : mutateText(random, "Host: console.test:80");
  const head = `${random.pick(METHODS)} ${path} HTTP/${random.pick(["1.1", "1.1", "1.1", "1.0", "9.9"])}`;
  return `${[head, host, ...headers, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;
}

/** A client that never sends the rest waits in vain; it is hung up on, and that is no hang of ours. */
const PATIENCE_MS = 25;

function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    const enough = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      enough.refresh();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(enough);
      resolve(Buffer.concat(parts).toString("latin1"));
    });
    socket.write(Buffer.from(text, "utf8"));
  });
}

type HttpInput = { readonly to: "console" | "worker"; readonly text: string };

export const http: Target = {
  name: "http",
  about: "raw requests to the console and to /healthz, /readyz, /metrics",
  weight: 1,
  async open() {
    const clock = new ManualClock(1_000_000);
    const ledger = new MemoryLedger(clock);
    await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(9)));
    const broken: string[] = [];
    const log = {
      ...silent,
      error: (event: string, fields: object = {}) => void broken.push(`${event} ${JSON.stringify(fields)}`),
    };
    const app = createConsole({
      ledger,
      view,
      browse,
      audit,
      access,
      chain,
      glance: () => undefined,
      queues: [],
      changes: new Changes(),
      explorer: {},
      sumsAgeMsMax: 0,
      clock,
      log,
      policy: DEFAULT_POLICY,
      custodian: "custodian",
      origin: undefined,
    });
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
    await new Promise<void>(
      (resolve) => void (server.listening ? resolve() : server.once("listening", resolve)),
    );
    const consolePort = (server.address() as AddressInfo).port;
    const observation = await serveObservation(createObservation({ clock, log }), {
      host: "127.0.0.1",
      port: 0,
      log,
    });
    const workerPort = Number(new URL(observation.url).port);
    return {
      input: (random): HttpInput => ({
        to: random.chance(0.75) ? "console" : "worker",
        text: random.chance(0.8) ? requestText(random) : mutateText(random, requestText(random)),
      }),
      async run(input) {
        const { to, text } = input as HttpInput;
        broken.length = 0;
        const before = ledger.contents.receipts.length;
        const answer = await ask(to === "console" ? consolePort : workerPort, text);
        rule(broken.length === 0, `it is not prepared for this: ${broken.join("; ").slice(0, 600)}`);
        const [head = "", ...rest] = answer.replace(/^HTTP\/1\.1 1.*?\r\n\r\n/su, "").split("\r\n\r\n");
        const body = rest.join("\r\n\r\n");
        const status = Number(/^HTTP\/1\.1 (\d{3})/u.exec(head)?.[1] ?? 0);
        rule(status !== 500, "status 500");
        if (to === "worker" || status === 0) return;
        rule(!body.includes("<fuzz") && !body.includes("<script>alert(1)"), "text of strangers as markup");
        const mayLook = /token-(?:viewer|operator)/u.test(text);
        rule(mayLook || !body.includes(DATA), "told to a user who is not signed in");
        const location = /^location: (.*)$/imu.exec(head)?.[1]?.trim();
        rule(
          location === undefined || /^\/(?![/\\])/u.test(location),
          `it sends people to ${location ?? ""}`,
        );
        const isOperator = text.includes("token-operator") && text.includes(CSRF);
        rule(
          isOperator || ledger.contents.receipts.length === before,
          "something was done for a user who is not signed in",
        );
        // What Node itself refuses has no more than a status line.
        if (status !== 400 && status !== 408 && status !== 417 && status !== 431)
          rule(/^content-security-policy:/imu.test(head), `an answer ${status} without a security policy`);
      },
      async close() {
        await observation.close();
        await new Promise<void>((resolve) => {
          server.close(() => resolve());
          if ("closeAllConnections" in server) server.closeAllConnections();
        });
      },
    };
  },
};

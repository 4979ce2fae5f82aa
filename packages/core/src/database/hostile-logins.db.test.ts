import { createAuditLog } from "../audit/postgres-audit-log.ts";
import { type AuditFinding, verifyLog } from "../audit/verify-log.ts";
import { createWholeLedger } from "../rebuild/postgres-contents.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { createPostgresMonitorLedger } from "../custody/postgres-monitor-ledger.ts";
import { PROCESS_ROLES, TABLE_RIGHTS, FUNCTION_RIGHTS } from "./rights.ts";
import { operation, refundOf } from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "@stakebts/testkit/repository";
import { describe, expect } from "vitest";
import { test } from "@stakebts/testkit/login-test";

// Each login as if it were in a thief's hands.

/** What the page says of each login: the names of what it may write, and what it can do with that. */
function threatsIn(): ReadonlyMap<string, { readonly names: ReadonlySet<string>; readonly can: string }> {
  const text = readFileSync(join(REPOSITORY, "docs/threats.md"), "utf8");
  const sections = text.split(/^## /mu).slice(1);
  return new Map(
    sections.map((section) => {
      const [, may = "", can = ""] = /^May write: (.*)$\n\n^Can still: (.*)$/mu.exec(section) ?? [];
      const names = new Set([...may.matchAll(/`(\w+)`/gu)].map(([, name = ""]) => name));
      return [section.split("\n")[0] ?? "", { names, can }];
    }),
  );
}

const DENIED = /permission denied/u;
const payout = refundOf(operation(10));

describe("a receipt", () => {
  test.for(PROCESS_ROLES)(
    "carries the login that wrote it, and no word of its own about that: %s",
    async (role, { as }) => {
      const db = await as(role);
      const { rows } = await db.query<{ written_by: string; me: string }>(
        "INSERT INTO receipt (event, subject, details) VALUES ('x.y', 'z', '{}') RETURNING written_by, session_user AS me",
      );
      expect(rows[0]?.written_by).toBe(rows[0]?.me);
      for (const column of ["written_by", "created_at", "id"])
        await expect(
          db.query(
            `INSERT INTO receipt (event, subject, details, ${column}) VALUES ('x.y', 'z', '{}', DEFAULT)`,
          ),
          column,
        ).rejects.toThrow(DENIED);
    },
  );

  test("of another login, written in advance, silences no process", async ({ urls, as }) => {
    const receipt = { event: "payee.differs", subject: "reward:1:0:0:1", details: {} };
    await (
      await as("backup")
    ).query("INSERT INTO receipt (event, subject, details) VALUES ('payee.differs', 'reward:1:0:0:1', '{}')");
    const ledger = createPostgresLedger({ url: urls.payer });
    const add = () => ledger.transaction((tx) => tx.receipts.add([receipt], { once: true }));
    expect(await add()).toBe(1);
    expect(await add()).toBe(0);
    await ledger.close();
  });

  test("of another login tells a watcher nothing: not where it stood, not what it has dealt with", async ({
    urls,
    as,
  }) => {
    const thief = await as("payer");
    const alert = { event: "spend.unexplained", subject: "ab:0", details: {} };
    for (const [event, subject] of [
      ["monitor.position", "900000000"],
      ["authority.recorded", "custodian"],
      [alert.event, alert.subject],
    ])
      await thief.query(
        'INSERT INTO receipt (event, subject, details) VALUES ($1, $2, \'{"authority": "mine"}\')',
        [event, subject],
      );
    await expect(
      thief.query(
        "INSERT INTO watcher_note (kind, subject, value) VALUES ('alert', 'spend.unexplained ab:0', 'x')",
      ),
    ).rejects.toThrow(DENIED);
    const watcher = createPostgresMonitorLedger({ url: urls.watcher });
    expect(await watcher.lastNote("position")).toBeUndefined();
    expect(await watcher.lastNote("authority")).toBeUndefined();
    expect(await watcher.stopPayments(alert, "stolen")).toBe(true);
    expect(await watcher.stopPayments(alert, "stolen")).toBe(false);
    expect(await watcher.payments()).toMatchObject({ on: false });
    await watcher.close();
  });

  test("explains nothing to those who look for what is wrong", async ({ urls, as }) => {
    for (const role of PROCESS_ROLES)
      for (const event of ["ledger.restored", "transfer.skipped"])
        await (
          await as(role)
        ).query("INSERT INTO receipt (event, subject, details) VALUES ($1, $2, '{}')", [event, role]);
    const audit = createAuditLog({ url: urls.operator });
    const found: AuditFinding[] = [];
    const { beganAnew } = await audit.look((log) => verifyLog(log, {}, (finding) => found.push(finding)));
    expect(beganAnew).toHaveLength(1);
    expect(found.map(({ kind }) => kind)).toEqual(PROCESS_ROLES.slice(1).map(() => "not_believed"));
    await audit.close();
    const whole = createWholeLedger({ url: urls.operator });
    const skipped = await whole.look((ledger) =>
      ledger.receiptsOf("transfer.skipped", ["ingester", "operator"]),
    );
    expect(skipped.map(({ subject }) => subject).toSorted()).toEqual(["ingester", "operator"]);
  });

  test("blocks no approval, and makes none", async ({ databaseUrl, urls, as }) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await passRecoveryHold(ledger);
    await ledger.transaction((tx) => tx.payouts.insert([payout]));
    const thief = await as("backup");
    await thief.query(
      "INSERT INTO receipt (event, subject, details) VALUES ('payout.requeued', $1, '{\"actor\": \"anna\"}')",
      [payout.key],
    );
    const operator = createPostgresLedger({ url: urls.operator });
    await operator.transaction(async (tx) => {
      expect(await tx.approvals.of(payout)).toEqual({ given: [], requesters: [] });
      const { payee, amount } = payout;
      expect(await tx.approvals.add(payout.id, { payee, amount, approver: "anna", reason: "r" })).toBe(true);
    });
    const { rows } = await thief.query("SELECT written_by FROM payout_approval");
    expect(rows).toHaveLength(1);
    for (const role of PROCESS_ROLES)
      await expect(
        (await as(role)).query("INSERT INTO payout_request (payout_id, actor) VALUES ($1, 'anna')", [
          payout.id,
        ]),
        role,
      ).rejects.toThrow(DENIED);
    await Promise.all([operator.close(), ledger.close()]);
  });
});

describe("docs/threats.md", () => {
  test("names for each login every table that it may write and every function that it may call", () => {
    const threats = threatsIn();
    for (const role of PROCESS_ROLES) {
      const tables = Object.entries(TABLE_RIGHTS)
        .filter(([, { write }]) => write[role] !== undefined)
        .map(([name]) => name);
      const functions = Object.entries(FUNCTION_RIGHTS)
        .filter(([, { callers, asOwner }]) => asOwner && callers.includes(role))
        .map(([name]) => name);
      expect({ role, names: threats.get(role)?.names }).toEqual({
        role,
        names: new Set([...tables, ...functions]),
      });
      expect(threats.get(role)?.can.length, role).toBeGreaterThan(20);
    }
  });
});

describe("imports without a transfer on the chain", () => {
  test.for(PROCESS_ROLES.filter((role) => role !== "operator"))("are no word of %s", async (role, { as }) => {
    const db = await as(role);
    await expect(
      db.query("INSERT INTO imported_agreement (block_start, trx_idx, ops_idx) VALUES (1, 0, 0)"),
    ).rejects.toThrow(DENIED);
  });
});

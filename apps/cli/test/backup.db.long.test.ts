import { saveWithdrawal } from "@stakebts/testkit/one-payout";
import { END_FREEZES_SQL, STOP_PAYMENTS_SQL, letPaymentsGo } from "@stakebts/testkit/stop-payments";
import { LOCKS } from "@stakebts/core/database/locks";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import type { Manifest } from "@stakebts/core/backups/manifest";
import { backupName } from "@stakebts/core/backups/retention";
import { DAY_MS } from "@stakebts/kernel/time";
import type { PayoutKey } from "@stakebts/core/rules/payout";
import { identified } from "@stakebts/core/ledger/ids";
import { agreementWithRows, operation, refundOf, withdrawalFor } from "@stakebts/testkit/given";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test as base, vi } from "vitest";
import { prepare } from "../../../prisma/migrate.ts";
import { test as withEmbedded } from "@stakebts/testkit/database";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { PostgresCluster } from "@stakebts/testkit/postgres-cluster";
import { stakebtsOf } from "./cli-test.ts";
import { ENTRY, inProcess, type Stakebts, stakebtsWith } from "./stakebts.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let server: Pg | undefined;
beforeAll(async () => {
  if (installedPostgres === undefined) return;
  server = await startPostgres({ installation: installedPostgres });
  const template = await server.createDatabase("template_ledger");
  await prepare(template);
});
afterAll(() => server?.stop());

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const databases = async (): Promise<readonly string[]> =>
  (
    await ask<{ datname: string }>(
      server?.url("postgres") ?? "",
      "SELECT datname FROM pg_database ORDER BY 1",
    )
  ).map(({ datname }) => datname);

/** A database of its own, with payments off and one refund that is owed, a folder, and the command. */
const test = base.extend<{ database: string; url: string; dir: string; stakebts: Stakebts }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  database: async ({}, use) => {
    await use(`t_${randomUUID().replaceAll("-", "").slice(0, 12)}`);
  },
  url: async ({ database }, use) => {
    if (server === undefined) throw new Error("no server");
    const url = await server.createDatabase(database, "template_ledger");
    const ledger = createPostgresLedger({ url });
    const { agreement, rows } = agreementWithRows(operation(9));
    await passRecoveryHold(ledger);
    await ledger.transaction(async (tx) => {
      await tx.agreements.insert([{ agreement, rows }]);
      await tx.payouts.insert([refundOf(operation(10))]);
      await tx.control.addFreeze({ source: "operator", level: "pay-nothing", reason: "test" });
    });
    await ledger.close();
    await use(url);
    for (const other of await databases()) if (other.startsWith(database)) await server.dropDatabase(other);
  },
  // oxlint-disable-next-line no-empty-pattern -- see above
  dir: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), "stakebts-backup-"));
    await use(dir);
    rmSync(dir, { recursive: true });
  },
  stakebts: async ({ url }: { url: string }, use: (stakebts: Stakebts) => Promise<void>) => {
    await use(stakebtsWith({ DATABASE_URL: url }, inProcess));
  },
});

/** As those of version 18 are to a server of 15: `pg_restore` begins with a setting that there is from 17 on. */
function newerTools(dir: string): string {
  const real = (name: string) => join(installedPostgres ?? "", "bin", name);
  const program = (name: string, script: string): string => {
    const path = join(dir, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  program(
    "pg_restore",
    `case "$*" in
       *--list*) exec ${real("pg_restore")} "$@";;
       *--file=-*) ${real("pg_restore")} "$@" | sed 's/^SET lock_timeout = 0;$/&\\nSET transaction_timeout = 0;/';;
       *) echo 'unrecognized configuration parameter "transaction_timeout"' >&2; exit 1;;
     esac`,
  );
  program("psql", `exec ${real("psql")} "$@"`);
  return program(
    "pg_dump",
    `[ "$1" = --version ] && echo 'pg_dump (PostgreSQL) 18.4' && exit 0; exec ${real("pg_dump")} "$@"`,
  );
}

const onlyDump = (dir: string): string => {
  const [file, ...more] = readdirSync(dir).filter((name) => name.endsWith(".dump"));
  if (file === undefined || more.length > 0)
    throw new Error(`one backup was expected in ${readdirSync(dir).join()}`);
  return join(dir, file);
};
const manifestOf = (dump: string) =>
  JSON.parse(readFileSync(dump.replace(/dump$/u, "json"), "utf8")) as Manifest;

/** A `pg_dump` of the right version that does something else. */
function pgDumpThat(dir: string, does: string): string {
  const path = join(dir, "pg_dump");
  const real = join(installedPostgres ?? "", "bin/pg_dump");
  writeFileSync(
    path,
    `#!/bin/sh\n[ "$1" = --version ] && exec ${real} --version\n${does.replaceAll("REAL", real)}\n`,
  );
  writeFileSync(
    join(dir, "pg_restore"),
    `#!/bin/sh\nexec ${join(installedPostgres ?? "", "bin/pg_restore")} "$@"\n`,
  );
  for (const name of ["pg_dump", "pg_restore"]) chmodSync(join(dir, name), 0o755);
  return path;
}

describe.skipIf(installedPostgres === undefined)("stakebts backup", () => {
  test("makes a file that only its owner reads, restores it to see that it can be, and says so", async ({
    stakebts,
    url,
    dir,
  }) => {
    const before = await databases();
    const [here] = await ask<{ oid: number }>(
      url,
      "SELECT oid FROM pg_database WHERE datname = current_database()",
    );
    await server?.createDatabase(`stakebts_verify_${here?.oid}_killed`); // Left by a backup that was killed.
    const made = await stakebts("backup", "--dir", join(dir, "new"));
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(made.out).toContain(", verified");
    const dump = onlyDump(join(dir, "new"));
    expect(statSync(dump).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "new")).mode & 0o777).toBe(0o700);
    const manifest = manifestOf(dump);
    expect(manifest).toMatchObject({ verified: true, cursor: { blockNum: 1 }, bytes: statSync(dump).size });
    expect(manifest.tables["payout"]).toMatchObject({ rows: 1, sum: "450" });
    expect(await databases()).toEqual(before);
    const [receipt] = await ask<{ subject: string; details: object }>(
      url,
      "SELECT subject, details FROM receipt WHERE event = 'backup.made'",
    );
    expect(receipt).toMatchObject({
      subject: manifest.file,
      details: { sha256: manifest.sha256, verified: true },
    });
    expect((await stakebts("status")).out).toMatch(/backup +\d{4}-.* UTC, verified/u);
    expect((await stakebts("doctor")).out).toMatch(/ok +backup/u);
    expect(readFileSync(dump.replace(/dump$/u, "json"), "utf8")).not.toContain("postgres:postgres");
  });

  test("keeps what the rule says, and never a stranger's file", async ({ stakebts, dir }) => {
    const old = [40, 41, 42].map((days) => backupName(Date.now() - days * DAY_MS, "20261123120000"));
    for (const name of old)
      for (const file of [name, name.replace(/dump$/u, "json")]) writeFileSync(join(dir, file), "{}");
    const stranger = backupName(Date.now() - 43 * DAY_MS, "20261123120000");
    writeFileSync(join(dir, stranger), "no manifest");
    const { code, out } = await stakebts("backup", "--dir", dir, "--no-verify", "--keep", "1h,1d,0m");
    expect({ code, removed: out.match(/removed/gu)?.length }).toEqual({ code: 0, removed: 3 });
    expect(readdirSync(dir).filter((name) => name.endsWith(".dump"))).toHaveLength(2);
    expect(existsSync(join(dir, stranger))).toBe(true);
  });

  test.for([
    ["that is cut off", 'REAL "$@" | head -c 3000'],
    ["that leaves a table out", 'exec REAL "$@" --exclude-table-data=payout'],
    ["that ends with an error", "echo 'disk on fire' >&2; exit 3"],
  ])("gives no name to a dump %s", async ([, does], { stakebts, url, dir }) => {
    const bad = stakebts.with({ STAKEBTS_PG_DUMP: pgDumpThat(dir, does ?? "") });
    const before = await databases();
    const { code, err } = await bad("backup", "--dir", join(dir, "new"));
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringMatching(/payout: 1 row|pg_restore ended|on fire/u),
    });
    expect(readdirSync(join(dir, "new"))).toEqual([]);
    expect(await databases()).toEqual(before);
    expect(await ask(url, "SELECT FROM receipt WHERE event = 'backup.failed'")).toHaveLength(1);
  });

  test("works with tools that are newer than the server, and make a setting that it does not know", async ({
    stakebts,
    database,
    dir,
  }) => {
    const newer = stakebts.with({ STAKEBTS_PG_DUMP: newerTools(dir) });
    const made = await newer("backup", "--dir", join(dir, "new"));
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining(", verified") as string });
    const dump = onlyDump(join(dir, "new"));
    expect(manifestOf(dump).pgDumpVersion).toBe("18.4");
    const name = `${database}_new`;
    const restored = await newer(
      "restore",
      dump,
      "--into",
      name,
      "--reason",
      "a test",
      "--yes",
      "--confirm",
      name,
    );
    expect({ code: restored.code, err: restored.err }).toMatchObject({ code: 0 });
  });

  test("says at start that newer tools need psql beside them", async ({ stakebts, dir }) => {
    const path = newerTools(dir);
    rmSync(join(dir, "psql"));
    const { code, err } = await stakebts.with({ STAKEBTS_PG_DUMP: path })(
      "backup",
      "--dir",
      join(dir, "new"),
    );
    expect({ code, err }).toMatchObject({
      code: 78,
      err: expect.stringContaining("needs psql beside it") as string,
    });
  });

  test("does not wait when another one is being made", async ({ stakebts, dir }) => {
    const slow = stakebts.with({
      STAKEBTS_PG_DUMP: pgDumpThat(dir, `while [ ! -e ${dir}/go ]; do sleep 0.05; done; exec REAL "$@"`),
    });
    const first = slow("backup", "--dir", join(dir, "new"));
    await vi.waitFor(() => expect(readdirSync(join(dir, "new"))).toHaveLength(1), 20_000);
    const second = await stakebts("backup", "--dir", join(dir, "new"));
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining("another backup") });
    writeFileSync(join(dir, "go"), "");
    expect(await first).toMatchObject({ code: 0 });
  });

  test("ends with 78 without the address of a database: no later attempt would find one", async ({ dir }) => {
    const nowhere = stakebtsWith({}, inProcess);
    expect(await nowhere("backup", "--dir", dir, "--every", "4h")).toMatchObject({
      code: 78,
      err: expect.stringContaining("DATABASE_URL"),
    });
  });

  test("goes on by a schedule until SIGTERM, and makes none while the last is young", async ({
    url,
    dir,
  }) => {
    const child = spawn(process.execPath, [ENTRY, "backup", "--dir", dir, "--every", "4h"], {
      env: { PATH: process.env["PATH"], DATABASE_URL: url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
    await vi.waitFor(() => expect(log).toContain("backup.made"), 60_000);
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    onlyDump(dir);
  });
});

describe.skipIf(installedPostgres === undefined)("stakebts restore", () => {
  const WHY = ["--reason", "drill"];

  test("puts the ledger of a backup into a new database, locked until a person has looked and the chain was read", async ({
    stakebts,
    database: name,
    url,
    dir,
  }) => {
    await stakebts("backup", "--dir", dir);
    const drill = `${name}_drill`;
    const answer = await stakebts(
      "restore",
      onlyDump(dir),
      "--into",
      drill,
      ...WHY,
      "--yes",
      "--confirm",
      drill,
    );
    expect(answer).toMatchObject({ code: 0, out: expect.stringContaining("stakebts doctor") });
    expect(answer.err).toContain("1 agreements, 1 payouts of 450 BTS");
    const there = new URL(url);
    there.pathname = `/${drill}`;
    const restored = stakebts.with({ DATABASE_URL: there.href });
    expect((await restored("status")).out).toMatch(
      /payments +off: .*restored from stakebts-[^]*recovery hold +/u,
    );
    expect((await restored("receipts", "--event", "ledger.restored")).out).toContain("drill");
    const ledger = createPostgresLedger({ url: there.href });
    const writerEpoch = await ledger.control.startWriterEpoch();
    await letPaymentsGo(ledger);
    const payout = refundOf(operation(10));
    expect(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch }))).toBe("payments_off");
    await passRecoveryHold(ledger);
    expect(await saveWithdrawal(ledger, withdrawalFor(payout, "a", { writerEpoch }))).toBe("saved");
    await ledger.close();
  });

  test("keeps what was there, and asks for the name of the database", async ({
    stakebts,
    database: name,
    url,
    dir,
  }) => {
    await stakebts("backup", "--dir", dir);
    await stakebts("payments", "off", "--reason", "x");
    const dump = onlyDump(dir);
    const there = await stakebts("restore", dump, ...WHY, "--yes", "--confirm", name);
    expect(there).toMatchObject({ code: 1, err: expect.stringContaining("--replace") });
    const unconfirmed = await stakebts("restore", dump, "--replace", ...WHY);
    expect(unconfirmed).toMatchObject({ code: 2, err: expect.stringContaining(`--yes --confirm ${name}`) });
    const wrong = await stakebts("restore", dump, "--replace", ...WHY, "--yes", "--confirm", "yes");
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("nothing was done") });
    expect((await databases()).filter((other) => other.startsWith(name))).toEqual([name]);
    await ask(url, "INSERT INTO receipt (event, subject, details) VALUES ('later', 'x', '{}')");
    const done = await stakebts("restore", dump, "--replace", ...WHY, "--yes", "--confirm", name);
    expect(done).toMatchObject({ code: 0 });
    const [, kept] = (await databases()).filter((other) => other.startsWith(name));
    expect(done.out).toContain(`kept as ${kept}`);
    expect(await ask(url, "SELECT FROM receipt WHERE event = 'later'")).toHaveLength(0);
    const old = url.replace(name, kept ?? "");
    expect(await ask(old, "SELECT FROM receipt WHERE event = 'later'")).toHaveLength(1);
  });

  test("is refused while payments are on or a process is connected, and says which", async ({
    stakebts,
    database: name,
    url,
    dir,
  }) => {
    await stakebts("backup", "--dir", dir, "--no-verify");
    const restore = () => stakebts("restore", onlyDump(dir), "--replace", ...WHY, "--yes", "--confirm", name);
    await ask(url, END_FREEZES_SQL);
    expect(await restore()).toMatchObject({ code: 1, err: expect.stringContaining("payments are on") });
    await ask(url, STOP_PAYMENTS_SQL);
    const payer = new pg.Client({ connectionString: url, application_name: "stakebts-payer" });
    await payer.connect();
    await payer.query("SELECT pg_advisory_lock($1)", [LOCKS.payer]);
    const refused = await restore();
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/stakebts-payer \(process \d+ .*: it is the payer that leads/u);
    await payer.end();
    expect(await restore()).toMatchObject({ code: 0 });
  });

  test("refuses what is damaged, or is no backup", async ({ stakebts, dir, database: name }) => {
    await stakebts("backup", "--dir", dir, "--no-verify");
    const dump = onlyDump(dir);
    const restore = (file: string) =>
      stakebts("restore", file, "--replace", ...WHY, "--yes", "--confirm", name);
    const bytes = readFileSync(dump);
    bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
    writeFileSync(dump, bytes);
    expect(await restore(dump)).toMatchObject({ code: 1, err: expect.stringContaining("SHA-256") });
    writeFileSync(join(dir, "text.dump"), "text");
    expect(await restore(join(dir, "text.dump"))).toMatchObject({
      code: 1,
      err: expect.stringContaining("pg_restore"),
    });
    expect(await restore(join(dir, "nothing.dump"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("no file"),
    });
    expect((await databases()).filter((other) => other.startsWith(name))).toEqual([name]);
  });
});

describe.skipIf(installedPostgres === undefined)(
  "an old backup, restored while the chain has moved on",
  () => {
    test("pays no nominator twice and forgets none, with a payment in flight that it does not know", async ({
      database,
      dir,
    }) => {
      const url = (await server?.createDatabase(`${database}_office`, "template_ledger")) ?? "";
      const before = await PostgresCluster.open(url);
      const key = await before.failedRefund("nominator-1");
      await stakebtsOf(before)("payouts", "requeue", key, "--reason", "try it");
      const payout = identified({ ...refundOf(operation(1)), key: key as PayoutKey }).id;
      const owner = stakebtsOf(before).with({ DATABASE_URL: url });
      expect(await owner("backup", "--dir", dir)).toMatchObject({ code: 0 });
      expect(await before.pay(payout)).toMatchObject({ type: "in_flight", outcome: { type: "accepted" } });
      await before.send("nominator-2", 25_000n, "three_months");
      await stakebtsOf(before)("payments", "off", "--reason", "the disk is broken");
      await before.ledger.close();
      const confirmed = ["--reason", "the disk was broken", "--yes", "--confirm", `${database}_office`];
      const restored = await owner("restore", onlyDump(dir), "--replace", ...confirmed);
      expect(restored).toMatchObject({ code: 0 });
      await stakebtsOf(before)("payments", "on", "--reason", "it is what we want");
      const after = await before.reopen(url);
      try {
        expect(await after.pay(payout)).toMatchObject({
          type: "again",
          reason: expect.stringContaining("restored"),
        });
        await after.ingest();
        expect(await after.pay(payout)).toMatchObject({
          type: "again",
          reason: expect.stringContaining("until"),
        });
        const { out } = await stakebtsOf(after)("payouts", "cancel", key, "--reason", "x", "--yes");
        expect(out).toContain("forgotten");
        await after.digest();
        await after.passRecoveryHold();
        for (let n = 0; n < 3; n++) await after.work();
        expect(await after.pay(payout)).toEqual({ type: "settled" });
        expect(await after.arrivedAt("nominator-1")).toEqual([450]);
        expect(await after.arrivedAt("nominator-2")).toEqual([1]);
        expect((await stakebtsOf(after)("receipts", "--event", "recovery_hold.*")).out).toContain(
          "recovery_hold.lifted",
        );
      } finally {
        await after.close();
      }
    });
  },
);

describe.skipIf(installedPostgres === undefined)("stakebts reset", () => {
  test("wants the word in full, deletes nothing, and begins with an empty ledger that pays nothing", async ({
    stakebts,
    database: name,
    url,
  }) => {
    const reset = (...more: string[]) => stakebts("reset", "--reason", "end of the rehearsal", ...more);
    expect(await reset()).toMatchObject({ code: 2, err: expect.stringContaining("--confirm reset") });
    expect(await reset("--yes")).toMatchObject({ code: 2, err: expect.stringContaining("--confirm reset") });
    expect(await reset("--yes", "--confirm", "RESET")).toMatchObject({ code: 1 });
    await ask(url, END_FREEZES_SQL);
    expect(await reset("--yes", "--confirm", "reset")).toMatchObject({
      code: 1,
      err: expect.stringContaining("payments are on"),
    });
    await ask(url, STOP_PAYMENTS_SQL);
    const done = await reset("--yes", "--confirm", "reset");
    expect(done).toMatchObject({ code: 0, err: "" });
    const [, kept] = (await databases()).filter((other) => other.startsWith(name));
    expect(await ask(url.replace(name, kept ?? ""), "SELECT FROM agreement")).toHaveLength(1);
    expect(await ask(url, "SELECT FROM agreement")).toHaveLength(0);
    expect((await stakebts("status")).out).toMatch(/payments +off: reset by operator-1[^]*recovery hold +/u);
  });
});

describe("a server that is newer than every pg_dump here", () => {
  withEmbedded("is not backed up, and the message names the package", async ({ databaseUrl }) => {
    const { code, err } = await stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess)(
      "backup",
      "--dir",
      tmpdir(),
    );
    expect({ code, err }).toMatchObject({ code: 78, err: expect.stringContaining("postgresql-client-18") });
  });

  withEmbedded("ends the service at its start, which would never make one", async ({ databaseUrl }) => {
    const answer = await stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess)(
      "backup",
      "--dir",
      tmpdir(),
      "--every",
      "4h",
    );
    expect(answer).toMatchObject({ code: 78, err: expect.stringContaining("postgresql-client-18") });
  });
});

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { agreementWithRows, operation, refundOf } from "@stakebts/testkit/given";
import { postgresFolders } from "@stakebts/testkit/installed-postgres";
import { passRecoveryHold } from "@stakebts/testkit/pass-recovery-hold";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, inProcess, stakebtsWith } from "../../apps/cli/test/stakebts.ts";
import { prepare } from "../../prisma/migrate.ts";

// Backups with each version of the programs and each version of the server that this machine has, and restored into each.

const OLDEST = 15;
const NEWEST = 18;
const ALL = Array.from({ length: NEWEST - OLDEST + 1 }, (_, n) => OLDEST + n);

/** One folder for each version; `undefined` is the server that comes with the tests. */
const byMajor = <Folder extends string | undefined>(folders: readonly (readonly [number, Folder])[]) =>
  new Map(folders.filter(([major]) => ALL.includes(major)).toSorted(([a], [b]) => a - b));

function majorOf(program: string): number {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return Number(/\b(\d+)\.\d+/u.exec(stdout ?? "")?.[1] ?? 0);
}

const present = postgresFolders();
const servers = byMajor<string | undefined>([
  [NEWEST, undefined],
  ...present.servers.map((folder) => [majorOf(join(folder, "bin/postgres")), folder] as const),
]);
const tools = byMajor(present.tools.map((folder) => [majorOf(join(folder, "bin/pg_dump")), folder] as const));
const missing = (of: ReadonlyMap<number, unknown>): string =>
  ALL.filter((major) => !of.has(major)).join(", ") || "none";
console.warn(
  `\n  Backups between versions of PostgreSQL: SKIPPED for the servers ${missing(servers)} and the programs ${missing(tools)}, ` +
    `which this machine has not (POSTGRES_FOLDERS names more).\n`,
);

/** All of them, so that the one that fits has to be chosen. */
const allTools = [...tools.values()].map((folder) => join(folder, "bin")).join(":");
const running = new Map<number, Pg>();
let dir = "";

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "stakebts-versions-"));
  for (const [major, installation] of servers) {
    const server = await startPostgres(installation === undefined ? {} : { installation });
    running.set(major, server);
    await fill(await server.createDatabase("ledger"));
  }
});
afterAll(async () => {
  await Promise.all([...running.values()].map((server) => server.stop()));
  rmSync(dir, { recursive: true });
});

/** Rows of the ledger, and words that look like what is taken out of a restore. */
async function fill(url: string): Promise<void> {
  await prepare(url);
  const ledger = createPostgresLedger({ url });
  const { agreement, rows } = agreementWithRows(operation(9));
  await passRecoveryHold(ledger);
  await ledger.transaction(async (tx) => {
    await tx.agreements.insert([{ agreement, rows }]);
    await tx.payouts.insert([refundOf(operation(10))]);
    await tx.control.addFreeze({ source: "operator", level: "pay-nothing", reason: "test" });
    await tx.receipts.add([
      {
        event: "test",
        subject: "ä ﷺ 🙂",
        details: { text: "x\nSET transaction_timeout = 0;\n\\restrict a\n\\." },
      },
    ]);
  });
  await ledger.close();
}

const urlOf = (server: number, database: string): string => running.get(server)?.url(database) ?? "";
const folderOf = (server: number, tool: number): string => join(dir, `${server}-${tool}`);
const dumpOf = (server: number, tool: number): string => {
  const folder = folderOf(server, tool);
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".dump")) ?? "nothing");
};

const backup = (server: number, tool: number): Promise<Answer> =>
  stakebtsWith(
    { DATABASE_URL: urlOf(server, "ledger"), STAKEBTS_PG_DUMP: join(tools.get(tool) ?? "", "bin/pg_dump") },
    inProcess,
  )("backup", "--dir", folderOf(server, tool));

const restore = (dump: string, server: number, name: string): Promise<Answer> =>
  stakebtsWith({ DATABASE_URL: urlOf(server, name), PATH: allTools }, inProcess)(
    "restore",
    dump,
    "--reason",
    "a test",
    "--yes",
    "--confirm",
    name,
  );

const [oldest] = servers.keys();
/** Older programs than the server cannot speak to it, or are not asked to. */
const newest = Math.max(...tools.keys());

const pairs = [...servers.keys()].flatMap((server) => [...tools.keys()].map((tool) => ({ server, tool })));

describe.each(pairs.filter(({ server, tool }) => tool < server))(
  "pg_dump $tool at a server of version $server",
  ({ server, tool }) => {
    it("is refused at start, with the package that is needed", async () => {
      expect(await backup(server, tool)).toMatchObject({
        code: 78,
        err: expect.stringContaining(`postgresql-client-${server}`) as string,
      });
    });
  },
);

describe.each(pairs.filter(({ server, tool }) => tool >= server))(
  "a backup of a server of version $server by pg_dump $tool",
  ({ server, tool }) => {
    it("is made, and restored to see that it can be", async () => {
      const { code, out, err } = await backup(server, tool);
      expect({ code, out, err }).toMatchObject({
        code: 0,
        out: expect.stringContaining(", verified") as string,
      });
      expect(JSON.parse(readFileSync(dumpOf(server, tool).replace(/dump$/u, "json"), "utf8"))).toMatchObject({
        pgDumpVersion: expect.stringMatching(`^${tool}\\.`) as string,
        serverVersion: expect.stringMatching(`^${server}\\.`) as string,
      });
    });

    it.each([...servers.keys()].filter((target) => target <= newest))(
      "is restored into a server of version %d, and is what was dumped",
      async (target) => {
        const { code, err } = await restore(dumpOf(server, tool), target, `from_${server}_${tool}`);
        expect({ code, err }).toMatchObject({ code: 0 });
      },
    );
  },
);

it.skipIf(tools.size < 2 || oldest === undefined)(
  "a dump without its manifest is read by programs that are new enough, though older ones fit the server",
  async () => {
    await backup(oldest ?? 0, newest);
    const dump = dumpOf(oldest ?? 0, newest);
    const alone = join(dir, "alone.dump");
    copyFileSync(dump, alone);
    expect(await restore(alone, oldest ?? 0, "alone")).toMatchObject({
      code: 0,
      err: expect.stringContaining("No manifest") as string,
    });
  },
);

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../database/client.ts";
import { openCursors, openPool, openSession, toolEnvironment } from "./database-session.ts";

// A server as managed ones are: its certificate is signed by an authority of its own, which no system knows.

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "stakebts-tls-"));
const at = (name: string): string => join(folder, name);
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

function authority(name: string): void {
  openssl(
    ...`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout ${name}.key -out ${name}.pem -subj /CN=${name}`.split(
      " ",
    ),
  );
}

/** Signed by `ca`, for this one name. */
function certificate(ca: string, name: string, subject: string): { cert: string; key: string } {
  openssl(
    ...`req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`.split(
      " ",
    ),
  );
  writeFileSync(at(`${name}.ext`), `subjectAltName=${subject}\n`);
  openssl(
    ...`x509 -req -days 2 -in ${name}.csr -CA ${ca}.pem -CAkey ${ca}.key -CAcreateserial -extfile ${name}.ext -out ${name}.pem`.split(
      " ",
    ),
  );
  return { cert: readFileSync(at(`${name}.pem`), "utf8"), key: readFileSync(at(`${name}.key`), "utf8") };
}

/** How each program of ours gets to the server; each answers whether its session is encrypted. */
const ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const PROGRAMS: Readonly<Record<string, (url: string) => Promise<boolean>>> = {
  async "a session"(url) {
    const session = openSession(url);
    await session.connect();
    const { rows } = await session.query<{ ssl: boolean }>(ENCRYPTED);
    await session.end();
    return rows[0]?.ssl === true;
  },
  async "a pool"(url) {
    const pool = openPool(url, { max: 1 });
    try {
      return (await pool.query<{ ssl: boolean }>(ENCRYPTED)).rows[0]?.ssl === true;
    } finally {
      await pool.end();
    }
  },
  async Prisma(url) {
    const db = openDatabase(url, 1);
    try {
      return (await db.$queryRawUnsafe<{ ssl: boolean }[]>(ENCRYPTED))[0]?.ssl === true;
    } finally {
      await db.$disconnect();
    }
  },
  async "a cursor"(url) {
    const sql = await openCursors(url, { name: "test" });
    const rows = await sql.unsafe<{ ssl: boolean }[]>(ENCRYPTED);
    await sql.end();
    return rows[0]?.ssl === true;
  },
  ...(installedPostgres === undefined
    ? {}
    : {
        async psql(url: string) {
          const env = { ...toolEnvironment(url, 15), PATH: process.env["PATH"] };
          const psql = spawnSync(join(installedPostgres as string, "bin/psql"), ["-Atc", ENCRYPTED], {
            env,
            encoding: "utf8",
          });
          if (psql.status !== 0) throw new Error(psql.stderr);
          return psql.stdout.trim() === "t";
        },
      }),
};

describe.skipIf(!hasOpenssl)("with a server whose authority is a private one", () => {
  let named: Pg;
  let misnamed: Pg;
  beforeAll(async () => {
    for (const name of ["own", "other"]) authority(name);
    const installation = installedPostgres === undefined ? {} : { installation: installedPostgres };
    [named, misnamed] = await Promise.all([
      startPostgres({ ...installation, certificate: certificate("own", "named", "IP:127.0.0.1") }),
      startPostgres({ ...installation, certificate: certificate("own", "misnamed", "DNS:db.example.org") }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([named?.stop(), misnamed?.stop()]);
  });

  const url = (server: Pg, parameters: string): string => `${server.url("postgres")}?${parameters}`;
  const own = () => `sslrootcert=${at("own.pem")}`;
  const other = () => `sslrootcert=${at("other.pem")}`;

  describe.each(Object.entries(PROGRAMS))("%s", (_name, isEncrypted) => {
    it("is encrypted in each mode that fits", async () => {
      for (const parameters of ["require", `require&${own()}`, `verify-ca&${own()}`, `verify-full&${own()}`])
        expect(await isEncrypted(url(named, `sslmode=${parameters}`)), parameters).toBe(true);
      expect(await isEncrypted(url(named, "sslmode=disable"))).toBe(false);
    });

    it("asks for the name of the server in verify-full alone", async () => {
      expect(await isEncrypted(url(misnamed, `sslmode=verify-ca&${own()}`))).toBe(true);
      await expect(isEncrypted(url(misnamed, `sslmode=verify-full&${own()}`))).rejects.toThrow();
    });

    it("refuses the certificate of another authority, and one that the system does not know", async () => {
      for (const mode of ["require", "verify-ca", "verify-full"])
        await expect(isEncrypted(url(named, `sslmode=${mode}&${other()}`)), mode).rejects.toThrow();
      await expect(isEncrypted(url(named, "sslmode=verify-full"))).rejects.toThrow(/certificate/u);
    });
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));
